/** Mail both ways: SMTP and IMAP against a mail server on loopback, and whole conversations over it. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  EmailChannel,
  MockAIProvider,
  AIChannel,
  RoomKit,
  silentLogger,
  type InboundMessage,
  type RoomEvent,
  type RoomKitOptions,
  type SourceStartOptions,
} from '../../src/index.js';
import { MailEmulator, type ArrivedMail, type MailInbox } from '../../src/emulators/index.js';
import { IMAPSource, SMTPProvider, type IMAPConfig } from '../../src/providers/smtp/index.js';
import { verifies } from '../requirements.js';
import { messagesOf, textOf } from '../support/harness.js';
import { LOCALHOST } from '../support/localhost-certificate.js';
import { eventually, requestTo } from './mail-scene.js';

interface Scene {
  readonly kit: RoomKit;
  readonly mail: MailEmulator;
  readonly ada: MailInbox;
  readonly heard: RoomEvent[];
  readonly said: (count: number) => Promise<RoomEvent[]>;
  readonly close: () => Promise<void>;
}

/** A kit with a mail channel, its mailbox read from now on. */
async function openScene(options: RoomKitOptions & { imap?: Partial<IMAPConfig>; roomPerThread?: boolean } = {}): Promise<Scene> {
  const { imap, roomPerThread, ...kitOptions } = options;
  const mail = await MailEmulator.start();
  const kit = new RoomKit({ logger: silentLogger, ...kitOptions });
  const provider = new SMTPProvider({ ...mail.smtp, fromAddress: mail.address, fromName: 'The desk' });
  kit.registerChannel(new EmailChannel('mail', { provider, ...(roomPerThread !== undefined && { roomPerThread }) }));
  const heard: RoomEvent[] = [];
  kit.hook('after_broadcast', { name: 'heard' }, (event) => {
    if (event.source.channelId === 'mail' && event.type === 'message') heard.push(event);
  });
  const connected = new Promise<void>((resolve) => kit.on('source_connected', () => resolve()));
  await kit.attachSource('mail', new IMAPSource({ ...mail.imap, channelId: 'mail', ...imap }), { restartDelaySeconds: 0.01 });
  await connected;
  return {
    kit,
    mail,
    ada: mail.inbox('ada@example.org'),
    heard,
    said: async (count) => {
      await eventually(() => heard.length >= count, `${count} mails arrive`);
      return heard;
    },
    close: async () => {
      await kit.close();
      await eventually(() => mail.openConnections === 0, 'no connection is left open');
      await mail.close();
    },
  };
}

describe('a conversation by mail', () => {
  it('goes to and fro in one thread: what a customer answers lands in the room it was asked in', async () => {
    verifies('EM-01', 'EM-02', 'EM-03', 'EM-05', 'RTR-05');
    const { kit, ada, said, close } = await openScene();
    kit.registerChannel(new EmailChannel('desk'));
    await ada.write({ subject: 'My parcel', text: 'Where is it?', name: 'Ada' });
    const [first] = await said(1);
    expect(first).toMatchObject({ content: { type: 'text', body: 'Where is it?' }, metadata: { subject: 'My parcel', from_name: 'Ada' } });
    const roomId = first?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    const answer = await kit.sendEvent(roomId, 'desk', { type: 'rich', body: 'On its **way**.' });
    const arrived = await ada.waitForMail();
    expect(arrived).toMatchObject({
      from: 'desk@shop.example',
      fromName: 'The desk',
      subject: 'Re: My parcel',
      text: 'On its **way**.',
      messageId: `<${answer.id}@shop.example>`,
      inReplyTo: first?.source.externalId,
      references: [first?.source.externalId],
    });
    expect(arrived.html).toContain('On its <strong>way</strong>.');
    await ada.reply(arrived, 'Thank you!');
    const [, second] = await said(2);
    expect(second).toMatchObject({ roomId, content: { body: 'Thank you!' }, channelData: { threadId: first?.source.externalId } });
    expect(second?.metadata['full_text']).toContain('> On its');
    await close();
  });

  it('keeps two matters of one customer apart', async () => {
    verifies('F09', 'RTR-05');
    const { kit, ada, said, close } = await openScene({ roomPerThread: true });
    kit.registerChannel(new EmailChannel('desk'));
    await ada.write({ subject: 'Parcel', text: 'Where is it?' });
    await ada.write({ subject: 'Invoice', text: 'It is wrong.' });
    const [parcel, invoice] = (await said(2)).map(({ roomId }) => roomId);
    expect(parcel).not.toBe(invoice);
    const mails = new Map<string, ArrivedMail>();
    for (const [roomId, words] of [
      [parcel, 'On its way.'],
      [invoice, 'We mend it.'],
    ] as const) {
      await kit.attachChannel(roomId ?? '', 'desk');
      await kit.sendEvent(roomId ?? '', 'desk', words);
      mails.set(words, await ada.waitForMail(words));
    }
    const [one, two] = [mails.get('On its way.'), mails.get('We mend it.')];
    expect([one?.subject, two?.subject]).toEqual(['Re: Parcel', 'Re: Invoice']);
    if (one === undefined || two === undefined) throw new Error('Both have arrived.');
    await ada.reply(two, 'The sum, I mean.');
    await ada.reply(one, 'When?');
    await said(4);
    const words = async (roomId = ''): Promise<string[]> => messagesOf(await kit.getTimeline(roomId)).map(textOf);
    expect(await words(parcel)).toEqual(['Where is it?', 'On its way.', 'When?']);
    expect(await words(invoice)).toEqual(['It is wrong.', 'We mend it.', 'The sum, I mean.']);
    await close();
  });

  it('is answered by an agent, whose mails say so, and who answers no machine', async () => {
    verifies('EM-05');
    const { kit, ada, said, close } = await openScene();
    const model = new MockAIProvider({ responses: ['On its way.', 'Again?'] });
    kit.registerChannel(new AIChannel('helper', { provider: model }));
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'mail', { metadata: { email_address: 'ada@example.org' } });
    await kit.attachChannel('room', 'helper');
    await ada.write({ subject: 'My parcel', text: 'Where is it?' });
    const arrived = await ada.waitForMail('On its way.');
    expect(arrived.headers['auto-submitted']).toBe('auto-replied');
    await ada.reply(arrived, 'I am away until Monday.', { headers: { 'Auto-Submitted': 'auto-replied' } });
    const [, away] = await said(2);
    expect(away).toMatchObject({ roomId: 'room', metadata: { auto_reply: true }, addressedTo: [] });
    await kit.close();
    expect(model.calls).toHaveLength(1);
    await close();
  });

  it('brings files both ways, pictures within the text too', async () => {
    verifies('EM-04', 'EM-05');
    const { kit, ada, said, close } = await openScene();
    kit.registerChannel(new EmailChannel('desk'));
    const png = Buffer.from('iVBORw0KGgo=', 'base64');
    await ada.write({
      subject: 'Broken',
      text: 'See here.',
      html: '<p>See here. <img src="cid:pic"></p>',
      attachments: [
        { filename: 'broken.png', mimeType: 'image/png', content: png, cid: 'pic' },
        { filename: 'Überweisung.pdf', mimeType: 'application/pdf', content: 'pdf' },
      ],
    });
    const [event] = await said(1);
    expect(event?.content).toMatchObject({
      type: 'composite',
      parts: [
        { type: 'text', body: 'See here.' },
        { type: 'media', mimeType: 'image/png', filename: 'broken.png', url: `data:image/png;base64,${png.toString('base64')}` },
        { type: 'media', mimeType: 'application/pdf', filename: 'Überweisung.pdf' },
      ],
    });
    await kit.attachChannel(event?.roomId ?? '', 'desk');
    await kit.sendEvent(event?.roomId ?? '', 'desk', {
      type: 'media',
      url: `data:image/png;base64,${png.toString('base64')}`,
      mimeType: 'image/png',
      filename: 'größer.png',
      caption: 'Like this?',
    });
    const arrived = await ada.waitForMail('Like this?');
    expect(arrived.attachments.map(({ filename, mimeType, content }) => [filename, mimeType, Buffer.from(content)])).toEqual([
      ['größer.png', 'image/png', png],
    ]);
    await close();
  });

  it('whose mail comes back undelivered shows it at the delivery, and nowhere else', async () => {
    verifies('PV-11', 'SRC-08', 'OUT-07');
    const { kit, mail, close } = await openScene();
    kit.registerChannel(new EmailChannel('desk'));
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'mail', { metadata: { email_address: 'gone@example.org' } });
    await kit.attachChannel('room', 'desk');
    mail.bounce('gone@example.org', '5.1.1', '550 5.1.1 No such user');
    const told = new Promise((resolve) => kit.hook('on_delivery_status', { name: 'told' }, (status) => resolve(status)));
    const event = await kit.sendEvent('room', 'desk', 'Hello');
    expect(await told).toMatchObject({ status: 'failed', errorCode: 'smtp_5.1.1', recipient: 'gone@example.org', channelId: 'mail' });
    const rows = await kit.store.listRows({ roomId: 'room', eventId: event.id });
    expect(rows).toMatchObject([{ state: 'failed', lastError: { code: 'smtp_5.1.1', message: '550 5.1.1 No such user', retryable: false } }]);
    expect(messagesOf(await kit.getTimeline('room'))).toHaveLength(1);
    await close();
  });

  it('is tried again after a refusal for now, and not after one for good', async () => {
    verifies('PV-12', 'OUT-05');
    const { kit, mail, ada, close } = await openScene();
    kit.registerChannel(new EmailChannel('desk'));
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'mail', {
      metadata: { email_address: 'ada@example.org' },
      retryPolicy: { maxRetries: 2, baseDelaySeconds: 0.001 },
    });
    await kit.attachChannel('room', 'desk');
    mail.fail({ step: 'rcpt', code: 451, message: '4.7.1 Greylisted' });
    await kit.sendEvent('room', 'desk', 'One');
    await ada.waitForMail('One');
    mail.fail({ step: 'mail', code: 550, message: '5.7.1 Not from you', times: 3 });
    const event = await kit.sendEvent('room', 'desk', 'Two');
    const rows = await kit.store.listRows({ roomId: 'room', eventId: event.id });
    expect(rows).toMatchObject([{ state: 'failed', attempts: 1, lastError: { code: 'smtp_550' } }]);
    expect(ada.mails).toHaveLength(1);
    await close();
  });
});

describe('an SMTP provider', () => {
  it('says nothing, and no password, to a server without TLS unless it is told to', async () => {
    verifies('PV-01', 'PV-03');
    await using mail = await MailEmulator.start();
    const provider = new SMTPProvider({ ...mail.smtp, allowInsecure: false, fromAddress: mail.address });
    const result = await provider.send(requestTo('ada@example.org', 'Hello'));
    expect(result).toMatchObject({ success: false });
    expect(mail.transactions).toEqual([]);
    await provider.close();
  });

  it('speaks TLS with a server whose certificate is good, and with no other', async () => {
    verifies('PV-01');
    await using mail = await MailEmulator.start({ tls: LOCALHOST });
    const settings = { ...mail.smtp, allowInsecure: false, fromAddress: mail.address };
    const trusting = new SMTPProvider({ ...settings, tls: { ca: LOCALHOST.cert } });
    expect(await trusting.send(requestTo('ada@example.org', 'Hello'))).toMatchObject({ success: true });
    const wary = new SMTPProvider(settings);
    expect(await wary.send(requestTo('ada@example.org', 'Hello'))).toMatchObject({ success: false, error: 'network_error' });
    expect(mail.inbox('ada@example.org').mails).toHaveLength(1);
    await Promise.all([trusting.close(), wary.close()]);
  });

  it('signs in with an access token, a fresh one for each mail', async () => {
    verifies('PV-01', 'PV-12');
    await using mail = await MailEmulator.start({ accessToken: 'token-2' });
    const tokens = ['token-1', 'token-2'];
    const { password: _password, ...server } = mail.smtp;
    const provider = new SMTPProvider({ ...server, accessToken: () => tokens.shift() ?? '', fromAddress: mail.address });
    const refused = await provider.send(requestTo('ada@example.org', 'Hello'));
    expect(refused).toMatchObject({ success: false, error: 'auth_error', retryable: false });
    expect(inspect(refused)).not.toContain('token-1');
    expect(await provider.send(requestTo('ada@example.org', 'Hello'))).toMatchObject({ success: true });
    await provider.close();
    await eventually(() => mail.openConnections === 0, 'no connection is left open');
  });

  it('sends many mails over few connections, which end with it', async () => {
    verifies('PV-02');
    await using mail = await MailEmulator.start();
    const provider = new SMTPProvider({ ...mail.smtp, fromAddress: mail.address, maxConnections: 2 });
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => provider.send(requestTo('ada@example.org', `Mail ${n}`))));
    expect(results.every(({ success }) => success)).toBe(true);
    expect(mail.openConnections).toBeLessThanOrEqual(2);
    await provider.close();
    await eventually(() => mail.openConnections === 0, 'the connections end');
    expect(await provider.send(requestTo('ada@example.org', 'Late'))).toMatchObject({ success: false, error: 'not_connected' });
  });

  it('says what is wrong with its options', () => {
    verifies('PV-01');
    const good = { host: 'h', fromAddress: 'desk@shop.example' };
    expect(() => new SMTPProvider({ ...good, fromAddress: 'Desk <desk@shop.example>' })).toThrow(/one alone/);
    expect(() => new SMTPProvider({ fromAddress: 'desk@shop.example' })).toThrow(/no host/);
    expect(() => new SMTPProvider({ ...good, user: 'x' })).toThrow(/no password/);
    expect(() => new SMTPProvider({ ...good, password: 'x' })).toThrow(/no user/);
    expect(() => new SMTPProvider({ ...good, port: 0 })).toThrow(/port/);
    expect(() => new SMTPProvider({ ...good, domain: 'a b' })).toThrow(/domain/);
    expect(() => new SMTPProvider({ ...good, pasword: 'x' } as never)).toThrow(/pasword/);
    const secret = new SMTPProvider({ ...good, user: 'x', password: 'hunter2' });
    expect(inspect(secret, { depth: 9, showHidden: true }) + JSON.stringify(secret)).not.toContain('hunter2');
    expect(() => new IMAPSource({ channelId: 'mail', host: 'h' })).toThrow(/no user/);
    expect(() => new IMAPSource({ channelId: 'mail', host: 'h', user: 'x', password: 'y', since: 'soon' })).toThrow(/since/);
    expect(() => new IMAPSource({ channelId: 'mail', host: 'h', user: 'x', password: 'y', mark: 'a b' })).toThrow(/mark/);
  });
});

describe('a mailbox', () => {
  it('is read from now on; with a date, from then on', async () => {
    verifies('SRC-02');
    const early = await MailEmulator.start();
    await early.inbox('ada@example.org').write('Before');
    expect(await taken(early, {}, () => early.inbox('ada@example.org').write('After'), 1)).toEqual(['After']);
    expect(early.flags()).toEqual([['$RoomKit'], ['$RoomKit']]);
    await early.close();
    const dated = await MailEmulator.start();
    await dated.inbox('ada@example.org').write('Before');
    expect(await taken(dated, { since: new Date(Date.now() - 60_000) }, () => dated.inbox('ada@example.org').write('After'), 2)).toEqual([
      'Before',
      'After',
    ]);
    await dated.close();
    const later = await MailEmulator.start();
    await later.inbox('ada@example.org').write('Before');
    const rest = await taken(later, { since: new Date(Date.now() + 1000) }, () => later.drop(mailOf('x')), 0);
    expect(rest).toEqual([]);
    await later.close();
  });

  it('loses nothing and brings nothing twice when its connection breaks, wherever it breaks', async () => {
    verifies('SRC-03', 'INB-08');
    for (const command of ['FETCH', 'STORE', 'SEARCH', 'IDLE', 'SELECT', 'LOGIN', 'AUTHENTICATE']) {
      const { kit, mail, ada, said, close } = await openScene();
      let cuts = 2;
      mail.cutImapWhen((one) => one === command && cuts-- > 0);
      await ada.write('One');
      mail.cutImap();
      await ada.write('Two');
      await said(2);
      await ada.write('Three');
      const roomId = (await said(3))[0]?.roomId ?? '';
      await eventually(() => mail.flags().every((flags) => flags.includes('$RoomKit')), 'all are marked');
      expect(messagesOf(await kit.getTimeline(roomId)).map(textOf), command).toEqual(['One', 'Two', 'Three']);
      await close();
    }
  });

  it('marks a mail only when it is in the timeline', async () => {
    verifies('SRC-02');
    const mail = await MailEmulator.start();
    const source = new IMAPSource({ ...mail.imap, channelId: 'mail' });
    let tries = 0;
    const emit = (message: InboundMessage): Promise<never> => {
      tries++;
      return Promise.reject(new Error(`The store is away, ${String(message.content)}`));
    };
    let isConnected = false;
    const running = source.start(emit, { ...startOptions(), connected: () => (isConnected = true) });
    await eventually(() => isConnected, 'it is connected');
    await mail.inbox('ada@example.org').write('One');
    await expect(running).rejects.toThrow('The store is away');
    expect([tries, mail.flags(), source.status]).toEqual([1, [[]], 'error']);
    await mail.close();
  });

  it('whose numbers begin anew brings nothing again', async () => {
    verifies('SRC-03');
    const { kit, mail, ada, said, close } = await openScene();
    await ada.write('One');
    const [one] = await said(1);
    await eventually(() => mail.flags().every((flags) => flags.includes('$RoomKit')), 'it is marked');
    mail.renumber();
    await ada.write('Two');
    await said(2);
    expect(messagesOf(await kit.getTimeline(one?.roomId ?? '')).map(textOf)).toEqual(['One', 'Two']);
    expect(mail.imapCommands.filter((command) => command === 'UID FETCH')).toHaveLength(2);
    await close();
  });

  it('that keeps no keywords asks for the other mark', async () => {
    verifies('SRC-03');
    const mail = await MailEmulator.start();
    mail.keepKeywords(false);
    const source = new IMAPSource({ ...mail.imap, channelId: 'mail' });
    await expect(source.start(() => Promise.reject(new Error('unused')), startOptions())).rejects.toThrow(/mark: '\\\\Seen'/);
    expect(await taken(mail, { mark: '\\Seen' }, () => mail.inbox('ada@example.org').write('One'), 1)).toEqual(['One']);
    expect(mail.flags()).toEqual([['\\Seen']]);
    await mail.close();
  });

  it('refuses a wrong password without repeating it, and takes a token', async () => {
    verifies('SRC-07', 'PV-01');
    const mail = await MailEmulator.start();
    const wrong = new IMAPSource({ ...mail.imap, password: 'hunter2', channelId: 'mail' });
    const failure = await wrong.start(() => Promise.reject(new Error('unused')), startOptions()).catch((error: unknown) => error);
    expect(wrong.healthcheck()).toMatchObject({ status: 'error', error: 'auth_error' });
    expect(inspect([wrong, wrong.healthcheck()], { depth: 9, showHidden: true })).not.toContain('hunter2');
    expect(failure).toBeInstanceOf(Error);
    const { password: _password, ...server } = mail.imap;
    expect(
      await taken(mail, { ...server, password: undefined, accessToken: 'test-token' }, () => mail.inbox('ada@example.org').write('One'), 1),
    ).toEqual(['One']);
    await mail.close();
  });

  it('says nothing to a server without TLS unless it is told to', async () => {
    verifies('PV-01');
    const mail = await MailEmulator.start();
    const source = new IMAPSource({ ...mail.imap, allowInsecure: false, channelId: 'mail' });
    await expect(source.start(() => Promise.reject(new Error('unused')), startOptions())).rejects.toThrow();
    expect(mail.imapCommands.filter((command) => command === 'LOGIN' || command === 'AUTHENTICATE')).toEqual([]);
    await mail.close();
  });

  it('is read no further than it may: what a long mail says first is heard, and its files are not', async () => {
    verifies('SRC-02', 'PV-06');
    const mail = await MailEmulator.start();
    const write = () =>
      mail.inbox('ada@example.org').write({
        text: 'See the film.',
        attachments: [{ filename: 'film.mp4', mimeType: 'video/mp4', content: Buffer.alloc(400_000) }],
      });
    expect(await taken(mail, { maxMailBytes: 2000 }, write, 1)).toEqual(['See the film.']);
    await mail.close();
  });

  it('goes on after a mail that nobody can read', async () => {
    verifies('PV-06', 'SRC-02');
    const { kit, mail, ada, said, close } = await openScene();
    const nested = Array.from({ length: 60 }, (_, n) => `Content-Type: multipart/mixed; boundary="b${n}"\r\n\r\n--b${n}\r\n`).join('');
    for (const source of ['', '\u0000\u0001', 'From: \r\n\r\n', mailOf('', nested), `${'X: y\r\n'.repeat(300_000)}\r\n`]) mail.drop(source);
    await ada.write('Good');
    const [event] = await said(1);
    expect(event?.content).toEqual({ type: 'text', body: 'Good' });
    await eventually(() => mail.flags().every((flags) => flags.includes('$RoomKit')), 'all are marked');
    expect((await kit.sourceHealth('mail'))?.status).toBe('connected');
    await close();
  });
});

function mailOf(text: string, head = ''): string {
  return `From: ada@example.org\r\nSubject: x\r\n${head}\r\n${text}\r\n`;
}

function startOptions(): SourceStartOptions {
  return { signal: new AbortController().signal, connected: () => undefined, report: () => Promise.resolve() };
}

/** What a source brings: of what was there, and of what is written once it is connected. */
async function taken(mail: MailEmulator, config: Partial<IMAPConfig>, write: () => unknown, count: number): Promise<string[]> {
  const source = new IMAPSource({ ...mail.imap, channelId: 'mail', ...config });
  const texts: string[] = [];
  let isConnected = false;
  const running = source.start(
    (message) => {
      const { content } = message;
      texts.push(
        typeof content === 'string' ? content : content.type === 'text' ? content.body : content.type === 'media' ? (content.caption ?? '') : '?',
      );
      return Promise.resolve({ blocked: false, duplicate: false, deliveryResults: {}, turns: [] });
    },
    { ...startOptions(), connected: () => (isConnected = true) },
  );
  await eventually(() => isConnected, 'it is connected');
  await write();
  await eventually(() => texts.length >= count && mail.flags().every((flags) => flags.length > 0), 'everything is taken');
  await source.stop();
  await running;
  return texts;
}
