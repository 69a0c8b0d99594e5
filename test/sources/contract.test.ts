/** The contract of sources, on every source there is, in front of real servers. */
import { afterAll, describe, it } from 'vitest';
import { sourceContract, type OpenSource } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { skipWithoutNats, whyNatsIsLeftOut } from './nats-server.js';
import { closeSharedNats, openJetStream, openNATS } from './open-nats.js';
import { openSSE } from './open-sse.js';
import { openTelegramPolling } from './open-telegram-polling.js';
import { openWebSocket } from './open-websocket.js';
import { openBaileys, openWhatsAppPersonal } from './open-whatsapp-personal.js';

const cases = sourceContract.map((one) => [one.name, one] as const);

describe.each<readonly [string, OpenSource]>([
  ['WebSocketSource', openWebSocket],
  ['SSESource', openSSE],
  ['TelegramPollingSource', openTelegramPolling],
  ['WhatsAppPersonalSource', openWhatsAppPersonal],
  ['WhatsAppPersonalSource over the bundled driver', openBaileys],
])('the contract of sources on %s', (_name, open) => {
  it.each(cases)('%s', async (_case, one) => {
    verifies(...one.rules);
    await one.run(open);
  });
});

describe.skipIf(skipWithoutNats).each<readonly [string, OpenSource]>([
  ['NATSSource', openNATS],
  ['NATSSource with a stream', openJetStream],
])(`the contract of sources on %s${whyNatsIsLeftOut}`, (_name, open) => {
  afterAll(closeSharedNats);
  it.each(cases)('%s', async (_case, one) => {
    verifies(...one.rules);
    await one.run(open);
  });
});
