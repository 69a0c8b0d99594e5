/** Rooms as the scenarios need them: WebSocket channels whose connections count what they get. */
import { RoomKit, WebSocketChannel, type InboundResult, type WebSocketChannelOptions } from 'roomkit';
import { BODY } from './harness.js';

/** Counts deliveries: the connections of ours and of the ceiling are the same function. */
export class Counter {
  delivered = 0;

  readonly send = async (): Promise<void> => {
    this.delivered++;
  };
}

/** A channel with one connection that hears these rooms. */
export function addChannel(
  kit: RoomKit,
  id: string,
  roomIds: readonly string[],
  counter: Counter,
  options?: WebSocketChannelOptions,
): WebSocketChannel {
  const channel = new WebSocketChannel(id, options);
  kit.registerChannel(channel);
  channel.registerConnection(`${id}-connection`, counter.send, { roomIds });
  return channel;
}

export async function addRoom(kit: RoomKit, roomId: string, channelIds: readonly string[]): Promise<void> {
  await kit.createRoom({ roomId });
  for (const id of channelIds) await kit.attachChannel(roomId, id);
}

/** `ws-0` and so many others in `room-0`. */
export async function kitWithTargets(targets: number, counter: Counter, options?: WebSocketChannelOptions): Promise<RoomKit> {
  const kit = new RoomKit();
  const ids = Array.from({ length: targets + 1 }, (_, n) => `ws-${n}`);
  for (const id of ids) addChannel(kit, id, ['room-0'], counter, options);
  await addRoom(kit, 'room-0', ids);
  return kit;
}

/** One message after another into `room-0`. */
export async function sendInOrder(kit: RoomKit, messages: number): Promise<void> {
  for (let n = 0; n < messages; n++) {
    assertHeard(await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' }));
  }
}

export function assertHeard(result: InboundResult): void {
  if (result.blocked) throw new Error(`A message was blocked: ${result.reason ?? 'for no reason'}.`);
}
