/** The emulated vendors of mail as lines with a mailbox at their other end, for a console, Studio and the demo. */
import { describe, expect, it } from 'vitest';
import { EmailChannel, RoomKit, silentLogger } from '../../src/index.js';
import { EMULATED_VENDORS, type EmulatedLine } from '../../src/emulators/index.js';
import { ElasticEmailProvider } from '../../src/providers/elasticemail/index.js';
import { SendGridProvider } from '../../src/providers/sendgrid/index.js';
import { IMAPSource, SMTPProvider, type IMAPConfig } from '../../src/providers/smtp/index.js';
import { eventually } from '../providers/mail-scene.js';
import { openMailScene } from '../providers/mail-webhook.js';
import { verifies } from '../requirements.js';

function open(vendor: string): Promise<EmulatedLine> {
  const start = EMULATED_VENDORS[vendor];
  if (start === undefined) throw new Error(`There is no ${vendor}.`);
  return start({ person: 'bob@example.org' });
}

/** The person writes, is answered, and writes again: into the same thread. */
async function converse(kit: RoomKit, { device }: EmulatedLine): Promise<void> {
  expect(await device.write('My parcel')).toMatchObject({ isOwn: true });
  await eventually(() => seen().length === 1, 'it arrives');
  const [first] = seen();
  await kit.attachChannel(first?.roomId ?? '', 'desk');
  await kit.sendEvent(first?.roomId ?? '', 'desk', 'On its way.');
  await eventually(() => device.messages.length === 2, 'the answer arrives');
  expect(device.messages[1]).toMatchObject({ isOwn: false, subject: 'Re: A question', text: 'On its way.' });
  await device.write('Thank you!');
  await eventually(() => seen().length === 2, 'the reply arrives');
  expect(seen()[1]).toMatchObject({ roomId: first?.roomId, content: { body: 'Thank you!' } });
  expect(device.messages.every(({ failure }) => failure === undefined)).toBe(true);

  function seen(): readonly { readonly roomId: string }[] {
    return heardBy.get(kit) ?? [];
  }
}

const heardBy = new WeakMap<RoomKit, readonly { readonly roomId: string }[]>();

describe('a mailbox', () => {
  it.each(['sendgrid', 'elasticemail'])('writes and reads over %s', async (vendor) => {
    verifies('EM-03', 'RTR-05');
    const line = await open(vendor);
    const { options } = line.provider;
    const provider = line.provider.name === 'SendGridProvider' ? new SendGridProvider(options) : new ElasticEmailProvider(options);
    const scene = await openMailScene(provider);
    heardBy.set(scene.kit, scene.heard);
    line.callAt(scene.webhookUrl);
    await converse(scene.kit, line);
    await line.close();
    await scene.close();
  });

  it('writes and reads over SMTP and IMAP', async () => {
    verifies('EM-03', 'RTR-05');
    const line = await open('smtp');
    expect(line.url).toMatch(/^smtp:\/\/127\.0\.0\.1:\d+$/);
    const kit = new RoomKit({ logger: silentLogger });
    kit.registerChannel(new EmailChannel('email', { provider: new SMTPProvider(line.provider.options) }));
    kit.registerChannel(new EmailChannel('desk'));
    const heard: { readonly roomId: string }[] = [];
    kit.hook('after_broadcast', { name: 'heard' }, (event) => {
      if (event.source.channelId === 'email' && event.type === 'message') heard.push(event);
    });
    heardBy.set(kit, heard);
    const connected = new Promise<void>((resolve) => kit.on('source_connected', () => resolve()));
    await kit.attachSource('email', new IMAPSource({ ...(line.source?.options as unknown as IMAPConfig), channelId: 'email' }));
    await connected;
    await converse(kit, line);
    await kit.close();
    await line.close();
  });

  it('says what did not get through', async () => {
    const line = await open('sendgrid');
    expect(await line.device.write('Hello?')).toMatchObject({ failure: expect.stringContaining('webhook') as string });
    await line.close();
  });
});
