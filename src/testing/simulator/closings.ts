/** Rooms that their host closes and opens again while people write: what came too late must not come in (ROOM-04, LOCK-03). */
import { conversations } from './conversations.js';
import type { Scenario } from './world.js';

const ROOMS = ['room-1', 'room-2'] as const;
const WITHIN_MS = 20_000;

/** Two rooms with text messages, sockets and an agent; each is closed at some time, and mostly opened again. */
export const closings: Scenario = {
  name: 'closings',
  start: (parts) => conversations.start(parts),
  async prepare(kit) {
    for (const roomId of ROOMS) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'sms', { metadata: { phone_number: `+1555${roomId}` } });
      await kit.attachChannel(roomId, 'web');
      await kit.attachChannel(roomId, 'agent');
    }
  },
  play(world) {
    const { people, random } = world;
    for (const roomId of ROOMS) {
      world.client('web', roomId);
      for (let n = 2 + random.below(3); n > 0; n--)
        people.write({ roomId, channelId: 'sms', senderId: `ada-${roomId}`, text: `word-${n}` }, random.between(0, WITHIN_MS));
      const at = random.between(0, WITHIN_MS);
      world.host(at, (kit) => kit.closeRoom(roomId));
      if (random.chance(0.6)) world.host(at + random.between(1000, WITHIN_MS), (kit) => kit.reopenRoom(roomId));
    }
  },
};
