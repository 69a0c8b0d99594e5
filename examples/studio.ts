/** Studio beside a kit of your own: open the address it prints. `PORT=0` takes any free port. */
import { extractText, HookResult } from 'roomkit';
// #region look
import { RoomKit, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';

const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
await kit.ensureRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web');

const server = await serve(kit, { port: Number(process.env.PORT ?? 4170), studio: true });
console.log(`Open ${server.url}/studio/`);
// #endregion look

// #region slow
kit.hook('before_broadcast', { name: 'look_up_customer' }, async () => {
  await kit.clock.sleep(300); // a system that takes its time
  return HookResult.allow();
});
kit.hook('before_broadcast', { name: 'spam_filter' }, (event) =>
  /won a cruise/.test(extractText(event)) ? HookResult.block('spam') : HookResult.allow(),
);
const slow = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is my parcel?' }, { roomId: 'room-1' });
const stopped = await kit.processInbound({ channelId: 'web', senderId: 'promo', content: 'You have won a cruise!' }, { roomId: 'room-1' });
// #endregion slow

const link = (event: typeof slow.event): string => `${server.url}/studio/#/rooms/room-1?event=${event?.index}&inspect=event`;
console.log(`Why slow: ${link(slow.event)}`);
console.log(`Why blocked: ${link(stopped.event)}`);
const shell = await fetch(`${server.url}/studio/`);
console.log(`Studio answers ${shell.status}`);

// An example ends by itself; yours stays.
await server.close();
await kit.close();

// prints:
// Open http://127.0.0.1:…/studio/
// Why slow: http://127.0.0.1:…/studio/#/rooms/room-1?event=1&inspect=event
// Why blocked: http://127.0.0.1:…/studio/#/rooms/room-1?event=2&inspect=event
// Studio answers 200
