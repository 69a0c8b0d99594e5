import { describe, expect, it } from 'vitest';
import { RoomKit, silentLogger } from '../../core/index.js';
import { WebSocketChannel } from '../../channels/index.js';
import { verifies } from '../../../test/requirements.js';
import { SqliteStore } from './index.js';

describe('full-text search in SQLite', () => {
  it('follows edits, deletes and removed rooms, however long ago a word was written', async () => {
    verifies('STO-09', 'EDT-04');
    const store = await SqliteStore.open(':memory:');
    const kit = new RoomKit({ store, logger: silentLogger });
    kit.registerChannel(new WebSocketChannel('web'));
    for (const roomId of ['a', 'b']) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    const say = (content: Parameters<RoomKit['sendEvent']>[2], roomId = 'a') => kit.sendEvent(roomId, 'web', content, { participantId: 'ada' });
    const words = async (text: string): Promise<unknown[]> =>
      store.searchEvents({ text }).map((event) => (event.content.type === 'text' ? event.content.body : event.content.type));
    const [first, second] = [await say('red apples'), await say('green apples')];
    for (let n = 0; n < 50; n++) await say(`filler ${n}`); // each in a transaction of its own
    await say('blue apples', 'b');
    await say({ type: 'edit', targetEventId: first.id, newContent: { type: 'text', body: 'red pears' } });
    await say({ type: 'delete', targetEventId: second.id });
    expect([await words('apples'), await words('pears'), await words('green')]).toEqual([['blue apples'], ['red pears'], []]);
    await kit.deleteRoom('b');
    expect(await words('apples')).toEqual([]);
    await kit.deleteEvent('a', first.id);
    expect(await words('pears')).toEqual([]);
    await kit.close();
  });
});
