/** A tool that answers later (LTR-01): the model goes on, and is asked again when the answer is there. */
import { ValidationError } from '../../core/errors.js';

const ACCEPTED: unique symbol = Symbol('roomkit.accepted');

/** How a tool says that its answer comes later. */
export interface AcceptedOptions {
  /** What the model is told now. */
  readonly message: string;
  /** So long the answer is waited for; default a day. */
  readonly expiresInSeconds?: number;
}

/** What {@link accepted} gives back; a tool returns it. */
export interface Accepted {
  readonly [ACCEPTED]: Required<AcceptedOptions>;
}

const DAY_SECONDS = 86_400;

/**
 * What a tool returns whose answer comes later: hand `context.idempotencyKey` to whoever will have it, and give it to the kit
 * with `kit.completeTask(thatKey, { result })`, from any process.
 */
export function accepted({ message, expiresInSeconds = DAY_SECONDS }: AcceptedOptions): Accepted {
  if (typeof message !== 'string' || message === '')
    throw new ValidationError("accepted() needs a message for the model: accepted({ message: 'Ordered; it takes an hour.' }).");
  if (!(Number.isFinite(expiresInSeconds) && expiresInSeconds > 0)) {
    throw new ValidationError(`expiresInSeconds is ${String(expiresInSeconds)}. Give seconds above 0; default ${DAY_SECONDS}.`);
  }
  return Object.freeze({ [ACCEPTED]: Object.freeze({ message, expiresInSeconds }) });
}

/** Whether a tool answers later, and how. */
export function acceptedBy(value: unknown): Required<AcceptedOptions> | undefined {
  if (typeof value !== 'object' || value === null || !(ACCEPTED in value)) return undefined;
  return (value as Accepted)[ACCEPTED]; // checked in the line above
}
