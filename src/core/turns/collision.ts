/** What becomes of a message for an agent whose turn is running (behaviour §17): which policy holds, and which exist. */
import { NotSupportedError, ValidationError } from '../errors.js';
import type { CollisionConfig } from '../models/delivery.js';
import { CollisionPolicy } from '../models/vocabulary.js';

export interface Collision {
  readonly policy: 'queue' | 'reject';
  readonly maxQueued: number;
}

const DEFAULT_MAX_QUEUED = 100;
const SUPPORTED: readonly CollisionPolicy[] = ['queue', 'reject'];

/** Field by field the binding's, else the room's, else the agent's own, else the default. */
export function collisionOf(binding: CollisionConfig | undefined, room: CollisionConfig | undefined, agent: CollisionConfig | undefined): Collision {
  const policy = binding?.policy ?? room?.policy ?? agent?.policy;
  return {
    policy: policy === 'reject' ? 'reject' : 'queue',
    maxQueued: binding?.maxQueued ?? room?.maxQueued ?? agent?.maxQueued ?? DEFAULT_MAX_QUEUED,
  };
}

/** Refuses what makes no sense, and what this version would silently do otherwise. */
export function checkCollision(config: CollisionConfig | undefined): void {
  if (config === undefined) return;
  const { policy } = config;
  if (policy !== undefined && !Object.values(CollisionPolicy).includes(policy)) {
    throw new ValidationError(`collision.policy is ${JSON.stringify(policy)}. Use one of ${SUPPORTED.join(', ')}.`);
  }
  if (policy !== undefined && !SUPPORTED.includes(policy)) {
    throw new NotSupportedError(`collision.policy '${policy}' is not part of this version. Use one of ${SUPPORTED.join(', ')}.`);
  }
  for (const name of ['maxQueued', 'debounceMs', 'leadingDebounceMs'] as const) {
    const value: unknown = config[name];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 0)) {
      throw new ValidationError(`collision.${name} is ${JSON.stringify(value)}. Give a whole number of 0 or more.`);
    }
  }
}
