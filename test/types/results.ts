/** What the kit gives back, and what it is given: fields that are there, and none that are not. */
import { RoomKit } from 'roomkit';
import type {
  Access,
  ConversationState,
  DeliveryResult,
  HandoffResult,
  InboundMessage,
  InboundResult,
  OperationError,
  Participant,
  Room,
  RoomEvent,
  RoomKitOptions,
  TurnResult,
} from 'roomkit';
import type { ChannelType, EphemeralEventType, IdentificationStatus } from 'roomkit';
import type { Equal, Expect } from './assertions.js';

declare const kit: RoomKit;

export type Statements = [
  Expect<Equal<Awaited<ReturnType<RoomKit['processInbound']>>, InboundResult>>,
  Expect<
    Equal<
      InboundResult,
      {
        readonly event?: RoomEvent;
        readonly blocked: boolean;
        readonly duplicate: boolean;
        readonly reason?: string;
        readonly deliveryResults: Readonly<Record<string, DeliveryResult>>;
        readonly turns: readonly TurnResult[];
        readonly error?: OperationError;
      }
    >
  >,
  Expect<Equal<DeliveryResult['status'], 'sent' | 'queued' | 'failed' | 'unknown' | 'skipped'>>,
  Expect<Equal<HandoffResult['accepted'], boolean>>,
  Expect<Equal<Awaited<ReturnType<RoomKit['getRoom']>>, Room>>,
  Expect<Equal<Awaited<ReturnType<RoomKit['getEvent']>>, RoomEvent | null>>,
  Expect<Equal<Access, 'read_write' | 'read_only' | 'write_only' | 'none'>>,
  Expect<Equal<(typeof ChannelType)['WHATSAPP_PERSONAL'], 'whatsapp_personal'>>,
  Expect<Equal<(typeof EphemeralEventType)['TYPING_START'], 'typing_start'>>,
  Expect<Equal<(typeof IdentificationStatus)[keyof typeof IdentificationStatus], IdentificationStatus>>,
  // Phases are an open set: the usual ones are suggested, any string is taken.
  Expect<Equal<'intake' extends ConversationState['phase'] ? true : false, true>>,
  Expect<Equal<string extends ConversationState['phase'] ? true : false, true>>,
];

const { event, blocked, turns, deliveryResults } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi' });
export const outcome: readonly [number | undefined, boolean, readonly string[], string | undefined] = [
  event?.index,
  blocked,
  turns.map((turn) => turn.state),
  deliveryResults['web']?.error?.code,
];

export const options = { maxChainDepth: 3, onUnknown: 'hold', telemetry: { content: false } } satisfies RoomKitOptions;
await using made = new RoomKit(options);
await made.createRoom({ timers: { inactiveAfterSeconds: 300 }, aiConfig: { systemPrompt: 'Help.' } });
await made.attachChannel('room', 'sms', { retryPolicy: { maxRetries: 3, baseDelaySeconds: 1 }, rateLimit: { maxPerSecond: 5 } });
await made.attachChannel('room', 'web', { retryPolicy: null });

// @ts-expect-error 2339: a result has no status; it says blocked, duplicate and reason
export const status = (await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi' })).status;
// @ts-expect-error 18048: there is no event where nothing was stored
export const index = event.index;
// @ts-expect-error 2741: a message says who sent it
export const anonymous: InboundMessage = { channelId: 'web', content: 'Hi' };
// @ts-expect-error 2561: fields are camelCase
export const snake: InboundMessage = { channel_id: 'web', senderId: 'ada', content: 'Hi' };

// Options that do not exist, or not so
// @ts-expect-error 2561: lockManager
new RoomKit({ lock_manager: undefined });
// @ts-expect-error 2353: no such option
new RoomKit({ debug: true });
// @ts-expect-error 2322: seconds are numbers
new RoomKit({ hookTimeoutSeconds: '30' });
// @ts-expect-error 2322: resend or hold
new RoomKit({ onUnknown: 'drop' });
// @ts-expect-error 2740: a store is more than a map
new RoomKit({ store: new Map() });
// @ts-expect-error 2561: roomId
await kit.createRoom({ room_id: 'room' });
// @ts-expect-error 2322: seconds, not words
await kit.createRoom({ timers: { inactiveAfterSeconds: '5m' } });
// @ts-expect-error 2322: no such category
await kit.attachChannel('room', 'web', { category: 'agent' });
// @ts-expect-error 2353: a policy counts retries
await kit.attachChannel('room', 'web', { retryPolicy: { retries: 3 } });
// @ts-expect-error 2345: no such access
await kit.setAccess('room', 'web', 'read');
// @ts-expect-error 2345: no such framework event
kit.on('room_opened', () => undefined);

// What is given out is read-only
// @ts-expect-error 2540: change a room with the kit
(await kit.getRoom('room')).status = 'closed';
// @ts-expect-error 2542: nor its metadata
(await kit.getRoom('room')).metadata['vip'] = true;
export const renamed = (who: Participant): Participant => ({ ...who, displayName: 'Ada' });
