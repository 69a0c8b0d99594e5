/** Sending: in order, once, whatever is lost, refused for now or repeated; and what waits over a reload. */
import { describe, expect, it } from 'vitest';
import type { OutboxStorage } from 'roomkit/client';
import { verifies } from '../requirements.js';
import { event, indexes, Script, type Frame } from './scripted.js';

/** What a page keeps, with a word of what was written to it. */
class Shelf implements OutboxStorage {
  readonly kept = new Map<string, string>();
  fails = false;

  getItem(key: string): string | null {
    if (this.fails) throw new Error('no access');
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.fails) throw new Error('quota exceeded');
    this.kept.set(key, value);
  }

  removeItem(key: string): void {
    this.kept.delete(key);
  }

  get bodies(): string[] {
    const { sends } = JSON.parse(this.kept.get('roomkit.outbox') ?? '{"sends":[]}') as { sends: { pending: { content: { body: string } } }[] };
    return sends.map(({ pending }) => pending.content.body);
  }
}

const bodyOf = (frame: Frame): string => (frame['content'] as { body: string }).body;

/** Acknowledges the newest send with an event of this index. */
function ack(script: Script, index: number, more: object = {}): Promise<void> {
  const { id, roomId } = script.socket.last('send');
  return script.says({ type: 'ack', id, roomId, prev: index - 1, event: event(index, { roomId: String(roomId) }), ...more });
}

describe('a message', () => {
  it('is committed when its promise resolves, and stands in its place then', async () => {
    verifies('WIRE-07');
    const script = new Script();
    const room = await script.inRoom();
    let seen: number[] = [];
    const sent = room.send('Hello', { metadata: { mood: 'good' }, parentEventId: 'e0' }).then((result) => {
      seen = indexes(room.events);
      return result;
    });
    expect(room.outbox).toMatchObject([{ content: { type: 'text', body: 'Hello' }, state: 'sending', createdAt: '2026-01-01T00:00:00.000Z' }]);
    const frame = script.socket.last('send');
    expect(frame).toEqual({
      type: 'send',
      id: room.outbox[0]?.id,
      roomId: 'room',
      content: { type: 'text', body: 'Hello' },
      metadata: { mood: 'good' },
      parentEventId: 'e0',
    });
    expect(String(frame['id']).length).toBeLessThanOrEqual(64);
    await ack(script, 0);
    expect(await sent).toEqual({ event: event(0), blocked: false, duplicate: false });
    expect([seen, room.outbox]).toEqual([[0], []]);
  });

  it('that is blocked says why, and stays to be seen until it is discarded', async () => {
    verifies('WIRE-07');
    const script = new Script();
    const room = await script.inRoom();
    const sent = room.send('4111 1111 1111 1111');
    const { id } = script.socket.last('send');
    await script.says({ type: 'ack', id, roomId: 'room', blocked: true, reason: 'card_number' });
    expect(await sent).toEqual({ blocked: true, duplicate: false, reason: 'card_number' });
    expect(room.outbox).toMatchObject([{ id, state: 'refused', reason: 'card_number' }]);
    expect([room.discard(String(id)), room.discard(String(id)), room.outbox]).toEqual([true, false, []]);
  });

  it('that is refused for what it is rejects, and the next one goes on', async () => {
    const script = new Script();
    const room = await script.inRoom();
    const bad = room.send({ type: 'media', url: 'ftp://x', mimeType: 'image/png' });
    const good = room.send('Good');
    const { id } = script.socket.last('send');
    await Promise.all([
      expect(bad).rejects.toMatchObject({ code: 'invalid', message: 'url is wrong.', retryable: false }),
      script.says({ type: 'error', id, code: 'invalid', message: 'url is wrong.', retryable: false }),
    ]);
    expect(room.outbox).toMatchObject([{ state: 'refused', reason: 'invalid' }, { state: 'sending' }]);
    await ack(script, 0);
    expect((await good).event?.index).toBe(0);
  });

  it('that is too large is refused before it is sent: the server could not say which one it was', async () => {
    verifies('WIRE-03');
    const script = new Script();
    await script.welcomed({ limits: { frameBytes: 200, framesPerSecond: 20, burst: 40 } });
    const room = script.client.room('room');
    await expect(room.send('é'.repeat(100))).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringMatching(/has 2\d\d bytes; the server takes at most 200/),
    });
    const sent = room.send('e'.repeat(100));
    expect(script.socket.of('send')).toHaveLength(1);
    await ack(script, 0);
    await sent;
  });

  it('has a name of its own, or the one that it is given', async () => {
    const script = new Script();
    const room = await script.inRoom();
    void room.send('One', { id: 'mine' });
    expect(script.socket.last('send')['id']).toBe('mine');
    await ack(script, 0);
    const second = room.send('One', { id: 'mine' });
    await script.settle();
    await script.says({ type: 'ack', id: 'mine', roomId: 'room', event: event(0), duplicate: true });
    expect(await second).toEqual({ event: event(0), blocked: false, duplicate: true });
    expect(indexes(room.events)).toEqual([0]);
  });

  it('of earlier that was repeated makes the client read what it has missed', async () => {
    verifies('WIRE-07', 'WIRE-05');
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    void room.send('Lost acknowledgement');
    const { id } = script.socket.last('send');
    await script.says({ type: 'ack', id, roomId: 'room', event: event(4), duplicate: true });
    expect([script.socket.last('subscribe')['afterIndex'], indexes(room.events)]).toEqual([0, [0]]);
  });

  it('is an edit or a delete when its content is one', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    void room.edit('e0', 'Better').catch(() => undefined);
    expect(script.socket.last('send')['content']).toEqual({ type: 'edit', targetEventId: 'e0', newContent: { type: 'text', body: 'Better' } });
    await ack(script, 1);
    void room.delete('e0', 'wrong room').catch(() => undefined);
    expect(script.socket.last('send')['content']).toEqual({ type: 'delete', targetEventId: 'e0', reason: 'wrong room' });
  });
});

describe('several messages', () => {
  it('of a room go one by one, each once the one before was taken; rooms do not wait for one another', async () => {
    const script = new Script();
    await script.welcomed();
    const [room, other] = [script.client.room('room'), script.client.room('other')];
    const results = [room.send('1'), room.send('2'), room.send('3'), other.send('A')];
    expect(script.socket.of('send').map(bodyOf)).toEqual(['1', 'A']);
    await script.says({ type: 'ack', id: script.socket.last('send')['id'], roomId: 'other', event: event(0, { roomId: 'other' }) });
    await script.says({ type: 'ack', id: script.socket.of('send')[0]?.['id'], roomId: 'room', event: event(0) });
    await ack(script, 1);
    await ack(script, 2);
    expect((await Promise.all(results)).map((result) => result.event?.index)).toEqual([0, 1, 2, 0]);
    expect(script.socket.of('send').map(bodyOf)).toEqual(['1', 'A', '2', '3']);
  });

  it('written without a connection go out in order when there is one, behind the subscription', async () => {
    verifies('WIRE-08');
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    const first = room.send('1');
    script.socket.ends(1006);
    const later = [room.send('2'), room.send('3')];
    expect(room.outbox.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued']);
    const before = script.socket.last('send');
    await script.clock.advance(500);
    await script.welcome();
    expect(script.socket.sent.map(({ type }) => type)).toEqual(['hello', 'subscribe', 'send']);
    expect(script.socket.last('send')).toEqual(before); // the same id: the server knows whether it has it
    await script.subscribed(1);
    await script.comes(1, 0);
    await ack(script, 1, { prev: undefined, duplicate: true });
    expect((await first).duplicate).toBe(true);
    for (const index of [2, 3]) await ack(script, index);
    expect((await Promise.all(later)).map((result) => result.event?.index)).toEqual([2, 3]);
    expect(indexes(room.events)).toEqual([0, 1, 2, 3]);
  });

  it('wait for one that is refused for now, and for one whose acknowledgement does not come', async () => {
    verifies('WIRE-07');
    const script = new Script();
    const room = await script.inRoom();
    const results = [room.send('1'), room.send('2')];
    const { id } = script.socket.last('send');
    await script.says({ type: 'error', id, code: 'busy', message: 'Too many.', retryable: true, retryAfterSeconds: 2 });
    await script.clock.advance(1999);
    expect(script.socket.of('send')).toHaveLength(1);
    await script.clock.advance(1);
    await script.clock.advance(10_000); // no answer
    expect(script.socket.of('send').map(({ id: sent }) => sent)).toEqual([id, id, id]);
    await ack(script, 0);
    await ack(script, 1);
    expect((await Promise.all(results)).map((result) => result.event?.index)).toEqual([0, 1]);
  });

  it('are bounded', async () => {
    const script = new Script({ maxQueuedSends: 2 });
    const room = script.client.room('room');
    void room.send('1').catch(() => undefined);
    void room.send('2').catch(() => undefined);
    await expect(room.send('3')).rejects.toMatchObject({ code: 'queue_full', retryable: true, message: expect.stringContaining('2 messages wait') });
    const [first] = room.outbox;
    expect(room.discard(first?.id ?? '')).toBe(true);
    const third = room.send('3');
    await script.settle();
    await script.welcome();
    expect(script.socket.of('send').map(bodyOf)).toEqual(['2']);
    expect(room.discard(room.outbox[0]?.id ?? '')).toBe(false); // on its way
    await ack(script, 0);
    await ack(script, 1);
    expect((await third).event?.index).toBe(1);
    expect(room.discard('unknown')).toBe(false);
  });

  it('that were refused are kept to be seen, the newest twenty', async () => {
    const script = new Script();
    const room = await script.inRoom();
    for (let number = 0; number < 25; number++) {
      void room.send(`${number}`);
      await script.says({ type: 'ack', id: script.socket.last('send')['id'], roomId: 'room', blocked: true });
    }
    expect(room.outbox.map(({ content }) => (content as { body: string }).body)).toEqual(Array.from({ length: 20 }, (_, offset) => `${offset + 5}`));
    expect(room.outbox[0]?.reason).toBe('blocked');
  });
});

describe('messages over a reload', () => {
  it('wait in the storage, and are sent by the next page under the same ids, before its own', async () => {
    verifies('WIRE-08');
    const storage = new Shelf();
    const first = new Script({ storage });
    await first.welcomed();
    const room = first.client.room('room');
    void room.send('1').catch(() => undefined);
    void room.send('2').catch(() => undefined);
    first.client
      .room('other')
      .send('A')
      .catch(() => undefined);
    expect(storage.bodies).toEqual(['1', '2', 'A']);
    await ack(first, 0, { roomId: 'other' });
    const ids = room.outbox.map(({ id }) => id);
    first.client.close(); // the page goes

    const second = new Script({ storage });
    void second.client
      .room('room')
      .send('3')
      .catch(() => undefined);
    await second.settle();
    expect(second.client.room('room').outbox.map(({ content }) => (content as { body: string }).body)).toEqual(['1', '2', '3']); // also without a connection
    await second.welcome();
    const sent: string[] = [];
    for (let index = 0; index < 3; index++) {
      sent.push(bodyOf(second.socket.last('send')));
      if (index < 2) expect(second.socket.last('send')['id']).toBe(ids[index]);
      await ack(second, index);
    }
    expect([sent, storage.bodies]).toEqual([['1', '2', '3'], []]);
  });

  it('that were written before anybody was known are stored as soon as somebody is', async () => {
    const storage = new Shelf();
    const first = new Script({ storage });
    void first.client
      .room('room')
      .send('1')
      .catch(() => undefined);
    await first.settle();
    expect(storage.kept.size).toBe(0);
    await first.welcome();
    expect(storage.bodies).toEqual(['1']);
    await ack(first, 0);
    first.socket.ends(1006);
    void first.client
      .room('room')
      .send('2')
      .catch(() => undefined);
    first.client.close();
    // The next page begins without a connection, and goes without one.
    const second = new Script({ storage });
    void second.client
      .room('room')
      .send('3')
      .catch(() => undefined);
    await second.settle();
    second.client.close();
    expect(storage.bodies).toEqual(['2', '3']);
  });

  it('are not said in the name of somebody else', async () => {
    const storage = new Shelf();
    const first = new Script({ storage });
    await first.welcomed();
    void first.client
      .room('room')
      .send('of Ada')
      .catch(() => undefined);
    first.client.close();
    const second = new Script({ storage });
    const room = second.client.room('room');
    void room.send('of this page').catch(() => undefined);
    await second.settle();
    void room.send('of this page, too').catch(() => undefined);
    expect(room.outbox).toHaveLength(3);
    await second.welcome({ participantId: 'bob' });
    expect([second.socket.of('send').map(bodyOf), storage.bodies]).toEqual([['of this page'], ['of this page', 'of this page, too']]);
    // The same client may come to speak as somebody else.
    const waiting = room.send('of Bob');
    second.socket.ends(1006);
    await second.clock.advance(500);
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'unauthenticated' }), second.welcome({ participantId: 'cid' })]);
    expect([room.outbox, second.socket.of('send'), storage.bodies]).toEqual([[], [], []]);
  });

  it('may be kept by a storage that answers later', async () => {
    const shelf = new Shelf();
    const storage: OutboxStorage = {
      getItem: async (key) => shelf.getItem(key),
      setItem: async (key, value) => shelf.setItem(key, value),
      removeItem: async (key) => shelf.removeItem(key),
    };
    const first = new Script({ storage, storageKey: 'roomkit.outbox' });
    await first.welcomed();
    void first.client
      .room('room')
      .send('1')
      .catch(() => undefined);
    await first.settle();
    first.client.close();
    const second = new Script({ storage });
    await second.welcomed();
    expect(second.socket.of('send').map(bodyOf)).toEqual(['1']);
  });

  it('are sent all the same when the storage fails, and its failure is told', async () => {
    const storage = new Shelf();
    storage.fails = true;
    const script = new Script({ storage });
    await script.welcomed();
    const sent = script.client.room('room').send('1');
    await ack(script, 0);
    expect((await sent).blocked).toBe(false);
    expect(script.errors[0]).toMatchObject({ code: 'storage_failed', message: 'The messages of an earlier page could not be read: no access' });
    expect(script.errors.at(-1)).toMatchObject({ code: 'storage_failed', message: 'The messages that wait could not be stored: quota exceeded' });
    const torn = new Shelf();
    torn.kept.set('roomkit.outbox', '{"participantId":"ada","sends":5}');
    const other = new Script({ storage: torn });
    await other.welcomed();
    expect(other.errors).toMatchObject([{ code: 'storage_failed' }]);
  });
});
