/** One webhook in three servers of others: Hono, Express and Fastify, in front of an emulated vendor. Next and Workers lie beside them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { TwilioEmulator } from 'roomkit/emulators';
import { application as expressApplication } from './webhook-hosts/express.js';
import { application as fastifyApplication } from './webhook-hosts/fastify.js';
import { openHelpDesk } from './webhook-hosts/help-desk.js';
import { application as honoApplication } from './webhook-hosts/hono.js';

await using twilio = await TwilioEmulator.start();
process.env.TWILIO_ACCOUNT_SID = twilio.accountSid;
process.env.TWILIO_AUTH_TOKEN = twilio.authToken;
process.env.TWILIO_URL = twilio.url;

const { kit, webhook } = openHelpDesk();
const fastify = fastifyApplication(webhook);
await fastify.ready();
const hosts = {
  Hono: createServer((request, response) => void getRequestListener(honoApplication(webhook).fetch)(request, response)),
  Express: createServer((request, response) => void expressApplication(webhook)(request, response)),
  Fastify: createServer((request, response) => void fastify.routing(request, response)),
};

const phone = twilio.phone('+15550123');
for (const [name, server] of Object.entries(hosts)) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  twilio.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/sms`;
  console.log(`${name} answered ${await phone.sendSms(`Hello, ${name}!`)}`);
  console.log(`  ${(await phone.waitForSms()).text}`);
  await twilio.settled(); // what became of it is reported to this server, too
  server.closeAllConnections();
  server.close();
}
await kit.close();
await fastify.close();

// prints:
// Hono answered 200
//   We have read “Hello, Hono!”, your message 1.
// Express answered 200
//   We have read “Hello, Express!”, your message 2.
// Fastify answered 200
//   We have read “Hello, Fastify!”, your message 3.
