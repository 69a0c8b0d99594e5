/** Hooks are typed by their trigger: what a handler is given, and what it may answer. */
import {
  HookResult,
  HookTrigger,
  IdentityHookResult,
  type DeliveryStatus,
  type ErrorNotice,
  type GateTrigger,
  type HookContext,
  type HookPayload,
  type HookReturn,
  type IdentityResult,
  type NoticeTrigger,
  type ProtocolTrace,
  type RoomEvent,
  type RoomKit,
  type ToolUseEvent,
  type TranscriptionEvent,
} from 'roomkit';
import type { Equal, Expect } from './assertions.js';

declare const kit: RoomKit;
declare const status: DeliveryStatus;

export type Statements = [
  Expect<Equal<HookPayload<'before_broadcast'>, RoomEvent>>,
  Expect<Equal<HookPayload<'before_tts'>, string>>,
  Expect<Equal<HookPayload<'on_delivery_status'>, DeliveryStatus>>,
  Expect<Equal<HookPayload<'on_error'>, ErrorNotice>>,
  Expect<Equal<HookPayload<'on_protocol_trace'>, ProtocolTrace>>,
  Expect<Equal<HookPayload<'before_tool_use'>, ToolUseEvent>>,
  Expect<Equal<HookReturn<'before_broadcast'>, HookResult<RoomEvent>>>,
  Expect<Equal<HookReturn<'on_transcription'>, HookResult<TranscriptionEvent | string>>>,
  Expect<Equal<HookReturn<'after_broadcast'>, void>>,
  Expect<Equal<GateTrigger & NoticeTrigger, never>>,
  Expect<Equal<GateTrigger | NoticeTrigger, HookTrigger>>,
  Expect<
    Equal<
      GateTrigger,
      | 'before_broadcast'
      | 'on_identity_ambiguous'
      | 'on_identity_unknown'
      | 'on_transcription'
      | 'before_tts'
      | 'on_recording_started'
      | 'on_realtime_tool_call'
      | 'before_tool_use'
    >
  >,
];

// Gates decide, at once or with a promise; both spellings of a trigger are the same.
kit.hook('before_broadcast', () => HookResult.allow());
kit.hook(HookTrigger.BEFORE_BROADCAST, async (event, context) => {
  const { room, signal }: HookContext = context;
  return event.content.type === 'text' && room.status === 'active' && !signal.aborted
    ? HookResult.modify({ ...event, content: { ...event.content, body: event.content.body.trim() } })
    : HookResult.block('not_text', { tasks: [{ title: 'Look' }] });
});
kit.hook('before_tts', (text) => HookResult.modify(text.toUpperCase()));
kit.hook('on_transcription', (words) => HookResult.modify(words.text));
kit.hook('on_recording_started', () => undefined);

// Notices watch; what they return is nothing.
kit.hook('on_delivery_status', ({ provider, messageId }) => void [provider, messageId]);
kit.hook('after_broadcast', { name: 'audit', priority: 5, directions: ['inbound'] }, async () => undefined);

// Observers of a gate decide nothing, and may return anything.
kit.hook('before_broadcast', { execution: 'async' }, () => 7);

// Identity hooks answer with their own result, or leave it to the next.
kit.hook('on_identity_unknown', (event) => (event.source.participantId === undefined ? null : IdentityHookResult.pending()));
kit.hook('on_identity_ambiguous', (_event, _context, found: IdentityResult) => {
  const [first] = found.candidates ?? [];
  return first === undefined ? undefined : IdentityHookResult.resolved(first);
});

// Payloads of the wrong trigger
// @ts-expect-error 2339: a room event has no text of its own
kit.hook('before_broadcast', (event) => HookResult.block(event.text));
// @ts-expect-error 2339: a delivery status is no event
kit.hook('on_delivery_status', (event) => void event.content);
// @ts-expect-error 2345: the handler wants a string where the trigger gives an event
kit.hook('before_broadcast', (text: string) => HookResult.block(text));
// @ts-expect-error 2345: only identity hooks have a third argument
kit.hook('before_broadcast', (_event, _context, found: IdentityResult) => HookResult.block(found.status));

// Verdicts where none is asked for, and none where one is
// @ts-expect-error 2322: a notice cannot block
kit.hook('after_broadcast', () => HookResult.block('late'));
// @ts-expect-error 2322: nor can an asynchronous one
kit.hook('on_room_closed', async () => HookResult.allow());
// @ts-expect-error 2322: a gate has to decide
kit.hook('before_broadcast', () => undefined);
// @ts-expect-error 2322: true is no verdict
kit.hook('before_tool_use', () => true);
// @ts-expect-error 2322: an identity gate answers with an IdentityHookResult
kit.hook('on_identity_unknown', () => HookResult.allow());

// Modifications of another type
// @ts-expect-error 2322: an event cannot become a string
kit.hook('before_broadcast', () => HookResult.modify('text'));
// @ts-expect-error 2322: words to be spoken stay words
kit.hook('before_tts', () => HookResult.modify(7));
// @ts-expect-error 2322: a tool call cannot become a delivery status
kit.hook('before_tool_use', () => HookResult.modify(status));
// @ts-expect-error 2322: half an event is none
kit.hook('before_broadcast', (event) => HookResult.modify({ content: event.content }));
// @ts-expect-error 2540: payloads are read-only (HK-11)
kit.hook('before_broadcast', (event) => HookResult.modify(((event.status = 'read'), event)));

// Triggers and options that do not exist
// @ts-expect-error 2345: no such trigger
kit.hook('before_sending', () => HookResult.allow());
// @ts-expect-error 2561: options are camelCase
kit.hook('before_broadcast', { channel_types: ['sms'] }, () => HookResult.allow());
// @ts-expect-error 2322: no such channel type
kit.hook('before_broadcast', { channelTypes: ['pigeon'] }, () => HookResult.allow());
// @ts-expect-error 2554: a block says why
HookResult.block();
// @ts-expect-error 2673: verdicts are made by allow, block and modify
new HookResult('allow', undefined, undefined, undefined);

// Notices are what a host may fire
// @ts-expect-error 2345: gates are fired by the kit alone
await kit.fireHook('before_broadcast', {} as RoomEvent, 'room');
