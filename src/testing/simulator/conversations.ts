/** The scenario that RoomKit is held to: people on several channels, an agent that answers, deliveries over several vendors. */
import { AIChannel } from '../../ai/index.js';
import { EmailChannel, SMSChannel, WebSocketChannel } from '../../channels/index.js';
import { RoomKit } from '../../core/index.js';
import type { Scenario } from './world.js';

const ROOMS = ['room-1', 'room-2'] as const;
const WITHIN_MS = 20_000;

/** Two rooms with text messages, e-mail, sockets and an agent. */
export const conversations: Scenario = {
  name: 'conversations',
  start({ world, process, options }) {
    const kit = new RoomKit(options);
    kit.registerChannel(new SMSChannel('sms', { provider: world.vendor('sms').provider(process) }));
    kit.registerChannel(new EmailChannel('email', { provider: world.vendor('email', { recognisesKeys: false }).provider(process) }));
    kit.registerChannel(new WebSocketChannel('web'));
    kit.registerChannel(new AIChannel('agent', { provider: world.model('model').provider(process) }));
    return kit;
  },
  async prepare(kit) {
    for (const roomId of ROOMS) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'sms', { metadata: { phone_number: `+1555${roomId}` } });
      await kit.attachChannel(roomId, 'email', { metadata: { email_address: `${roomId}@example.com` } });
      await kit.attachChannel(roomId, 'web');
      await kit.attachChannel(roomId, 'agent');
    }
  },
  play(world) {
    const { people, random } = world;
    for (const roomId of [...ROOMS, ROOMS[0]]) world.client('web', roomId);
    const count = 3 + random.below(6);
    for (let n = 0; n < count; n++) {
      const roomId = random.pick(ROOMS);
      people.write(
        { roomId, channelId: random.chance(0.7) ? 'sms' : 'email', senderId: `ada-${roomId}`, text: `word-${n}` },
        random.between(0, WITHIN_MS),
      );
    }
  },
};
