/** One message in every form a channel can carry: rich in the browser, numbered lines in a text message, parts when it is long. */
// #region rich
import { RoomKit, TransportChannel, ValidationError, WebSocketChannel } from 'roomkit';
import { MockTransportProvider } from 'roomkit/testing';

// #endregion
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

/** What both were sent since the last look. */
function show(what: string): void {
  console.log(what);
  for (const [name, { sent }] of [
    ['texts', texts],
    ['chat', chat],
  ] as const)
    for (const { content } of sent.splice(0)) console.log(`${name.padEnd(5)} | ${JSON.stringify(content)}`);
}

// #region rich
await kit.sendEvent('room', 'web', {
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
show('A choice');

// #region composite
await kit.sendEvent('room', 'web', {
  type: 'composite',
  parts: [
    { type: 'text', body: 'Here it is.' },
    { type: 'media', url: 'https://example.com/door.png', mimeType: 'image/png', filename: 'door.png' },
  ],
});
// #endregion
show('A picture and words');

await kit.sendEvent('room', 'web', { type: 'location', latitude: 48.85, longitude: 2.35, label: 'HQ' });
show('A place');
await kit.sendEvent('room', 'web', 'The engineer rings twice. Please keep the dog inside. He bites nobody, the engineer.');
show('Many words');

// #region invalid
try {
  await kit.sendEvent('room', 'web', { type: 'location', latitude: 91, longitude: 0 });
} catch (error) {
  if (error instanceof ValidationError) console.log(error.message); // content.latitude is 91; give degrees from -90 to 90.
}
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
// content.latitude is 91; give degrees from -90 to 90.
