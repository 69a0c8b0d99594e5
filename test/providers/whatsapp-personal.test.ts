/** Whole conversations over a linked WhatsApp: a kit, the source and the provider that share one connection, and people who write. */
import { describe, expect, it } from 'vitest';
import { FakeWhatsAppDriver, type ArrivedWhatsApp } from '../../src/emulators/index.js';
import type { EventContent, RoomEvent } from '../../src/index.js';
import { baileysDriver, NeonizeWhatsAppProvider, WhatsAppPersonalProvider, WhatsAppPersonalSource } from '../../src/providers/baileys/index.js';
import { requestOf } from '../../src/testing/contracts/transport-case.js';
import { FaultStore, InMemoryMediaStore } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { soon } from '../sources/soon.js';
import { personalScene } from './whatsapp-personal-scene.js';

describe('a conversation', () => {
  it('brings a message, and the answer to the phone, whose receipts move the delivery', async () => {
    verifies('WP-01', 'WP-02', 'OUT-07', 'SRC-08');
    const { whatsapp, room, say, rows, events } = await personalScene();
    const phone = whatsapp.phone('+15550123', { name: 'Ada' });
    await phone.write('Is my parcel on its way?');
    const roomId = await room();
    expect(await events()).toMatchObject([
      {
        content: { type: 'text', body: 'Is my parcel on its way?' },
        source: { participantId: '+15550123', provider: 'whatsapp_personal', externalId: '15550123@s.whatsapp.net:3A000000000000000001' },
        metadata: {
          raw_jid: '15550123@s.whatsapp.net',
          chat_jid: '15550123@s.whatsapp.net',
          chat_id: '+15550123',
          is_from_me: false,
          is_group: false,
          timestamp: '2026-11-26T09:00:00.000Z',
          push_name: 'Ada',
        },
      },
    ]);
    await say(roomId, 'It is: tomorrow 📦');
    expect(await phone.waitFor('tomorrow')).toMatchObject({ kind: 'text', text: 'It is: tomorrow 📦' });
    await soon(async () => (await rows(roomId))[0]?.state === 'delivered');
    phone.read();
    await soon(async () => (await rows(roomId))[0]?.state === 'read');
  });

  it('knows what a message answers', async () => {
    verifies('INB-30', 'WP-04');
    const { whatsapp, room, say, events } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    const first = await phone.write('At three or at four?');
    const roomId = await room();
    const { id } = await say(roomId, 'This one?');
    const arrived = await phone.waitFor('This one?');
    await soon(async () => (await events()).length === 2);
    await phone.say({ type: 'text', text: 'Yes, that one' }, { answers: arrived.id });
    await phone.say({ type: 'text', text: 'I meant this' }, { answers: first.id });
    await soon(async () => (await events()).length === 4);
    const [asked, , yes, meant] = await events();
    expect([yes?.parentEventId, meant?.parentEventId]).toEqual([id, asked?.id]);
  });

  it('takes a message once, however often it comes, and answers it once', async () => {
    verifies('INB-08', 'WP-04', 'F25');
    const { whatsapp, kit, room, texts, rows } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.say({ type: 'text', text: 'Once' }, { id: '3A01' });
    const roomId = await room();
    const answered: string[] = [];
    kit.hook('after_broadcast', { name: 'answers' }, async (event) => {
      if (event.source.channelId !== 'personal') return;
      answered.push(event.id);
      await kit.sendEvent(roomId, 'desk', 'An answer', { wait: 'commit' });
    });
    await phone.say({ type: 'text', text: 'Once' }, { id: '3A01' });
    await phone.say({ type: 'text', text: 'Twice' }, { id: '3A02' });
    await phone.say({ type: 'text', text: 'Twice' }, { id: '3A02' });
    await phone.waitFor('An answer');
    await kit.settled();
    expect(await texts()).toEqual(['Once', 'Twice', 'An answer']);
    expect(answered).toHaveLength(1);
    expect(await rows(roomId)).toHaveLength(1);
  });

  it('does not send again what WhatsApp reports as sent, though no answer came', async () => {
    verifies('OUT-07', 'F21');
    const { whatsapp, clock, kit, source, room, say, rows, texts } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.write('Hello');
    const roomId = await room();
    await whatsapp.phone('+15550124').write('Hello too'); // so that it is not the only room
    await soon(async () => (await texts()).length === 2);
    whatsapp.fail({ cuts: true });
    await say(roomId, 'Arrives although nobody said so');
    await soon(async () => (await rows(roomId))[0]?.state === 'delivered');
    await soon(() => source.status === 'error');
    await clock.advance(60_000);
    await kit.settled();
    expect(phone.messages.map(({ text }) => text)).toEqual(['Arrives although nobody said so']);
    expect(whatsapp.requests).toHaveLength(1);
  });

  it('sends under the same id when it is tried again, so that the phone shows it once', async () => {
    verifies('PV-15');
    const { whatsapp, provider, setup } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    const request = requestOf(setup, 'Only once');
    const first = await provider.send(request);
    const second = await provider.send({ ...request, attempt: 2, previousError: 'timeout' });
    expect(second.providerMessageId).toBe(first.providerMessageId);
    expect([whatsapp.requests.length, phone.messages.length]).toEqual([2, 1]);
    expect((await provider.send(requestOf(setup, 'Only once'))).providerMessageId).not.toBe(first.providerMessageId);
  });

  it('waits with what is to be sent until it is connected, and brings what came meanwhile', async () => {
    verifies('WP-02', 'SRC-03');
    const { whatsapp, kit, clock, source, room, say, texts, rows, told } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.write('Before');
    const roomId = await room();
    whatsapp.disconnect();
    await soon(() => source.status === 'error');
    await phone.write('Meanwhile');
    await say(roomId, 'Later');
    expect(phone.messages).toEqual([]);
    await soon(async () => {
      await clock.advance(5000);
      return phone.messages.length > 0;
    });
    await kit.settled();
    expect(await texts()).toEqual(['Before', 'Later', 'Meanwhile']);
    expect((await rows(roomId))[0]?.attempts).toBe(1); // a connection that is not there is no failed attempt
    expect(told.map(({ type, data }) => `${type} ${String(data['reason'] ?? data['code'] ?? '')}`.trim())).toEqual([
      'source_connected',
      'source_disconnected failed',
      'source_error connection_lost',
      'source_connected',
    ]);
  });

  it('says not_connected to whoever sends past the channel', async () => {
    verifies('WP-02');
    const { provider, whatsapp, setup } = await personalScene({ isDetached: true });
    expect(await provider.send(requestOf(setup, 'Hello'))).toEqual({ success: false, error: 'not_connected', retryable: true });
    await provider.sendEphemeral({ type: 'typing_start', to: '+15550123', defaults: {}, binding: requestOf(setup, '').binding });
    expect([provider.ready(), whatsapp.requests]).toEqual([false, []]);
  });
});

describe('what a message becomes', () => {
  const bytes = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);
  const png = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;

  async function sentAs(content: EventContent, options: Parameters<typeof personalScene>[0] = {}): Promise<readonly ArrivedWhatsApp[]> {
    const { whatsapp, kit, room, say, rows } = await personalScene(options);
    const phone = whatsapp.phone('+15550123');
    await phone.write('Hello');
    const roomId = await room();
    await say(roomId, content);
    await kit.settled();
    expect((await rows(roomId)).map(({ lastError }) => lastError?.code)).toEqual([undefined]);
    return phone.messages;
  }

  it('sends files by what they are, with their words below', async () => {
    verifies('WP-03');
    const media = (mimeType: string, more: object = {}): EventContent => ({
      type: 'media',
      url: png.replace('image/png', mimeType),
      mimeType,
      ...more,
    });
    expect(await sentAs(media('image/png', { caption: 'The box' }))).toMatchObject([
      { kind: 'image', text: 'The box', file: { bytes, mimeType: 'image/png' } },
    ]);
    expect(await sentAs(media('video/mp4', { caption: 'The film' }))).toMatchObject([{ kind: 'video', text: 'The film' }]);
    expect(await sentAs(media('application/pdf', { filename: 'bill.pdf' }))).toMatchObject([{ kind: 'document', file: { filename: 'bill.pdf' } }]);
    expect(await sentAs(media('image/tiff'))).toMatchObject([{ kind: 'document' }]);
    expect(await sentAs({ type: 'audio', url: png.replace('image/png', 'audio/ogg'), mimeType: 'audio/ogg' })).toMatchObject([
      { kind: 'voice', file: { mimeType: 'audio/ogg; codecs=opus', isVoiceNote: true } },
    ]);
    expect(await sentAs(media('audio/mpeg', { caption: 'Listen' }))).toMatchObject([{ kind: 'text', text: 'Listen' }, { kind: 'audio' }]);
    expect(await sentAs({ type: 'location', latitude: 48.8584, longitude: 2.2945, label: 'Eiffel Tower' })).toMatchObject([
      { kind: 'location', place: { latitude: 48.8584, longitude: 2.2945, name: 'Eiffel Tower' } },
    ]);
  });

  it('puts the first words of several parts below the first file', async () => {
    verifies('WP-03');
    const parts: EventContent[] = [
      { type: 'text', body: 'Both sides' },
      { type: 'media', url: png, mimeType: 'image/png' },
      { type: 'media', url: png, mimeType: 'image/png', caption: 'From behind' },
    ];
    expect(await sentAs({ type: 'composite', parts })).toMatchObject([
      { kind: 'image', text: 'Both sides' },
      { kind: 'image', text: 'From behind' },
    ]);
    const words = 'x'.repeat(1025);
    expect(await sentAs({ type: 'media', url: png, mimeType: 'image/png', caption: words })).toMatchObject([
      { kind: 'text', text: words },
      { kind: 'image', text: '' },
    ]);
  });

  it('fetches files by their address under guard alone', async () => {
    verifies('PV-14', 'WP-03');
    const { whatsapp, room, say, rows } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.write('Hello');
    const roomId = await room();
    await say(roomId, { type: 'media', url: 'http://169.254.169.254/latest/meta-data', mimeType: 'image/png' });
    await soon(async () => (await rows(roomId))[0]?.state === 'failed');
    expect((await rows(roomId))[0]?.lastError).toMatchObject({ code: 'media_url_refused', retryable: false });
    expect(phone.messages).toEqual([]);
  });

  it('makes buttons lines, and a typed number the tap', async () => {
    verifies('INB-29', 'WP-03');
    const { whatsapp, room, say, events } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.write('Hello');
    const roomId = await room();
    await say(roomId, {
      type: 'rich',
      body: 'Again?',
      buttons: [
        { id: 'yes', label: 'Yes', kind: 'reply', value: 'A-7' },
        { id: 'no', label: 'No', kind: 'reply' },
      ],
    });
    const { text } = await phone.waitFor('Again?');
    expect(text).toMatch(/1.*Yes[\s\S]*2.*No/);
    await phone.write('1');
    await soon(async () => (await events()).length === 3);
    expect((await events())[2]).toMatchObject({ content: { body: 'Yes' }, metadata: { action: { id: 'yes', value: 'A-7' } } });
  });

  it('brings files: small ones in the message, large ones by the media store, larger ones as a note', async () => {
    verifies('WP-04', 'MED-01');
    const mediaStore = new InMemoryMediaStore();
    const { whatsapp, kit, room, events } = await personalScene({ kit: { mediaStore }, source: { maxMediaBytes: 2_000_000 } });
    const phone = whatsapp.phone('+15550123');
    const stored: RoomEvent[] = [];
    kit.hook('on_event_updated', { name: 'stored' }, (event) => void stored.push(event));
    await phone.sendFile({ bytes, mimeType: 'image/png', caption: 'Small' });
    await phone.sendFile({ bytes: new Uint8Array(1_500_000), mimeType: 'application/zip', filename: 'large.zip' });
    await phone.sendFile({ bytes: new Uint8Array(2_000_001), mimeType: 'application/zip', filename: 'larger.zip', caption: 'All of it' });
    await room();
    await soon(async () => (await events()).length === 3);
    await soon(() => stored.length === 2);
    const [small, large, larger] = await events();
    expect(small).toMatchObject({
      content: { type: 'media', caption: 'Small', mimeType: 'image/png' },
      metadata: { media_type: 'image', file_size: 11 },
    });
    expect(large).toMatchObject({ content: { type: 'media', filename: 'large.zip', sizeBytes: 1_500_000 } });
    for (const event of [small, large]) expect(event?.content.type === 'media' && event.content.url).not.toMatch(/^data:|mmg\.whatsapp/);
    expect(larger).toMatchObject({
      content: { type: 'text', body: '[File larger.zip: too large to be taken over]\nAll of it' },
      metadata: { media_missing: 'too_large' },
    });
  });

  it('brings voice notes as sound, places, stickers, and what could not be fetched as a note', async () => {
    verifies('WP-04');
    const { whatsapp, events } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.sendFile({ bytes, mimeType: 'audio/ogg; codecs=opus', seconds: 3 });
    await phone.sendPlace({ latitude: 1, longitude: 2, name: 'Here' });
    await phone.sendFile({ bytes, mimeType: 'image/webp', kind: 'sticker' });
    await phone.sendFile({ bytes, mimeType: 'video/mp4' });
    await phone.say({ type: 'file', kind: 'image', mimeType: 'image/jpeg', handle: 'expired' });
    await soon(async () => (await events()).length === 5);
    const base64 = Buffer.from(bytes).toString('base64');
    expect((await events()).map(({ content }) => content)).toMatchObject([
      { type: 'audio', url: `data:audio/ogg;base64,${base64}`, durationSeconds: 3 },
      { type: 'location', latitude: 1, longitude: 2, label: 'Here' },
      { type: 'media', mimeType: 'image/webp' },
      { type: 'media', mimeType: 'video/mp4', url: `data:video/mp4;base64,${base64}` },
      { type: 'text', body: '[Picture: could not be fetched]' },
    ]);
  });

  it('waits so long for a file, and says then that there was one', async () => {
    verifies('WP-04');
    const { whatsapp, clock, texts } = await personalScene({ source: { mediaTimeoutSeconds: 20 } });
    let wasAborted = false;
    whatsapp.download = (_file, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          wasAborted = true;
          reject(new Error('aborted'));
        }),
      );
    await whatsapp.phone('+15550123').sendFile({ bytes, mimeType: 'image/png', caption: 'The box' });
    await soon(async () => {
      await clock.advance(20_000);
      return (await texts()).length > 0;
    });
    expect([await texts(), wasAborted]).toEqual([['[Picture: could not be fetched]\nThe box'], true]);
  });

  it('keeps the order of a chat, whatever files take', async () => {
    verifies('SRC-02');
    const { whatsapp, source, events } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    let release = (): void => undefined;
    const download = whatsapp.download.bind(whatsapp);
    whatsapp.download = async (file, options) => {
      await new Promise<void>((resolve) => (release = resolve));
      return download(file, options);
    };
    await phone.sendFile({ bytes, mimeType: 'image/png' });
    await phone.write('after it');
    await whatsapp.phone('+15550124').write('of somebody else');
    await soon(async () => (await events()).length === 1);
    expect((await events()).map(({ source: { participantId } }) => participantId)).toEqual(['+15550124']);
    release();
    await soon(async () => (await events()).length === 3);
    const own = (await events()).filter(({ source: { participantId } }) => participantId === '+15550123');
    expect(own.map(({ content }) => content.type)).toEqual(['media', 'text']);
    expect(source.isConnected).toBe(true);
  });
});

describe('what changes', () => {
  it('changes and takes back what a person has written, also when the change comes first', async () => {
    verifies('EDT-01', 'EDT-06', 'WP-04');
    const { whatsapp, room, texts, events, kit } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    const first = await phone.write('At thre');
    await room();
    await phone.edit(first, 'At three');
    await soon(async () => (await texts())[0] === 'At three');
    await phone.edit({ id: '3AFF' }, 'Corrected before it came');
    await phone.say({ type: 'text', text: 'Came late' }, { id: '3AFF' });
    await soon(async () => (await texts()).includes('Corrected before it came'));
    await phone.takeBack(first);
    await soon(async () => (await events()).some(({ metadata }) => metadata['deleted'] === true));
    await kit.settled();
    const changed = (await events()).filter(({ type }) => type === 'message');
    expect(changed.map(({ metadata }) => [metadata['edited'], metadata['deleted']])).toEqual([
      [true, true],
      [true, undefined],
    ]);
  });

  it('changes and takes back on the phone what the desk has written; late, it says so in words', async () => {
    verifies('EDT-01', 'WP-01');
    const { whatsapp, clock, kit, room, say } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.write('When?');
    const roomId = await room();
    const { id: said } = await say(roomId, 'At thre', { participantId: 'desk' });
    await phone.waitFor('At thre');
    await kit.settled();
    await say(roomId, { type: 'edit', targetEventId: said, newContent: { type: 'text', body: 'At three' } }, { participantId: 'desk' });
    await soon(() => phone.messages[0]?.text === 'At three');
    await clock.advance(16 * 60_000);
    await say(roomId, { type: 'edit', targetEventId: said, newContent: { type: 'text', body: 'At four' } }, { participantId: 'desk' });
    expect((await phone.waitFor('At four')).text).toMatch(/^Correction/);
    await say(roomId, { type: 'delete', targetEventId: said, deleteType: 'sender' }, { participantId: 'desk' });
    await soon(() => phone.messages[0]?.isDeleted === true);
  });

  it('takes back all that a message was, also after a restart', async () => {
    verifies('EDT-01', 'WP-03');
    const { whatsapp, kit, setup, provider } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    const media = { type: 'media', url, mimeType: 'image/png' } as const;
    const request = requestOf(setup, { type: 'composite', parts: [{ type: 'text', body: 'Both' }, media, media] });
    const idempotencyKey = `${request.event.id}:channel`;
    const { providerMessageId: targetMessageId = '' } = await provider.send({ ...request, idempotencyKey });
    expect(phone.messages).toHaveLength(2);
    await kit.detachSource('personal');
    // Another process, which remembers nothing.
    const source = new WhatsAppPersonalSource(whatsapp, { channelId: 'personal' });
    const stop = new AbortController();
    void source.start(() => Promise.resolve({ blocked: false, duplicate: false, deliveryResults: {}, turns: [] }), {
      signal: stop.signal,
      connected: () => undefined,
    });
    await soon(() => source.isConnected);
    const taken = requestOf(setup, { type: 'delete', targetEventId: request.event.id, deleteType: 'sender' }, { targetMessageId });
    expect(await new WhatsAppPersonalProvider(source).send(taken)).toEqual({ success: true });
    expect(phone.messages.map(({ isDeleted }) => isDeleted)).toEqual([true, true]);
    stop.abort();
  });

  it('passes on typing, receipts and reactions, both ways', async () => {
    verifies('WP-05', 'INB-25');
    const { whatsapp, kit, room, say, ephemeral } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    const written = await phone.write('Hello');
    const roomId = await room();
    const [message] = (await kit.getTimeline(roomId)).filter(({ type }) => type === 'message');
    const { id: eventId } = await say(roomId, 'Hello yourself');
    const arrived = await phone.waitFor('yourself');
    await kit.settled();
    phone.types();
    phone.types('recording');
    phone.types('paused');
    phone.types('paused');
    await phone.react(arrived, '👍');
    await phone.react(arrived, '');
    phone.read();
    await soon(() => ephemeral.length === 6);
    expect(ephemeral).toMatchObject([
      { type: 'typing_start', userId: '+15550123', data: { typing_kind: 'text' } },
      { type: 'typing_start', userId: '+15550123', data: { typing_kind: 'recording' } },
      { type: 'typing_stop', userId: '+15550123' },
      { type: 'reaction', userId: '+15550123', data: { emoji: '👍', action: 'add', event_id: eventId } },
      { type: 'reaction', userId: '+15550123', data: { action: 'remove', event_id: eventId } },
      { type: 'read_receipt', userId: '+15550123', data: { event_id: eventId } },
    ]);
    await kit.publishTyping(roomId, 'ada', true, 'desk');
    await soon(() => phone.isTypingShown);
    await kit.publishTyping(roomId, 'ada', false, 'desk');
    await soon(() => !phone.isTypingShown);
    await kit.publishReaction(roomId, 'ada', message?.id ?? '', '❤️', 'add', 'desk');
    await soon(() => phone.reactionTo(written) === '❤️');
    await kit.publishReaction(roomId, 'ada', message?.id ?? '', '❤️', 'remove', 'desk');
    await soon(() => phone.reactionTo(written) === undefined);
    await kit.publishReadReceipt(roomId, 'ada', message?.id ?? '', 'desk');
    await soon(() => phone.isReadByAccount(written));
  });

  it('opens no room for somebody who only types', async () => {
    verifies('WP-05');
    const { whatsapp, kit } = await personalScene();
    whatsapp.phone('+15550123').types();
    await whatsapp.phone('+15550124').write('Hello');
    await soon(async () => (await kit.listRooms()).length > 0);
    await kit.settled();
    expect(await kit.listRooms()).toHaveLength(1);
  });

  it('tells a delivery that WhatsApp has refused after it took it', async () => {
    verifies('OUT-07');
    const { whatsapp, kit, room, say, rows } = await personalScene();
    const phone = whatsapp.phone('+15550123');
    await phone.write('Hello');
    const roomId = await room();
    const statuses: unknown[] = [];
    kit.onDeliveryStatus((status) => void statuses.push(status));
    phone.arrived = () => undefined; // it never arrives
    await say(roomId, 'Hello yourself');
    await soon(async () => (await rows(roomId))[0]?.state === 'sent');
    const messageId = (await rows(roomId))[0]?.providerMessageId ?? '';
    whatsapp.tell({ type: 'receipt', id: messageId.split(':')[1] ?? '', chat: phone.chat, status: 'failed', errorCode: '463' });
    await soon(async () => (await rows(roomId))[0]?.state === 'failed');
    expect(statuses.at(-1)).toMatchObject({ status: 'failed', errorCode: 'whatsapp_463', messageId });
  });
});

describe('who is who', () => {
  it('writes to a person by their number, whatever WhatsApp calls them', async () => {
    verifies('WP-02', 'WP-04');
    const { whatsapp, kit, room, say, rows } = await personalScene();
    const phone = whatsapp.phone('+15550123', { lid: '115655500152889@lid' });
    const written = await phone.write('Hello');
    const roomId = await room();
    expect((await kit.store.getBinding(roomId, 'personal'))?.metadata).toMatchObject({ phone_number: '+15550123' });
    await say(roomId, 'Hello yourself');
    await phone.waitFor('yourself');
    await soon(async () => (await rows(roomId))[0]?.state === 'delivered');
    const [message] = (await kit.getTimeline(roomId)).filter(({ type }) => type === 'message');
    await kit.publishReaction(roomId, 'ada', message?.id ?? '', '❤️', 'add', 'desk');
    await soon(() => phone.reactionTo(written) === '❤️');
    expect(whatsapp.requests.map(({ method, chat }) => [method, chat])).toEqual([
      ['sendMessage', '15550123@s.whatsapp.net'],
      ['sendReaction', '115655500152889@lid'], // the message is named as it was on the wire
    ]);
  });

  it('keeps the room of somebody whose number becomes known', async () => {
    verifies('TRN-07');
    const lid = '115655500152889@lid';
    const { whatsapp, kit, room, texts } = await personalScene();
    await whatsapp.phone('+15550199', { lid, isHidden: true }).write('Nobody knows my number');
    const roomId = await room();
    const address = async (): Promise<unknown> => (await kit.store.getBinding(roomId, 'personal'))?.metadata['phone_number'];
    expect(await address()).toBe(lid);
    whatsapp.tell({ type: 'moved', from: lid, to: '15550123@s.whatsapp.net' });
    await soon(async () => (await address()) === '+15550123');
    await whatsapp.phone('+15550123', { lid }).write('Now you do');
    await soon(async () => (await texts()).length === 2);
    expect(await kit.listRooms()).toHaveLength(1);
  });

  it('is one room for a group, where answers quote what they answer', async () => {
    verifies('WP-04', 'TRN-06');
    const { whatsapp, kit, room, say, rows, events, ephemeral } = await personalScene();
    const group = whatsapp.group();
    const [ada, bob] = [whatsapp.phone('+15550123', { name: 'Ada' }), whatsapp.phone('+15550124', { lid: '115655500152889@lid' })];
    await group.write(ada, 'Who comes?');
    const roomId = await room();
    const written = await group.write(bob, 'I do');
    await soon(async () => (await events()).length === 2);
    expect(await kit.listRooms()).toHaveLength(1);
    const [, answer] = await events();
    expect(answer).toMatchObject({
      source: { participantId: '+15550124' },
      metadata: { is_group: true, chat_id: group.chat, chat_jid: group.chat, raw_jid: '115655500152889@lid' },
    });
    await say(roomId, 'Good!', { parentEventId: answer?.id ?? '' });
    expect(await group.waitFor('Good!')).toMatchObject({ quotes: 'I do' });
    await kit.publishReaction(roomId, 'desk', answer?.id ?? '', '🎉', 'add', 'desk');
    await soon(() => group.reactionTo(written) === '🎉');
    await kit.settled();
    group.read(ada);
    await soon(() => ephemeral.some(({ type, userId }) => type === 'read_receipt' && userId === '+15550123'));
    await soon(async () => (await rows(roomId))[0]?.state === 'delivered');
  });

  it('does not let one member of a group take the place of another’s message', async () => {
    verifies('WP-04');
    const { whatsapp, events } = await personalScene();
    const group = whatsapp.group();
    const from = (jid: string, text: string): void =>
      whatsapp.tell({
        type: 'message',
        message: {
          key: { chat: group.chat, id: '3A01', isFromMe: false, participant: jid },
          chat: group.chat,
          from: jid,
          rawFrom: jid,
          sentAt: whatsapp.now(),
          said: { type: 'text', text },
        },
      });
    from('15550666@s.whatsapp.net', 'Seen it, and was faster');
    from('15550123@s.whatsapp.net', 'The real one');
    await soon(async () => (await events()).length === 2);
  });

  it('leaves groups out, and what is old, and what the owner has written, unless told otherwise', async () => {
    verifies('WP-04');
    const { whatsapp, source, texts } = await personalScene({ source: { groups: false } });
    const phone = whatsapp.phone('+15550123');
    await whatsapp.group().write(phone, 'In a group');
    await phone.say({ type: 'text', text: 'From the day before yesterday' }, { sentAt: whatsapp.now() - 2 * 86_400_000 });
    await phone.say({ type: 'text', text: 'While it was away' }, { sentAt: whatsapp.now() - 3_600_000 });
    const own = {
      key: { chat: phone.jid, id: '3A77', isFromMe: true },
      chat: phone.jid,
      from: whatsapp.jid,
      rawFrom: whatsapp.jid,
      sentAt: whatsapp.now(),
    };
    whatsapp.tell({ type: 'message', message: { ...own, said: { type: 'text', text: 'From the owner’s phone' } } });
    await phone.write('The last');
    await soon(async () => (await texts()).includes('The last'));
    expect(await texts()).toEqual(['While it was away', 'The last']);
    expect(source.healthcheck().metadata).toMatchObject({ messages_ignored: 3, account: whatsapp.jid });
  });

  it('takes what the owner writes to themselves when it is told to, and not its own answers', async () => {
    verifies('WP-04');
    const { whatsapp, room, say, texts, kit } = await personalScene({ source: { selfChat: true } });
    const note = (id: string, text: string): void =>
      whatsapp.tell({
        type: 'message',
        message: {
          key: { chat: whatsapp.jid, id, isFromMe: true },
          chat: whatsapp.jid,
          from: whatsapp.jid,
          rawFrom: whatsapp.jid,
          sentAt: whatsapp.now(),
          said: { type: 'text', text },
        },
      });
    note('3A01', 'Remember the milk');
    const roomId = await room();
    await say(roomId, 'I will');
    await kit.settled();
    const [sent] = (await kit.listDeliveries({ roomId })).filter(({ channelId }) => channelId === 'personal');
    note(sent?.providerMessageId?.split(':')[1] ?? '', 'I will'); // as the phone shows it
    note('3A02', 'And the bread');
    await soon(async () => (await texts()).includes('And the bread'));
    expect(await texts()).toEqual(['Remember the milk', 'I will', 'And the bread']);
  });

  it('refuses an address that is none', async () => {
    verifies('WP-02');
    const { provider, whatsapp, setup } = await personalScene();
    expect(await provider.send(requestOf({ ...setup, to: 'ada' }, 'Hello'))).toMatchObject({
      success: false,
      error: 'invalid_recipient',
      retryable: false,
    });
    const group = { ...setup, to: '120363041234567890@g.us' };
    expect(await provider.send(requestOf(group, 'Hello'))).toMatchObject({
      success: true,
      providerMessageId: expect.stringMatching(/^120363041234567890@g\.us:3EB0[0-9A-F]{18}$/) as string,
    });
    expect(whatsapp.requests).toHaveLength(1);
  });
});

describe('the connection', () => {
  it('tells the operator what to scan, in no log, and goes on when it is linked', async () => {
    verifies('WP-05', 'SRC-09');
    const { whatsapp, source, clock, told, lines } = await personalScene({ fake: { isUnlinked: true } });
    await soon(() => told.length > 0);
    expect(told).toMatchObject([
      { type: 'source_pairing', channelId: 'personal', data: { source: 'whatsapp_personal', kind: 'qr', value: '2@fake-qr-code-1' } },
    ]);
    whatsapp.link();
    await soon(() => source.status === 'error');
    await clock.advance(0); // WhatsApp asks for a new connection at once
    await soon(() => source.isConnected);
    expect(lines.join('\n')).not.toContain('fake-qr-code');
  });

  it.each(['logged_out', 'banned', 'replaced', 'outdated'] as const)('waits for the operator when it was %s', async (reason) => {
    verifies('WP-05', 'SRC-09');
    const { whatsapp, kit, clock, source, told } = await personalScene();
    whatsapp.disconnect(reason);
    await soon(() => told.some(({ type }) => type === 'source_waiting'));
    expect(told.find(({ type }) => type === 'source_waiting')?.data).toMatchObject({ reason, source: 'whatsapp_personal' });
    await clock.advance(3_600_000);
    expect(whatsapp.openConnections).toBe(0);
    expect(await kit.sourceHealth('personal')).toMatchObject({ status: 'error', error: expect.any(String) as string });
    expect(whatsapp.forgotten).toBe(0); // the session goes when the operator says so
    await kit.detachSource('personal');
    if (reason === 'logged_out') {
      await source.forgetSession();
      expect(whatsapp.forgotten).toBe(1);
    }
    await kit.attachSource('personal', source);
    if (reason === 'logged_out') await soon(() => told.at(-1)?.type === 'source_pairing');
    else await soon(() => source.isConnected);
  });

  it('forgets no session that is in use', async () => {
    const { source, whatsapp } = await personalScene();
    await expect(source.forgetSession()).rejects.toThrow(/Detach it/);
    expect(whatsapp.forgotten).toBe(0);
  });

  it('offers a message again that the kit could not take', async () => {
    verifies('SRC-02');
    const store = new FaultStore();
    const { whatsapp, clock, texts, source } = await personalScene({ kit: { store } });
    store.fail('commitEvent');
    await whatsapp.phone('+15550123').write('Hello');
    await soon(async () => {
      await clock.advance(1000);
      return (await texts()).length > 0;
    });
    expect(await texts()).toEqual(['Hello']);
    expect(source.healthcheck().metadata['messages_refused']).toBe(0);
  });

  it('says what is wrong with how it was made', () => {
    verifies('PV-01');
    const driver = new FakeWhatsAppDriver();
    expect(() => new WhatsAppPersonalSource(undefined as never, { channelId: 'x' })).toThrow(/baileysDriver/);
    expect(() => new WhatsAppPersonalSource(driver, {} as never)).toThrow(/channelId/);
    expect(() => new WhatsAppPersonalSource(driver, { channelId: 'x', selfchat: true } as never)).toThrow(/Did you mean 'selfChat'/);
    expect(() => new WhatsAppPersonalSource(driver, { channelId: 'x', maxAgeSeconds: -1 })).toThrow(/maxAgeSeconds/);
    expect(() => new WhatsAppPersonalProvider(undefined as never)).toThrow(/WhatsAppPersonalSource/);
    expect(() => baileysDriver({} as never)).toThrow(/FileWhatsAppSession/);
    expect(NeonizeWhatsAppProvider).toBe(WhatsAppPersonalProvider);
  });
});
