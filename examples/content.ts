/** One message in every form a channel can carry: rich in the browser, numbered lines in a text message, parts when it is long. */
import { RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';
import type { EventContent } from 'roomkit';
import { MockTransportProvider } from 'roomkit/testing';

const texts = new MockTransportProvider('texts');
const chat = new MockTransportProvider('chat');
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: texts, capabilities: { maxLength: 40, overflow: 'split' } }));
// #region capabilities
kit.registerChannel(
  new TransportChannel('chat', {
    channelType: 'messenger',
    provider: chat,
    capabilities: { mediaTypes: ['text', 'rich', 'media'], maxLength: 2000, supportsButtons: true, maxButtons: 2, supportsMedia: true },
  }),
);
// #endregion
await kit.createRoom({ roomId: 'room' });
for (const channelId of ['web', 'texts', 'chat']) await kit.attachChannel('room', channelId);

async function say(content: EventContent | string): Promise<void> {
  texts.sent.length = 0;
  chat.sent.length = 0;
  await kit.sendEvent('room', 'web', content);
  for (const { content } of texts.sent) console.log(`texts | ${JSON.stringify(content)}`);
  for (const { content } of chat.sent) console.log(`chat  | ${JSON.stringify(content)}`);
}

console.log('A choice');
// #region rich
await say({
  type: 'rich',
  body: 'When shall we **come**?',
  plainText: 'When shall we come?',
  buttons: [
    { id: 'mon', label: 'Monday', kind: 'reply', value: '2026-03-02' },
    { id: 'tue', label: 'Tuesday', kind: 'reply', value: '2026-03-03' },
    { id: 'site', label: 'More', kind: 'url', url: 'https://example.com' },
  ],
});
// #endregion

console.log('A picture and words');
// #region composite
await say({
  type: 'composite',
  parts: [
    { type: 'text', body: 'Here it is.' },
    { type: 'media', url: 'https://example.com/door.png', mimeType: 'image/png', filename: 'door.png' },
  ],
});
// #endregion

console.log('A place');
await say({ type: 'location', latitude: 48.85, longitude: 2.35, label: 'HQ' });

console.log('Many words');
await say('The engineer rings twice. Please keep the dog inside. He bites nobody, the engineer.');

console.log('What cannot be');
// #region invalid
await say({ type: 'location', latitude: 91, longitude: 0 }).catch((error: Error) => console.log(error.message));
// #endregion

// prints:
// A choice
// texts | {"type":"text","body":"When shall we come?\n1. Monday\n2. Tuesday"}
// texts | {"type":"text","body":"3. More: https://example.com"}
// chat  | {"type":"rich","body":"When shall we **come**?\n1. More: https://example.com","plainText":"When shall we come?\n1. More: https://example.com","buttons":[{"id":"mon","label":"Monday","kind":"reply","value":"2026-03-02"},{"id":"tue","label":"Tuesday","kind":"reply","value":"2026-03-03"}]}
// A picture and words
// texts | {"type":"text","body":"Here it is.\n[Media: door.png]"}
// chat  | {"type":"composite","parts":[{"type":"text","body":"Here it is."},{"type":"media","url":"https://example.com/door.png","mimeType":"image/png","filename":"door.png"}]}
// A place
// texts | {"type":"text","body":"[Location: HQ (48.85, 2.35)]"}
// chat  | {"type":"text","body":"[Location: HQ (48.85, 2.35)]"}
// Many words
// texts | {"type":"text","body":"The engineer rings twice."}
// texts | {"type":"text","body":"Please keep the dog inside."}
// texts | {"type":"text","body":"He bites nobody, the engineer."}
// chat  | {"type":"text","body":"The engineer rings twice. Please keep the dog inside. He bites nobody, the engineer."}
// What cannot be
// content.latitude is 91; give degrees from -90 to 90.
