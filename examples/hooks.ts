/** Hooks: stopping, changing, watching, ordering, failing, for one room only, with side effects, and around tools. */
import { setTimeout } from 'node:timers/promises';
// #region gate
import { extractText, HookResult, RoomKit, WebSocketChannel } from 'roomkit';

// #endregion
// #region tools
import { Agent, defineTool, MockAIProvider } from 'roomkit';

// #endregion
// #region gate
const kit = new RoomKit();
for (const id of ['customer', 'desk']) kit.registerChannel(new WebSocketChannel(id));
await kit.ensureRoom({ roomId: 'room-1' });
for (const id of ['customer', 'desk']) await kit.attachChannel('room-1', id);

kit.hook('before_broadcast', { name: 'no_cards' }, (event) => {
  const text = extractText(event);
  if (/\d{16}/.test(text)) return HookResult.block('card_number');
  const masked = text.replace(/\S+@\S+/g, '[address]');
  return masked === text ? HookResult.allow() : HookResult.modify({ ...event, content: { type: 'text', body: masked } });
});
// #endregion

const say = (content: string, roomId = 'room-1') => kit.processInbound({ channelId: 'customer', senderId: 'ada', content }, { roomId });

// #region outcome
const masked = await kit.processInbound({ channelId: 'customer', senderId: 'ada', content: 'I am ada@example.com' }, { roomId: 'room-1' });
console.log(extractText(masked.event!));

const stopped = await kit.processInbound({ channelId: 'customer', senderId: 'ada', content: '4111111111111111' }, { roomId: 'room-1' });
console.log(`reason: ${stopped.reason}, blocked by: ${stopped.event?.blockedBy}`);
// #endregion

// #region notice
kit.hook('after_broadcast', (event) => {
  console.log(`${event.source.channelId} was heard: ${extractText(event)}`);
});
kit.hook('on_channel_muted', (event, { bindings }) => {
  const muted = bindings.filter((binding) => binding.muted).map(({ channelId }) => channelId);
  console.log(`muted since index ${event.index}: ${muted.join(', ')}`);
});
// #endregion
await say('Hello!');
await kit.mute('room-1', 'customer');
await kit.unmute('room-1', 'customer');

// #region observe
kit.hook('before_broadcast', { name: 'count_words', execution: 'async' }, (event) => {
  console.log(`${extractText(event).split(' ').length} words`); // what the gates have made of it, and only if they let it pass
});
// #endregion
await say('Write to ada@example.com please');

// #region filters
kit.hook('before_broadcast', { name: 'desk_is_polite', channelIds: ['desk'], directions: ['inbound'], priority: -10 }, (event) =>
  /please/i.test(extractText(event)) ? HookResult.allow() : HookResult.block('be_polite'),
);
// #endregion
console.log((await kit.processInbound({ channelId: 'desk', senderId: 'sam', content: 'Wait.' }, { roomId: 'room-1' })).reason);

// #region failure
const off = kit.hook('before_broadcast', { name: 'scanner', failure: 'closed', timeoutSeconds: 0.2 }, async (event, { signal }) => {
  const clean = await scan(extractText(event), signal);
  return clean ? HookResult.allow() : HookResult.block('not_clean');
});
// #endregion
async function scan(_text: string, signal: AbortSignal): Promise<boolean> {
  return setTimeout(60_000, true, { signal }); // a service that takes a minute today
}
console.log((await say('Is it clean?')).reason);
// #region remove
off();
kit.removeHook('desk_is_polite'); // all hooks of that name
// #endregion

// #region room
await kit.ensureRoom({ roomId: 'quiet-room' });
kit.addRoomHook('quiet-room', 'before_broadcast', { name: 'silence' }, () => HookResult.block('silence'));
// #endregion
console.log((await say('Psst', 'quiet-room')).reason, (await say('Psst')).reason ?? 'was heard');

// #region effects
kit.hook('before_broadcast', { name: 'complaints' }, (event) =>
  /complain/i.test(extractText(event))
    ? HookResult.allow({
        tasks: [{ title: 'Call back' }],
        observations: [{ content: 'The customer is unhappy', category: 'mood', confidence: 0.8 }],
        metadata: { mood: 'low' },
        injectedEvents: [{ event: { content: 'Somebody will call you back.' }, targetChannelIds: ['customer'] }],
      })
    : HookResult.allow(),
);
// #endregion
await say('I want to complain');
const tasks = await kit.listTasks('room-1');
console.log(
  tasks.map(({ title }) => title),
  (await kit.getRoom('room-1')).metadata,
);

// #region tools
const refund = defineTool({
  name: 'refund',
  description: 'Pays money back',
  parameters: { type: 'object', properties: { euros: { type: 'number' } }, required: ['euros'] },
  handler: ({ euros }) => `refunded ${euros} euros`,
});

kit.hook('before_tool_use', { name: 'small_refunds' }, (call) =>
  call.tool === 'refund' && Number(call.arguments.euros) > 100 ? HookResult.block('over_100_euros') : HookResult.allow(),
);
kit.hook('on_tool_call', (call) => {
  console.log(`${call.tool} → ${call.isError ? 'refused or failed' : 'ran'}`);
});
// #endregion
kit.registerChannel(
  new Agent('clerk', {
    tools: [refund],
    provider: new MockAIProvider({
      script: [
        {
          toolCalls: [
            { id: '1', name: 'refund', arguments: { euros: 40 } },
            { id: '2', name: 'refund', arguments: { euros: 400 } },
          ],
        },
        'I paid back what I may.',
      ],
    }),
  }),
);
await kit.attachChannel('room-1', 'clerk');
await say('Money back!');
await kit.close();

// prints:
// I am [address]
// reason: card_number, blocked by: no_cards
// customer was heard: Hello!
// muted since index 5: customer
// 4 words
// customer was heard: Write to [address] please
// be_polite
// hook_failed
// 1 words
// customer was heard: Psst
// silence was heard
// 4 words
// customer was heard: I want to complain
// [ 'Call back' ] { mood: 'low' }
// 2 words
// customer was heard: Money back!
// refund → ran
// 6 words
// clerk was heard: I paid back what I may.
// roomkit warn: A hook timed out. hook=scanner trigger=before_broadcast roomId=room-1 error=Hook 'scanner' on before_broadcast did not answer within 0.2 s.
