/** What may happen, in any order. */
import fc from 'fast-check';
import { AGENT_MOODS, AGENTS, CHANNELS, DURABLE, ROOMS, TRANSPORT_MOODS, TRANSPORTS } from './cast.js';

/** What a gate makes of a message. */
export const FATES = ['block', 'modify', 'throw', 'throw_closed', 'hang', 'hang_closed', 'slow', 'aside', 'inject', 'mute_source', 'wrong'] as const;
export type Fate = (typeof FATES)[number];

const STORE_METHODS = [
  'commitEvent',
  'loadRoom',
  'getEvent',
  'getEventByIdempotencyKey',
  'listEvents',
  'updateRow',
  'getRow',
  'listRows',
  'updateTurn',
  'listTurns',
  'claimDue',
  'recordOutcomes',
  'putParticipant',
  '*',
] as const;

const room = fc.constantFrom(...ROOMS);
const channel = fc.constantFrom(...CHANNELS);
const transport = fc.constantFrom(...TRANSPORTS);
/** Undefined most of the time. */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>, oneIn = 5): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const say = fc.record({
  do: fc.constant('say' as const),
  room,
  channel: transport,
  fate: sometimes(fc.constantFrom(...FATES), 2),
  visibility: sometimes(fc.constantFrom('sms', 'transport', 'intelligence', 'bot', 'none', 'pager,aide'), 4),
  addressedTo: sometimes(fc.subarray([...AGENTS]), 2),
  responseVisibility: sometimes(fc.constantFrom('web', 'transport'), 6),
  keyed: fc.boolean(),
  abortAfterMs: sometimes(fc.constantFrom(0, 1000, 10_000), 8),
  patient: fc.boolean(),
});

const event = fc.oneof(
  { weight: 16, arbitrary: say },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send' as const), room, channel, fate: sometimes(fc.constantFrom(...FATES)) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('edit' as const, 'delete' as const), which: fc.nat(50), own: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('attach' as const, 'detach' as const, 'mute' as const, 'unmute' as const), room, channel }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('access' as const),
      room,
      channel,
      access: fc.constantFrom('read_write', 'read_only', 'write_only', 'none'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('visibility' as const),
      room,
      channel,
      visibility: fc.constantFrom('all', 'transport', 'mail', 'internal'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'reopen' as const), room }) },
  {
    weight: 5,
    arbitrary: fc.oneof(
      fc.record({
        do: fc.constant('mood' as const),
        channel: fc.constantFrom('pager' as const, ...DURABLE),
        mood: fc.constantFrom(...TRANSPORT_MOODS),
      }),
      fc.record({ do: fc.constant('mood' as const), channel: fc.constantFrom(...AGENTS), mood: fc.constantFrom(...AGENT_MOODS) }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('away' as const, 'back' as const), channel: fc.constantFrom('pager' as const, ...DURABLE) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('storeFault' as const),
      method: fc.constantFrom(...STORE_METHODS),
      kind: fc.constantFrom('fail' as const, 'delay' as const, 'hang' as const),
      when: fc.constantFrom('before' as const, 'after' as const),
      nth: fc.integer({ min: 1, max: 4 }),
      times: fc.constantFrom(1, 1, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('lockFault' as const),
      what: fc.constantFrom('acquire_fails' as const, 'acquire_delays' as const, 'release_fails' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      method: fc.constantFrom('commitEvent', 'updateRow', 'updateTurn', '*'),
      when: fc.constantFrom('before' as const, 'after' as const),
      nth: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('redeliver' as const, 'cancel' as const), which: fc.nat(20) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 1000, 5000, 21_000, 31_000) }) },
);

export type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** What happens, and how much of the rest goes on before the next: so many turns of the promise queue, or all there is. */
export interface Step {
  readonly event: Event;
  readonly gap: number | 'all';
}

export const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({ event, gap: fc.constantFrom(0, 1, 2, 5, 20, 'all' as const) }), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});
