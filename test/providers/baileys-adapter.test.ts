/** The bundled driver: what it makes of the events of baileys 7, and what it asks of it. */
import * as baileys from 'baileys';
import fc from 'fast-check';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { loadPeer } from '../../src/providers/_shared/peer.js';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ProviderError, RoomKit, silentLogger, TransportChannel, WhatsAppPersonalChannel, type OutboxRow } from '../../src/index.js';
import { FaultStore, TestClock } from '../../src/testing/index.js';
import { readContent } from '../../src/providers/baileys/adapter/read-content.js';
import { readClosed, readPresences, readReceipts, readUpdates, readUpsert } from '../../src/providers/baileys/adapter/read-events.js';
import { inboundMessage } from '../../src/providers/baileys/inbound.js';
import {
  baileysDriver,
  WhatsAppPersonalProvider,
  WhatsAppPersonalSource,
  type WhatsAppPersonalEvent,
  type WhatsAppPersonalMessage,
} from '../../src/providers/baileys/index.js';
import { toContent } from '../../src/core/models/content-validation.js';
import { verifies } from '../requirements.js';
import { soon, turnsOfTheLoop } from '../sources/soon.js';
import { adapterWith, FIXTURES, listen, MapSession, ME, WRITTEN_AT } from './baileys-stand-in.js';

const ADA = '15550123456@s.whatsapp.net';
const LID = '115655500152889@lid';
const GROUP = '120363041234567890@g.us';

/** What the driver tells of these fixtures, once it is connected. */
async function toldOf(...names: readonly string[]): Promise<readonly WhatsAppPersonalEvent[]> {
  const adapter = adapterWith();
  const heard = await listen(adapter);
  adapter.socket().open();
  adapter.socket().recorded(...names);
  adapter.socket().close(428);
  await heard.over;
  return heard.events.slice(1, -1);
}

async function messageOf(name: string): Promise<WhatsAppPersonalMessage> {
  const [event] = (await toldOf(name)).filter(({ type }) => type === 'message');
  return event?.type === 'message' ? event.message : expect.unreachable(`${name} is no message`);
}

describe('what comes in', () => {
  it('reads texts, whatever they are wrapped in', async () => {
    verifies('WP-04');
    expect(await messageOf('text')).toMatchObject({
      key: { chat: ADA, id: '3A97BA8D7E763ADECB01', isFromMe: false },
      chat: ADA,
      from: ADA,
      rawFrom: ADA,
      sentAt: WRITTEN_AT,
      pushName: 'Ada',
      said: { type: 'text', text: 'Is my parcel on its way? 📦' },
    });
    expect(await messageOf('extended_text_that_answers')).toMatchObject({ answers: '3EB0AAAAAAAAAAAAAAAAAA', said: { text: 'Yes, that one' } });
    expect((await messageOf('text_that_disappears')).said).toEqual({ type: 'text', text: 'Soon gone' });
    expect((await messageOf('contact')).said).toEqual({ type: 'text', text: 'Bob: +15550124000' });
    expect((await messageOf('view_once')).said).toMatchObject({ type: 'text', text: expect.stringContaining('viewed once') as string });
  });

  it('names people by their number, whichever name the wire has for them', async () => {
    verifies('WP-02', 'WP-04');
    expect(await messageOf('text_of_a_lid')).toMatchObject({ key: { chat: LID }, chat: ADA, from: ADA, rawFrom: LID });
    expect(await messageOf('text_in_a_group')).toMatchObject({ key: { chat: GROUP, participant: LID }, chat: GROUP, from: ADA, rawFrom: LID });
    expect(await messageOf('text_of_a_hidden_lid')).toMatchObject({ chat: '999999999999999@lid', from: '999999999999999@lid' });
  });

  it('looks a number up in the session where the message does not tell it, and says so once', async () => {
    verifies('TRN-07');
    const adapter = adapterWith({ onSocket: ({ numbers }) => void numbers.set('999999999999999@lid', '15550199:3@s.whatsapp.net') });
    const heard = await listen(adapter);
    adapter.socket().open();
    adapter.socket().recorded('text_of_a_hidden_lid');
    await soon(() => heard.events.some(({ type }) => type === 'message'));
    adapter.socket().recorded('text_of_a_hidden_lid');
    adapter.socket().close(428);
    await heard.over;
    expect(heard.events.slice(1)).toMatchObject([
      { type: 'moved', from: '999999999999999@lid', to: '15550199@s.whatsapp.net' },
      { type: 'message', message: { chat: '15550199@s.whatsapp.net', rawFrom: '999999999999999@lid' } },
      { type: 'message' },
      { type: 'closed' },
    ]);
  });

  it('reads files, places, edits, deletes and reactions', async () => {
    verifies('WP-04', 'WP-05');
    const file = { type: 'file', sizeBytes: 2048 };
    expect((await messageOf('image')).said).toMatchObject({ ...file, kind: 'image', mimeType: 'image/jpeg', caption: 'The box' });
    expect((await messageOf('voice_note')).said).toMatchObject({ ...file, kind: 'voice', seconds: 3 });
    expect((await messageOf('video')).said).toMatchObject({ ...file, kind: 'video', caption: 'Unboxing' });
    expect((await messageOf('document_with_caption')).said).toMatchObject({ ...file, kind: 'document', filename: 'bill.pdf', caption: 'The bill' });
    expect((await messageOf('sticker')).said).toMatchObject({ ...file, kind: 'sticker', mimeType: 'image/webp' });
    expect((await messageOf('location')).said).toEqual({
      type: 'location',
      latitude: 48.8584,
      longitude: 2.2945,
      name: 'Eiffel Tower',
      address: 'Paris',
    });
    const target = { targetId: '3A97BA8D7E763ADECB01' };
    expect((await messageOf('edit')).said).toEqual({ type: 'edit', ...target, said: { type: 'text', text: 'Is my parcel here?' } });
    expect((await messageOf('edit_wrapped')).said).toEqual({ type: 'edit', ...target, said: { type: 'text', text: 'Is my parcel here now?' } });
    expect((await messageOf('delete')).said).toEqual({ type: 'delete', ...target });
    const sent = { type: 'reaction', targetId: '3EB0AAAAAAAAAAAAAAAAAA' };
    expect(await messageOf('reaction')).toMatchObject({ chat: ADA, said: { ...sent, emoji: '👍' } });
    expect((await messageOf('reaction_taken_back')).said).toEqual({ ...sent, emoji: '' });
  });

  it('takes once what baileys tells twice', async () => {
    verifies('WP-04');
    expect(await toldOf('reaction_told_again', 'edit_told_again', 'delete_told_again')).toEqual([]);
  });

  it('takes what came while it was away, and nothing of the history', async () => {
    verifies('WP-04');
    expect(await messageOf('text_while_away')).toMatchObject({ sentAt: WRITTEN_AT - 600_000, said: { text: 'While you were away' } });
    expect(await toldOf('history')).toEqual([]);
  });

  it('keeps the order of what baileys has gathered', async () => {
    verifies('SRC-02');
    const adapter = adapterWith();
    const heard = await listen(adapter);
    const socket = adapter.socket();
    socket.open();
    socket.ev.buffer();
    socket.recorded('text', 'edit', 'reaction', 'text_of_a_lid');
    socket.ev.flush();
    socket.close(428);
    await heard.over;
    const said = heard.events.flatMap((event) => (event.type === 'message' ? [event.message.said.type] : []));
    expect(said).toEqual(['text', 'edit', 'reaction', 'text']);
  });

  it('ignores what is nobody’s message, and says that it did', async () => {
    verifies('WP-04', 'SRC-06');
    for (const name of ['unreadable', 'status_update_of_a_person', 'poll'])
      expect(await toldOf(name)).toEqual([{ type: 'ignored', reason: expect.any(String) as string }]);
  });

  it('tells what became of messages, and who types', async () => {
    verifies('WP-05', 'OUT-07');
    const adapter = adapterWith({ onSocket: ({ numbers }) => void numbers.set(LID, ADA) });
    const heard = await listen(adapter);
    adapter.socket().open();
    const names = ['delivered', 'read', 'refused', 'read_by_another_device', 'delivered_in_a_group', 'read_in_a_group', 'types', 'records', 'stops'];
    adapter.socket().recorded(...names);
    adapter.socket().close();
    await heard.over;
    const sent = { type: 'receipt', id: '3EB0AAAAAAAAAAAAAAAAAA' };
    expect(heard.events.slice(1, -1)).toEqual([
      { ...sent, chat: ADA, from: ADA, status: 'delivered', at: WRITTEN_AT },
      { ...sent, chat: ADA, from: ADA, status: 'read', at: WRITTEN_AT + 60_000 },
      { ...sent, chat: ADA, status: 'failed', errorCode: '463' },
      { ...sent, chat: GROUP, from: ADA, status: 'delivered', at: WRITTEN_AT },
      { ...sent, chat: GROUP, from: ADA, status: 'read', at: WRITTEN_AT + 60_000 },
      { type: 'presence', chat: ADA, from: ADA, state: 'composing' },
      { type: 'presence', chat: GROUP, from: ADA, state: 'recording' },
      { type: 'presence', chat: ADA, from: ADA, state: 'available' },
    ]);
  });

  it('asks to be told when somebody types who has written, unless the account is not to be shown as online', async () => {
    verifies('WP-05');
    for (const [marksOnline, asked] of [
      [true, [['presenceSubscribe', ADA]]],
      [false, []],
    ] as const) {
      const adapter = adapterWith({ marksOnline });
      const heard = await listen(adapter);
      adapter.socket().open();
      adapter.socket().recorded('text', 'text');
      adapter.socket().close();
      await heard.over;
      expect(adapter.socket().asked).toEqual(asked);
      expect(adapter.socket().config.markOnlineOnConnect).toBe(marksOnline);
    }
  });

  it('reads messages as protobuf has them, too', async () => {
    verifies('WP-04');
    const decoded = (message: baileys.proto.IMessage): unknown => baileys.proto.Message.decode(baileys.proto.Message.encode(message).finish());
    const mediaKey = new Uint8Array(32).fill(7);
    const file = { mimetype: 'image/jpeg', fileLength: 2048, mediaKey, directPath: '/v/1', url: 'https://mmg.whatsapp.net/v/1' };
    expect(readContent(decoded({ imageMessage: file }))?.said).toMatchObject({
      type: 'file',
      kind: 'image',
      sizeBytes: 2048,
      handle: { directPath: '/v/1' },
    });
    const said = readContent(decoded({ audioMessage: { ...file, mimetype: 'audio/ogg; codecs=opus', ptt: true, seconds: 4 } }))?.said;
    expect(said).toMatchObject({ kind: 'voice', seconds: 4 });
    const handle = said?.type === 'file' ? (said.handle as { mediaKey: Uint8Array }) : expect.unreachable('no file');
    expect([handle.mediaKey instanceof Uint8Array, ...handle.mediaKey.subarray(0, 2)]).toEqual([true, 7, 7]);
    expect(readContent(decoded({ conversation: 'Hi' }))).toEqual({ said: { type: 'text', text: 'Hi' } });
    const key = { remoteJid: ADA, id: '3A01', fromMe: false };
    expect(readContent(decoded({ protocolMessage: { key } }))?.said).toEqual({ type: 'delete', targetId: '3A01' });
    expect(readContent(decoded({ reactionMessage: { key, text: '👍' } }))?.said).toEqual({ type: 'reaction', targetId: '3A01', emoji: '👍' });
    expect(readContent(decoded({ protocolMessage: { type: 5, historySyncNotification: {} } }))).toBeUndefined();
    expect(readContent(decoded({ messageContextInfo: {} }))).toBeUndefined();
  });

  it('keeps a message until it is taken, and tells of it again after a crash', async () => {
    verifies('WP-04', 'F21');
    const session = new MapSession().link();
    const before = adapterWith({ session });
    const first = await listen(before);
    before.socket().open();
    before.socket().recorded('image', 'text_in_a_group', 'text');
    await soon(() => first.events.filter(({ type }) => type === 'message').length === 3);
    for (const event of first.events) if (event.type === 'message' && event.message.key.id.endsWith('05')) event.taken?.();
    await soon(() => !new TextDecoder().decode(session.entries.get('inbox')).includes('ECB05'));
    // The process dies here. Another one begins with what is on the disk.
    const after = adapterWith({ session });
    const second = await listen(after);
    after.socket().open();
    after.socket().recorded('text');
    await soon(() => second.events.filter(({ type }) => type === 'message').length === 3);
    const again = second.events.flatMap((event) => (event.type === 'message' ? [event] : []));
    expect(again.map(({ message }) => message.key.id.slice(-2))).toEqual(['10', '01', '01']);
    const told = first.events.find((event) => event.type === 'message');
    expect(again[0]?.message).toEqual(
      told?.type === 'message'
        ? {
            ...told.message,
            said: {
              ...told.message.said,
              handle: expect.objectContaining({ mediaType: 'image', mediaKey: Buffer.from(Array.from({ length: 32 }, (_, n) => n)) }) as unknown,
            },
          }
        : undefined,
    );
    for (const { taken } of again) taken?.();
    await soon(() => !session.entries.has('inbox'));
    for (const { stop } of [first, second]) stop();
    await Promise.all([first.over, second.over]);
  });

  it('keeps what comes while it ends for the next time', async () => {
    verifies('WP-04', 'SRC-04');
    const session = new MapSession().link();
    const adapter = adapterWith({ session });
    const heard = await listen(adapter);
    adapter.socket().open();
    await soon(() => heard.events.length === 1);
    const [socket] = adapter.sockets;
    if (socket !== undefined) socket.onEnd = () => socket.recorded('text');
    heard.stop();
    await heard.over;
    expect(heard.events).toHaveLength(1);
    const again = await listen(adapterWith({ session, onSocket: (next) => void setImmediate(() => next.open()) }));
    await soon(() => again.events.length === 2);
    expect(again.events[1]).toMatchObject({ type: 'message', message: { said: { text: 'Is my parcel on its way? 📦' } } });
    again.stop();
    await again.over;
  });

  it('tells of no message that it could not keep', async () => {
    verifies('WP-04');
    const session = new MapSession().link();
    const adapter = adapterWith({ session });
    const heard = await listen(adapter);
    adapter.socket().open();
    await soon(() => heard.events.length === 1);
    session.onSave = () => Promise.reject(new Error('ENOSPC'));
    adapter.socket().recorded('text');
    expect(await heard.over).toMatchObject({ code: 'whatsapp_session_unsaved' });
    expect(heard.events).toHaveLength(1);
  });

  it('forgets with the session what it has kept', async () => {
    verifies('WP-05');
    const session = new MapSession().link();
    const adapter = adapterWith({ session });
    const heard = await listen(adapter);
    adapter.socket().open();
    adapter.socket().recorded('text');
    await soon(() => heard.events.length === 2);
    heard.stop();
    await heard.over;
    await adapter.driver.forgetSession();
    expect(session.entries.size).toBe(0);
    const again = await listen(adapter);
    adapter.socket().recorded('qr');
    await soon(() => again.events.length === 1);
    expect(again.events).toMatchObject([{ type: 'pairing' }]);
    again.stop();
    await again.over;
  });

  it('reads the very keys that baileys makes of stanzas', () => {
    verifies('WP-04');
    const stanza = (attrs: Record<string, string>): baileys.BinaryNode => ({ tag: 'message', attrs: { t: '1795683600', notify: 'Ada', ...attrs } });
    const decoded = [
      stanza({ id: '3A97BA8D7E763ADECB01', from: ADA }),
      stanza({ id: '3A97BA8D7E763ADECB03', from: LID, sender_pn: ADA }),
      stanza({ id: '3A97BA8D7E763ADECB05', from: GROUP, participant: LID, participant_pn: ADA, addressing_mode: 'lid' }),
    ].map((node) => JSON.parse(JSON.stringify(baileys.decodeMessageNode(node, ME.id, ME.lid).fullMessage)) as baileys.WAMessage);
    for (const [index, name] of ['text', 'text_of_a_lid', 'text_in_a_group'].entries()) {
      const [recorded] = (FIXTURES[name]?.data as unknown as baileys.BaileysEventMap['messages.upsert']).messages;
      const { message: _message, ...envelope } = recorded ?? expect.unreachable(name);
      expect(decoded[index]).toEqual(envelope);
    }
  });

  it('never throws, and tells of no message that nobody sent', () => {
    verifies('PV-06', 'WP-04');
    const values = Object.values(FIXTURES).flatMap(({ data }) => (data === undefined ? [] : [data as unknown]));
    const junk = fc.oneof(fc.anything(), fc.constantFrom('', '@lid', '@s.whatsapp.net', 'a@b', -1, 1e300, {}, [], null));
    const events = fc.oneof(
      junk,
      fc
        .tuple(fc.constantFrom(...values), fc.array(fc.tuple(fc.nat(200), junk), { maxLength: 4 }))
        .map(([value, changes]) => changed(value, changes)),
    );
    fc.assert(
      fc.property(events, (event) => {
        readUpdates(event);
        readReceipts(event);
        readPresences(event);
        readClosed(event);
        readContent(event);
        for (const message of readUpsert(event, '15550100@s.whatsapp.net')) {
          if ('ignored' in message) continue;
          expect(message.from).toMatch(/^[^\s@]+@[a-z.]+$/);
          expect(message.key.id).not.toBe('');
          const inbound = inboundMessage(
            { ...message, chat: message.key.chat, rawFrom: message.from },
            { channelId: 'personal', file: { bytes: new Uint8Array([1]) }, hold: () => 'https://mmg.whatsapp.net/x' },
          );
          if (inbound.eventType === undefined) toContent(inbound.content); // a room takes it
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** The same with some of its leaves replaced. */
function changed(value: unknown, changes: readonly (readonly [number, unknown])[]): unknown {
  const leaves: [Record<string, unknown>, string][] = [];
  const copy = structuredClone(value);
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return;
    for (const key of Object.keys(node)) {
      leaves.push([node as Record<string, unknown>, key]);
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(copy);
  for (const [at, junk] of changes) {
    const [node, key] = leaves[at % Math.max(leaves.length, 1)] ?? [{}, 'x'];
    node[key] = junk;
  }
  return copy;
}

describe('what goes out', () => {
  it('asks baileys for each kind of message, with the id that it is to have', async () => {
    verifies('WP-03', 'WP-05');
    const adapter = adapterWith();
    const { driver } = adapter;
    const heard = await listen(adapter);
    adapter.socket().open();
    await soon(() => heard.events.length > 0);
    const options = { id: '3EB0BBBBBBBBBBBBBBBBBB', signal: new AbortController().signal };
    const bytes = new Uint8Array([1, 2, 3]);
    const key = { chat: GROUP, id: '3A01', isFromMe: false, participant: LID };
    const wireKey = { remoteJid: GROUP, id: '3A01', fromMe: false, participant: LID };
    expect(await driver.sendMessage(ADA, 'Look: https://example.org', { ...options, quoted: { key, text: 'Where?' } })).toEqual({ id: options.id });
    await driver.sendImage(ADA, { bytes, mimeType: 'image/png', caption: 'A box' }, options);
    await driver.sendVideo(ADA, { bytes, mimeType: 'video/mp4' }, options);
    await driver.sendAudio(ADA, { bytes, mimeType: 'audio/ogg; codecs=opus', isVoiceNote: true }, options);
    await driver.sendDocument(ADA, { bytes, mimeType: 'application/pdf', filename: 'bill.pdf' }, options);
    await driver.sendLocation(ADA, { latitude: 1, longitude: 2, name: 'Here' }, options);
    await driver.editMessage({ chat: ADA, id: '3EB0', isFromMe: true }, 'Better', options);
    await driver.deleteMessage({ chat: ADA, id: '3EB0', isFromMe: true }, options);
    await driver.sendReaction(key, '👍');
    await driver.sendPresence(ADA, 'recording');
    await driver.markRead([key]);
    const named = { messageId: options.id };
    const own = { remoteJid: ADA, id: '3EB0', fromMe: true };
    expect(adapter.socket().asked).toEqual([
      // Links in a text are looked at by nobody here.
      [
        'sendMessage',
        ADA,
        { text: 'Look: https://example.org', linkPreview: null },
        { ...named, quoted: { key: wireKey, message: { conversation: 'Where?' } } },
      ],
      ['sendMessage', ADA, { image: Buffer.from(bytes), mimetype: 'image/png', caption: 'A box' }, named],
      ['sendMessage', ADA, { video: Buffer.from(bytes), mimetype: 'video/mp4' }, named],
      ['sendMessage', ADA, { audio: Buffer.from(bytes), mimetype: 'audio/ogg; codecs=opus', ptt: true }, named],
      ['sendMessage', ADA, { document: Buffer.from(bytes), mimetype: 'application/pdf', fileName: 'bill.pdf' }, named],
      ['sendMessage', ADA, { location: { degreesLatitude: 1, degreesLongitude: 2, name: 'Here' } }, named],
      ['sendMessage', ADA, { text: 'Better', linkPreview: null, edit: own }, named],
      ['sendMessage', ADA, { delete: own }, named],
      ['sendMessage', GROUP, { react: { text: '👍', key: wireKey } }, undefined],
      ['sendPresenceUpdate', 'recording', ADA],
      ['readMessages', [wireKey]],
    ]);
    heard.stop();
    await heard.over;
  });

  it('gives baileys content that it makes a message of', async () => {
    verifies('WP-03');
    const made = await baileys.generateWAMessageContent(
      { text: 'Look: https://example.org', linkPreview: null },
      {
        upload: () => Promise.reject(new Error('nothing is uploaded')),
        getUrlInfo: () => Promise.reject(new Error('no link is followed')),
      },
    );
    expect(readContent(JSON.parse(JSON.stringify(made)))).toEqual({ said: { type: 'text', text: 'Look: https://example.org' } });
    const place = await baileys.generateWAMessageContent(
      { location: { degreesLatitude: 1, degreesLongitude: 2, name: 'Here' } },
      { upload: () => Promise.reject(new Error('none')) },
    );
    expect(readContent(JSON.parse(JSON.stringify(place)))?.said).toEqual({ type: 'location', latitude: 1, longitude: 2, name: 'Here' });
    const edit = await baileys.generateWAMessageContent(
      { text: 'Better', linkPreview: null, edit: { remoteJid: ADA, id: '3EB0', fromMe: true } },
      { upload: () => Promise.reject(new Error('none')) },
    );
    expect(readContent(JSON.parse(JSON.stringify(edit)))?.said).toEqual({ type: 'edit', targetId: '3EB0', said: { type: 'text', text: 'Better' } });
    const taken = await baileys.generateWAMessageContent(
      { delete: { remoteJid: ADA, id: '3EB0', fromMe: true } },
      { upload: () => Promise.reject(new Error('none')) },
    );
    expect(readContent(JSON.parse(JSON.stringify(taken)))?.said).toEqual({ type: 'delete', targetId: '3EB0' });
  });

  it('says what became of it in the kit’s codes, and nothing in the words of baileys', async () => {
    verifies('PV-12', 'WP-02');
    const adapter = adapterWith();
    const heard = await listen(adapter);
    const options = { id: '3EB0', signal: new AbortController().signal };
    await expect(adapter.driver.sendMessage(ADA, 'Too early', options)).rejects.toMatchObject({ code: 'not_connected', retryable: true });
    adapter.socket().open();
    await soon(() => heard.events.length > 0);
    const cases = [
      [428, 'not_connected', true],
      [408, 'timeout', true],
      [429, 'rate_limit', true],
      [500, 'whatsapp_500', true],
      [400, 'whatsapp_400', false],
      [403, 'whatsapp_403', false],
      [undefined, 'provider_error', true],
    ] as const;
    for (const [statusCode, code, retryable] of cases) {
      adapter.socket().failure = Object.assign(new Error('The secret text'), statusCode === undefined ? {} : { output: { statusCode } });
      const error: unknown = await adapter.driver.sendMessage(ADA, 'The secret text', options).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ code, retryable });
      expect(inspect(error)).not.toContain('secret text');
    }
    adapter.socket().close(428);
    await heard.over;
    await expect(adapter.driver.sendMessage(ADA, 'Too late', options)).rejects.toMatchObject({ code: 'not_connected' });
  });
});

describe('the connection', () => {
  it('shows a QR code, or a code for the phone, to link the account by', async () => {
    verifies('WP-05');
    const byQr = adapterWith({ session: new MapSession() });
    const scanning = await listen(byQr);
    byQr.socket().recorded('connecting', 'qr');
    byQr.socket().close(408);
    await scanning.over;
    expect(scanning.events).toEqual([
      { type: 'pairing', kind: 'qr', value: '2@ref,noise,identity,adv,1' },
      { type: 'closed', reason: 'restart', statusCode: 408 }, // all codes are used up: the next ones come at once
    ]);
    const byCode = adapterWith({ session: new MapSession(), pairingNumber: '+1 555 0100' + '00' });
    const typing = await listen(byCode);
    byCode.socket().recorded('qr', 'qr');
    byCode.socket().close();
    await typing.over;
    expect(typing.events.slice(0, -1)).toEqual([{ type: 'pairing', kind: 'code', value: 'ABCD1234' }]);
    expect(byCode.socket().asked).toEqual([['requestPairingCode', '1555010000']]);
    expect(() => baileysDriver({ session: new MapSession(), pairingNumber: 'mine' })).toThrow(/pairingNumber/);
  });

  it('says when WhatsApp gives no code', async () => {
    verifies('WP-05');
    const adapter = adapterWith({ session: new MapSession(), pairingNumber: '+15550100' });
    const heard = await listen(adapter);
    adapter.socket().failure = Object.assign(new Error('rate-overlimit for 15550100'), { output: { statusCode: 429 } });
    adapter.socket().recorded('qr');
    const error = await heard.over;
    expect(error).toMatchObject({ code: 'rate_limit', retryable: true });
    expect(inspect(error)).not.toContain('15550100');
    expect(adapter.socket().ended).toBe(1);
  });

  it('keeps what was linked before it says that it has to connect again', async () => {
    verifies('WP-05');
    const session = new MapSession();
    let release = (): void => undefined;
    const adapter = adapterWith({ session });
    const first = await listen(adapter);
    session.onSave = () => new Promise<void>((resolve) => (release = resolve));
    adapter.socket().tell('creds.update', { me: ME, account: {} });
    adapter.socket().close(515);
    await turnsOfTheLoop(5);
    expect(first.events).toEqual([]);
    release();
    await first.over;
    expect(first.events).toEqual([{ type: 'closed', reason: 'restart', statusCode: 515 }]);
    session.onSave = () => undefined;
    const second = await listen(adapter);
    adapter.socket().open();
    adapter.socket().close();
    await second.over;
    expect(second.events[0]).toEqual({ type: 'connected', me: { jid: '15550100@s.whatsapp.net', lid: '222222222222222@lid' } });
  });

  it('ends when its session cannot be kept', async () => {
    verifies('WP-05');
    const session = new MapSession().link();
    const adapter = adapterWith({ session });
    const heard = await listen(adapter);
    adapter.socket().open();
    session.onSave = () => Promise.reject(new Error('ENOSPC'));
    adapter.socket().tell('creds.update', { nextPreKeyId: 5 });
    expect(await heard.over).toMatchObject({ code: 'whatsapp_session_unsaved' });
    expect(adapter.socket().ended).toBe(1);
  });

  it('says that its session cannot be read, in the kit’s words', async () => {
    verifies('WP-05');
    const session = new MapSession();
    session.load = () => Promise.reject(new Error('ECONNREFUSED 10.0.0.1'));
    const adapter = adapterWith({ session });
    const heard = await listen(adapter);
    expect(await heard.over).toMatchObject({ code: 'whatsapp_session_unavailable', message: expect.not.stringContaining('10.0.0.1') as string });
    expect(adapter.sockets).toEqual([]);
  });

  it('calls itself what it is told to', async () => {
    const adapter = adapterWith({ version: [2, 3000, 2000000000], deviceName: 'Desk' });
    const heard = await listen(adapter);
    const { version, browser, emitOwnEvents, syncFullHistory, shouldIgnoreJid } = adapter.socket().config;
    expect([version, browser?.[0], emitOwnEvents, syncFullHistory]).toEqual([[2, 3000, 2000000000], 'Desk', false, false]);
    expect(['status@broadcast', '1203@newsletter', ADA, LID, GROUP].map((jid) => shouldIgnoreJid?.(jid))).toEqual([true, true, false, false, false]);
    expect(() => baileysDriver({ session: new MapSession(), version: [2, 3000] as never })).toThrow(/version/);
    heard.stop();
    await heard.over;
  });

  it.each([
    [401, 'logged_out'],
    [402, 'banned'],
    [403, 'banned'],
    [405, 'outdated'],
    [411, 'outdated'],
    [440, 'replaced'],
    [515, 'restart'],
    [408, 'lost'],
    [428, 'lost'],
    [500, 'lost'],
    [503, 'lost'],
  ] as const)('knows an end with %i as %s', async (statusCode, reason) => {
    verifies('WP-05');
    const adapter = adapterWith();
    const heard = await listen(adapter);
    adapter.socket().close(statusCode);
    await heard.over;
    expect(heard.events).toEqual([{ type: 'closed', reason, statusCode }]);
    expect(adapter.socket().ended).toBe(1);
  });

  it('logs nothing, and gives baileys no way to', async () => {
    verifies('WP-05');
    const adapter = adapterWith();
    const heard = await listen(adapter);
    const { logger } = adapter.socket().config;
    expect(logger?.level).toBe('silent');
    expect(logger?.child({ class: 'x' })).toBe(logger);
    heard.stop();
    await heard.over;
  });

  it('says which version to install where there is none', async () => {
    const missing = Object.assign(new Error("Cannot find package 'baileys' imported from here"), { code: 'ERR_MODULE_NOT_FOUND' });
    const loading = loadPeer('baileysDriver', 'baileys@7.0.0-rc14', () => Promise.reject(missing));
    await expect(loading).rejects.toThrow('npm install baileys@7.0.0-rc14');
    const { peerDependencies } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      peerDependencies: Record<string, string>;
    };
    expect(peerDependencies['baileys']).toBe('7.0.0-rc14');
  });

  it('leaves no connection behind, also of the real socket', async () => {
    verifies('SRC-04');
    const server = createServer((socket) => socket.on('error', () => undefined).destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const waWebSocketUrl = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const driver = baileysDriver({
      session: new MapSession(),
      baileys: { ...baileys, makeWASocket: (config) => baileys.makeWASocket({ ...config, waWebSocketUrl }) },
    });
    const events: WhatsAppPersonalEvent[] = [];
    for await (const event of driver.connect({ signal: new AbortController().signal })) events.push(event);
    expect(events).toMatchObject([{ type: 'closed', reason: 'lost' }]);
    server.close();
  });
});

describe('a kit over the bundled driver', () => {
  it('answers a message, and knows what became of the answer', async () => {
    verifies('WP-01', 'WP-04', 'OUT-07');
    const adapter = adapterWith({ onSocket: ({ numbers }) => void numbers.set(LID, ADA) });
    const kit = new RoomKit({ clock: new TestClock(WRITTEN_AT), logger: silentLogger });
    const source = new WhatsAppPersonalSource(adapter.driver, { channelId: 'personal', clock: kit.clock });
    kit.registerChannel(new WhatsAppPersonalChannel('personal', { provider: new WhatsAppPersonalProvider(source) }));
    kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
    await kit.attachSource('personal', source);
    await soon(() => adapter.sockets.length === 1);
    adapter.socket().open();
    adapter.socket().recorded('text_of_a_lid', 'history', 'own_text_from_the_phone', 'own_note_to_self', 'text_of_a_lid');
    await soon(async () => (await kit.listRooms()).length > 0);
    const [room] = await kit.listRooms();
    const roomId = room?.id ?? '';
    await kit.attachChannel(roomId, 'desk');
    await kit.sendEvent(roomId, 'desk', 'Hello yourself', { wait: 'commit' });
    const sent = (): unknown[][] => adapter.socket().asked.filter(([method]) => method === 'sendMessage');
    await soon(() => sent().length === 1);
    expect(sent()[0]).toMatchObject([
      'sendMessage',
      ADA,
      { text: 'Hello yourself' },
      { messageId: expect.stringMatching(/^3EB0[0-9A-F]{18}$/) as string },
    ]);
    const { messageId: id } = sent()[0]?.[3] as { messageId: string };
    // The receipt names the person by the other name.
    adapter
      .socket()
      .tell('messages.update', [{ key: { remoteJid: LID, id, fromMe: true }, update: { status: 3, messageTimestamp: WRITTEN_AT / 1000 } }]);
    const rows = async (): Promise<readonly OutboxRow[]> =>
      (await kit.listDeliveries({ roomId })).filter(({ channelId }) => channelId === 'personal');
    await soon(async () => (await rows())[0]?.state === 'delivered');
    const messages = (await kit.getTimeline(roomId)).filter(({ type }) => type === 'message');
    expect(messages.map(({ content }) => content)).toMatchObject([{ body: 'Hello from an id' }, { body: 'Hello yourself' }]);
    expect(messages[0]).toMatchObject({ source: { participantId: '+15550123456', externalId: `${ADA}:3A97BA8D7E763ADECB03` } });
    await kit.close();
    expect(adapter.socket().ended).toBe(1);
  });

  it('loses no message that its store could not take', async () => {
    verifies('WP-05', 'SRC-02');
    const adapter = adapterWith();
    const store = new FaultStore();
    const clock = new TestClock(WRITTEN_AT);
    const kit = new RoomKit({ clock, logger: silentLogger, store });
    const source = new WhatsAppPersonalSource(adapter.driver, { channelId: 'personal', clock });
    kit.registerChannel(new WhatsAppPersonalChannel('personal', { provider: new WhatsAppPersonalProvider(source) }));
    await kit.attachSource('personal', source);
    await soon(() => adapter.sockets.length === 1);
    adapter.socket().open();
    for (const nth of [1, 2, 3, 4]) store.fail('commitEvent', { nth });
    adapter.socket().recorded('text');
    await soon(async () => {
      await clock.advance(10_000);
      return source.healthcheck().metadata['messages_refused'] === 1;
    });
    adapter.socket().close(428);
    await soon(async () => {
      await clock.advance(5000);
      return adapter.sockets.length === 2;
    });
    adapter.socket().open();
    const texts = async (): Promise<unknown[]> =>
      (await Promise.all((await kit.listRooms()).map(({ id }) => kit.getTimeline(id)))).flat().filter(({ type }) => type === 'message');
    await soon(async () => (await texts()).length === 1);
    await kit.close();
  });
});
