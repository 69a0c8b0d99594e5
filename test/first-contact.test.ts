/** What somebody meets who uses RoomKit for the first time: results and mistakes that explain themselves. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { RoomKit, WebSocketChannel } from '../src/index.js';

describe('the result of a first message', () => {
  it('prints as what it says, without what the kit keeps in it', async () => {
    await using kit = new RoomKit();
    for (const id of ['web', 'desk']) kit.registerChannel(new WebSocketChannel(id));
    await kit.createRoom({ roomId: 'room-1' });
    await kit.attachChannel('room-1', 'web');
    await kit.attachChannel('room-1', 'desk');
    const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'hello' }, { roomId: 'room-1' });

    const fields = ['blocked', 'deliveryResults', 'duplicate', 'event', 'turns'];
    expect(Object.keys(JSON.parse(JSON.stringify(result)) as object).sort()).toEqual(fields);
    const printed = inspect(result, { depth: 0 });
    for (const field of fields) expect(printed).toContain(`${field}:`);
    expect(printed).not.toContain('outcome');
  });
});
