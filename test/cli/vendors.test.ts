/** `roomkit emulate` and `roomkit webhooks`, as processes. Built by `npm test`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { UserFolder } from './program.js';

let folder: UserFolder;
beforeEach(() => {
  folder = new UserFolder();
});
afterEach(() => folder.remove());

/** A kit that answers text messages over Twilio at `baseUrl`. */
const app = (baseUrl: string): string => `
import { Agent, MockAIProvider, RoomKit, SMSChannel } from 'roomkit';
import { TwilioSMSProvider } from 'roomkit/twilio';

const kit = new RoomKit();
const provider = new TwilioSMSProvider({ accountSid: 'AC${'0'.repeat(32)}', authToken: 'test-token', fromNumber: '+15550100', baseUrl: '${baseUrl}' });
kit.registerChannel(new SMSChannel('sms-main', { provider }));
kit.registerChannel(new Agent('agent', { provider: new MockAIProvider({ responses: ['It is on its way.'] }), systemPrompt: 'You help.' }));
kit.hook('on_room_created', { name: 'agent' }, async (event) => { await kit.attachChannel(event.roomId, 'agent', { category: 'intelligence' }); });
export default kit;
export const server = { publicUrl: 'http://127.0.0.1:PORT' };
`;

describe('roomkit emulate', { timeout: 20_000 }, () => {
  it('is the vendor and the phone: what is typed reaches the program, and its answer is shown', async () => {
    verifies('WHK-03');
    const twilio = folder.roomkit('emulate', 'twilio');
    await twilio.prints(/listens on (http:\/\/127\.0\.0\.1:\d+)/);
    const vendorUrl = /listens on (\S+)/.exec(twilio.out)?.[1] ?? '';
    expect(twilio.out).toContain(`new TwilioSMSProvider({ accountSid: 'AC`);
    folder.write('app.js', app(vendorUrl).replace(/export const server.*/, ''));
    const address = await folder.roomkit('start', 'app.js', '--port', '0').address();

    const second = folder.roomkit('emulate', 'twilio', '--webhook', `${address}/webhooks/sms-main`, '--port', new URL(vendorUrl).port);
    expect(await second.ended, 'the port is taken').toBe(1);
    expect(second.errors).toMatch(/^Port \d+ is in use\. .*--port.*\n$/);
    twilio.child.kill('SIGTERM');
    expect(await twilio.ended).toBe(0);
    const again = folder.roomkit('emulate', 'twilio', '--webhook', `${address}/webhooks/sms-main`, '--port', new URL(vendorUrl).port);
    await again.prints(/Type a message/);
    again.child.stdin.write('Where is my parcel?\n');
    await again.prints(/< It is on its way\./);
    again.child.kill('SIGTERM');
    expect(await again.ended, again.errors).toBe(0);
  });

  it('names the vendors there are', async () => {
    const program = folder.roomkit('emulate', 'pigeon');
    expect(await program.ended).toBe(2);
    expect(program.errors).toMatch(/'pigeon' cannot be emulated\. There are .*twilio/);
    const personal = folder.roomkit('emulate', 'whatsapp-personal');
    expect(await personal.ended).toBe(2);
    expect(personal.errors).toMatch(/cannot be emulated.*FakeWhatsAppDriver/);
  });
});

describe('roomkit webhooks', { timeout: 20_000 }, () => {
  it('shows where a secret belongs, and not the secret', async () => {
    verifies('WHK-04');
    folder.write(
      'app.js',
      `import { EmailChannel, RoomKit } from 'roomkit';
import { SendGridProvider } from 'roomkit/sendgrid';
const kit = new RoomKit();
const provider = new SendGridProvider({ apiKey: 'SG.x', fromAddress: 'desk@shop.example', webhookSecret: 'hunter2' });
kit.registerChannel(new EmailChannel('email', { provider }));
export default kit;
`,
    );
    const program = folder.roomkit('webhooks', 'app.js', '--public-url', 'https://help.example');
    expect(await program.ended, program.errors).toBe(0);
    expect(program.out).toContain('email (sendgrid)\n  https://help.example/webhooks/email\n  https://help.example/webhooks/email/{webhookSecret}\n');
    expect(program.out).not.toContain('hunter2');
  });

  it('lists the address of each channel and what is missing', async () => {
    folder.write('app.js', app('http://127.0.0.1:1').replace(/export const server.*/, ''));
    const program = folder.roomkit('webhooks', 'app.js');
    expect(await program.ended, program.errors).toBe(0);
    expect(program.out).toContain('sms-main (twilio)\n  https://YOUR-ADDRESS/webhooks/sms-main\n');
    expect(program.out).toContain('missing: the public address');
    const known = folder.roomkit('webhooks', 'app.js', '--public-url', 'https://help.example/', '--register');
    expect(await known.ended, known.errors).toBe(0);
    expect(known.out).toContain('  https://help.example/webhooks/sms-main\n');
    expect(known.out).not.toContain('missing');
    expect(known.out).toContain('by hand');
  });
});
