/** Looking inside: the trace of one event, spans and metrics, framework events, protocol traces, logs. */
// #region kit
import { Agent, HookResult, MockAIProvider, RoomKit, StderrLogger, TransportChannel, WebSocketChannel } from 'roomkit';
import { MockTelemetryProvider } from 'roomkit/testing';

const telemetry = new MockTelemetryProvider(); // new ConsoleTelemetryProvider() prints instead
await using kit = new RoomKit({
  telemetry: { provider: telemetry, sampleRate: 1, metadata: { service: 'help-desk' } },
  logger: new StderrLogger('error'), // without it ROOMKIT_LOG decides: debug, info, warn, error, silent
  traceEvents: 1000,
});
// #endregion
kit.registerChannel(new WebSocketChannel('web'));
const texts = new TransportChannel('texts', {
  channelType: 'sms',
  provider: {
    name: 'gateway',
    send: ({ event }) => {
      // #region protocol
      texts.emitTrace({
        roomId: event.roomId,
        direction: 'outbound',
        protocol: 'http',
        summary: 'POST /messages → 201',
        timestamp: new Date().toISOString(),
      });
      // #endregion
      return { success: true };
    },
  },
});
kit.registerChannel(texts);
const model = new MockAIProvider({ script: [{ toolCalls: [{ id: '1', name: 'look_up', arguments: {} }] }, 'On its way.'] });
kit.registerChannel(new Agent('helper', { provider: model, tools: [{ name: 'look_up', description: 'Finds a parcel.', handler: () => 'found' }] }));
kit.registerChannel(new Agent('quiet', { provider: new MockAIProvider() }));

// #region events
for (const type of ['room_created', 'event_blocked', 'delivery_succeeded', 'hook_error'] as const) {
  kit.on(type, ({ channelId, data }) => console.log(`event ${type}${channelId === undefined ? '' : ` ${channelId}`} ${JSON.stringify(data)}`));
}
kit.hook('on_protocol_trace', ({ channelId, direction, summary }) => console.log(`wire ${channelId} ${direction}: ${summary}`));
// #endregion

await kit.createRoom({ roomId: 'room', agentResponsePolicy: 'addressed_only' });
for (const channelId of ['web', 'texts', 'helper', 'quiet']) await kit.attachChannel('room', channelId);
await kit.setVisibility('room', 'quiet', 'none');
kit.hook('before_broadcast', { name: 'no_cards', channelTypes: ['websocket'] }, ({ content }) =>
  content.type === 'text' && /\d{16}/.test(content.body) ? HookResult.block('card_number') : HookResult.allow(),
);
kit.hook('before_broadcast', { name: 'faulty', channelTypes: ['websocket'] }, () => {
  throw new Error('oops'); // open: the message passes, and hook_error tells
});

const say = (content: string) => kit.processInbound({ channelId: 'web', senderId: 'ada', content, addressedTo: ['helper'] }, { roomId: 'room' });
const heard = await say('Where is my parcel?');
await say('My card is 4111111111111111');
await kit.background(async () => undefined); // lets what watches finish, so that this story prints in order

// #region trace
const trace = kit.getTrace(heard.event?.id ?? '');
for (const { hook, verdict } of trace?.hooks ?? []) console.log(`hook ${hook}: ${verdict}`);
for (const { channelId, decision } of trace?.targets ?? []) console.log(`target ${channelId}: ${decision}`);
for (const { channelId, attempt, code } of trace?.deliveries ?? []) console.log(`delivery ${channelId} attempt ${attempt}: ${code}`);
for (const { channelId, kind, name, tokens } of trace?.turnSteps ?? [])
  console.log(`turn ${channelId}: ${kind} ${name} ${JSON.stringify(tokens ?? {})}`);
// #endregion

// #region spans
const print = (parentId: string | undefined, indent: string): void => {
  for (const { id, kind, name, options, end } of telemetry.spans.filter((span) => span.options.parentId === parentId)) {
    console.log(`${indent}${kind} ${name}${options.channelId === undefined ? '' : ` of ${options.channelId}`}: ${end?.status}`);
    print(id, `${indent}  `);
  }
};
const [inbound] = telemetry.of('framework.inbound');
console.log(`${inbound?.kind} ${inbound?.name} of ${inbound?.options.channelId}: ${inbound?.end?.status}`);
print(inbound?.id, '  ');
console.log(`metrics: ${[...new Set(telemetry.metrics.map(({ name }) => name))].sort().join(', ')}`);
// #endregion

// prints:
// event room_created {}
// event hook_error {"hook":"faulty","trigger":"before_broadcast","error":"oops"}
// wire texts outbound: POST /messages → 201
// event delivery_succeeded texts {"attempts":1}
// event delivery_succeeded web {"attempts":1}
// wire texts outbound: POST /messages → 201
// event delivery_succeeded texts {"attempts":1}
// event event_blocked web {"reason":"card_number","blocked_by":"no_cards"}
// hook no_cards: allow
// hook faulty: failed
// target web: source
// target texts: delivery
// target helper: turn
// target quiet: not_solicited
// delivery texts attempt 1: sent
// turn helper: generation mock-model {"input_tokens":10,"output_tokens":5}
// turn helper: tool look_up {}
// turn helper: generation mock-model {"input_tokens":10,"output_tokens":5}
// framework.inbound inbound of web: ok
//   hook.sync no_cards: ok
//   hook.sync faulty: error
//   framework.broadcast broadcast: ok
//     framework.delivery delivery of texts: ok
//       hook.async on_protocol_trace#1: ok
//   framework.turn turn of helper: ok
//     llm.generate mock-model of helper: ok
//       llm.tool_call look_up of helper: ok
//     llm.generate mock-model of helper: ok
//     framework.broadcast broadcast: ok
//       framework.delivery delivery of web: ok
//       framework.delivery delivery of texts: ok
//         hook.async on_protocol_trace#1: ok
// metrics: gen_ai.client.operation.duration, gen_ai.client.token.usage, gen_ai.execute_tool.duration, roomkit.delivery.duration_ms, roomkit.llm.ttfb_ms
