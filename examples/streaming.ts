/** An answer while it is written: previews for those who watch, one committed event for everybody, and what a gate changes. */
// #region connect
import { Agent, extractText, HookResult, MockAIProvider, RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';
import { MockTransportProvider } from 'roomkit/testing';

// #endregion
const texts = new MockTransportProvider('texts');
const model = new MockAIProvider({ streaming: true, responses: ['Your parcel arrives on Monday.', 'The code is 4711.', 'Your code is 4711.'] });

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: texts }));
kit.registerChannel(new Agent('helper', { provider: model }));
await kit.createRoom({ roomId: 'room' });
for (const channelId of ['web', 'texts', 'helper']) await kit.attachChannel('room', channelId);

// #region connect
await kit.connectWebsocket('web', 'tab-1', (frame) => console.log(`  ${frame.type}`), {
  roomIds: ['room'],
  streamSend: (frame) => {
    switch (frame.type) {
      case 'stream_start':
        return console.log(`  ${frame.source.channelId} writes`);
      case 'stream_chunk':
        return console.log(`  … ${JSON.stringify(frame.delta)}`);
      case 'stream_end':
        return console.log(`  done: ${extractText(frame.event)}`);
      case 'stream_error':
        return console.log(`  withdrawn: ${frame.code}`);
    }
  },
});
// #endregion
const ask = async (content: string): Promise<void> => {
  console.log(content);
  await kit.processInbound({ channelId: 'texts', senderId: '+15550123', content }, { roomId: 'room' });
};

await ask('When does it come?');

// #region preview
// What may be stopped or changed is not shown before the gate has seen all of it.
const stop = kit.hook('before_broadcast', { name: 'no_codes', channelIds: ['helper'] }, (event) => {
  const text = extractText(event);
  return /\d{4}/.test(text) ? HookResult.modify({ ...event, content: { type: 'text', body: text.replace(/\d{4}/, '****') } }) : HookResult.allow();
});
// #endregion
await ask('What is the code?');
stop();

// #region withdrawn
// With preview: true it is shown at once, and withdrawn when the gate refuses it.
kit.hook('before_broadcast', { name: 'no_codes', channelIds: ['helper'], preview: true }, (event) =>
  /\d{4}/.test(extractText(event)) ? HookResult.block('code_in_reply') : HookResult.allow(),
);
// #endregion
await ask('Please, the code');

console.log(`texts got: ${texts.sent.map(({ content }) => extractText(content)).join(' | ')}`);
const last = (await kit.getTimeline('room')).at(-1);
console.log(`kept: ${last?.status} by ${last?.blockedBy}`);

// prints:
// When does it come?
//   event
//   helper writes
//   … "Your"
//   … " parcel"
//   … " arrives"
//   … " on"
//   … " Monday."
//   done: Your parcel arrives on Monday.
// What is the code?
//   event
//   event
// Please, the code
//   event
//   helper writes
//   … "Your"
//   … " code"
//   … " is"
//   … " 4711."
//   withdrawn: blocked
// texts got: Your parcel arrives on Monday. | The code is ****.
// kept: blocked by no_codes
