/** The mailbox on a server that people really run: Dovecot. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmailChannel, RoomKit, silentLogger, type RoomEvent } from '../../src/index.js';
import { IMAPSource, type IMAPConfig } from '../../src/providers/smtp/index.js';
import { hasDovecot, openDovecot, type Dovecot } from '../support/dovecot.js';
import { messagesOf, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { eventually } from './mail-scene.js';

const isThere = hasDovecot();

if (!isThere && process.env['CI'] === 'true')
  it('has Dovecot to run against', () => {
    expect.fail('Dovecot is missing: apt-get install dovecot-imapd.');
  });

describe.skipIf(!isThere)('a mailbox at Dovecot (skipped where it is not installed)', () => {
  let dovecot: Dovecot;
  beforeAll(async () => {
    dovecot = await openDovecot();
  });
  afterAll(() => dovecot.close());

  function mail(id: string, text: string, more = ''): string {
    return `From: Ada <ada@example.org>\nTo: desk@shop.example\nSubject: My parcel\nMessage-ID: <${id}@example.org>\n${more}\n${text}\n`;
  }

  function sourceOf(more: Partial<IMAPConfig> = {}): IMAPSource {
    const { port, user, password } = dovecot;
    return new IMAPSource({ channelId: 'mail', host: '127.0.0.1', port, secure: false, allowInsecure: true, user, password, ...more });
  }

  async function open(source: IMAPSource): Promise<{ kit: RoomKit; heard: RoomEvent[] }> {
    const kit = new RoomKit({ logger: silentLogger });
    kit.registerChannel(new EmailChannel('mail'));
    const heard: RoomEvent[] = [];
    kit.hook('after_broadcast', { name: 'heard' }, (event) => {
      if (event.type === 'message') heard.push(event);
    });
    const connected = new Promise<void>((resolve) => kit.on('source_connected', () => resolve()));
    await kit.attachSource('mail', source, { restartDelaySeconds: 0.05 });
    await connected;
    return { kit, heard };
  }

  it('brings what arrives from now on, across its restarts and those of the program', async () => {
    verifies('SRC-02', 'SRC-03', 'SRC-04', 'EM-05');
    dovecot.deliver(mail('before', 'Before.'));
    const first = await open(sourceOf());
    dovecot.deliver(mail('a1', 'Where is it?'));
    await eventually(() => first.heard.length === 1, 'the first mail arrives');
    expect(first.heard[0]).toMatchObject({
      content: { type: 'text', body: 'Where is it?' },
      source: { participantId: 'ada@example.org', externalId: '<a1@example.org>' },
      metadata: { subject: 'My parcel', from_name: 'Ada' },
    });
    await dovecot.restart();
    dovecot.deliver(mail('a2', 'Still not here.', 'In-Reply-To: <a1@example.org>\n'));
    await eventually(() => first.heard.length === 2, 'the second mail arrives');
    const words = messagesOf(await first.kit.getTimeline(first.heard[0]?.roomId ?? '')).map(textOf);
    expect(words).toEqual(['Where is it?', 'Still not here.']);
    await first.kit.close();
    dovecot.deliver(mail('a3', 'While you were away.'));
    const second = await open(sourceOf());
    await eventually(() => second.heard.length === 1, 'the mail of the meantime arrives');
    expect(second.heard.map(textOf)).toEqual(['While you were away.']);
    await second.kit.close();
  });

  it('brings everything since a date, unseen mails alone where it marks what it has seen', async () => {
    verifies('SRC-02');
    const all = await open(sourceOf({ since: new Date(Date.now() - 3_600_000), mark: '$Another' }));
    await eventually(() => all.heard.length === 4, 'all mails of this hour arrive');
    expect(all.heard.map(textOf).sort()).toEqual(['Before.', 'Still not here.', 'Where is it?', 'While you were away.']);
    await all.kit.close();
    const unseen = await open(sourceOf({ mark: '\\Seen' }));
    await eventually(() => unseen.heard.length === 4, 'all that nobody has opened arrives');
    await unseen.kit.close();
    const again = await open(sourceOf({ mark: '\\Seen' }));
    dovecot.deliver(mail('a4', 'One more.'));
    await eventually(() => again.heard.length === 1, 'what is new arrives');
    expect(again.heard.map(textOf)).toEqual(['One more.']);
    await again.kit.close();
  });

  it('refuses a wrong password', async () => {
    verifies('PV-01');
    const source = sourceOf({ password: 'hunter2' });
    const options = { signal: new AbortController().signal, connected: () => undefined };
    await expect(source.start(() => Promise.reject(new Error('unused')), options)).rejects.toThrow();
    expect(source.healthcheck()).toMatchObject({ status: 'error', error: 'auth_error' });
  });
});
