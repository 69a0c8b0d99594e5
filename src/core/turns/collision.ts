/** What becomes of a message for an agent whose turn is running (behaviour §17): which policy holds, and with which measures. */
import { ValidationError } from '../errors.js';
import type { CollisionConfig } from '../models/delivery.js';
import type { EventSource } from '../models/event.js';
import { CollisionPolicy } from '../models/vocabulary.js';

export interface Collision {
  readonly policy: CollisionPolicy;
  readonly debounceMs: number;
  readonly leadingDebounceMs: number;
  readonly maxQueued: number;
}

const DEFAULT: Collision = Object.freeze({ policy: 'queue', debounceMs: 800, leadingDebounceMs: 0, maxQueued: 100 });
/** A caller who speaks while the agent answers wants to be heard (VTD-06). */
const SPOKEN: Collision = Object.freeze({ ...DEFAULT, policy: 'interrupt' });
/** Who collects waits at most so many times as long as for one message more (COL-02). */
export const MOST_DEBOUNCES = 10;

/** Where something about collisions may be said, the strongest first. */
export interface CollisionLayers {
  readonly binding: CollisionConfig | undefined;
  readonly room: CollisionConfig | undefined;
  readonly agent: CollisionConfig | undefined;
}

/** Field by field the binding's, else the room's, else the agent's own, else the default. Messages of other agents always queue (COL-06). */
export function collisionOf({ binding, room, agent }: CollisionLayers, source: Pick<EventSource, 'channelType'>): Collision {
  const { channelType } = source;
  const otherwise = channelType === 'voice' || channelType === 'realtime_voice' ? SPOKEN : DEFAULT;
  if (binding === undefined && room === undefined && agent === undefined) return otherwise;
  const given = <Name extends keyof CollisionConfig>(name: Name): NonNullable<CollisionConfig[Name]> =>
    binding?.[name] ?? room?.[name] ?? agent?.[name] ?? otherwise[name]; // the default has every field
  return {
    policy: channelType === 'ai' ? 'queue' : given('policy'),
    debounceMs: given('debounceMs'),
    leadingDebounceMs: given('leadingDebounceMs'),
    maxQueued: given('maxQueued'),
  };
}

/** Refuses what makes no sense. */
export function checkCollision(config: CollisionConfig | undefined): void {
  if (config === undefined) return;
  const { policy } = config;
  const known = Object.values(CollisionPolicy);
  if (policy !== undefined && !known.includes(policy)) {
    throw new ValidationError(`collision.policy is ${JSON.stringify(policy)}. Use one of ${known.join(', ')}.`);
  }
  for (const name of ['maxQueued', 'debounceMs', 'leadingDebounceMs'] as const) {
    const value: unknown = config[name];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 0)) {
      throw new ValidationError(`collision.${name} is ${JSON.stringify(value)}. Give a whole number of 0 or more.`);
    }
  }
}
