/** What many routes take: ids, numbers of a query string, metadata, and the problem that every refusal is answered with. */
import { z } from 'zod';
import { checkMetadata, RoomKitError } from '../../core/index.js';

/** 1 to 255 characters, none of them a control character (CON-04). */
export const id = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'holds control characters');

/** ISO-8601 UTC. */
export const time = z.string().meta({ format: 'date-time' });

/** A text of a person, such as a reason. */
export function text(most: number): z.ZodString {
  return z.string().max(most);
}

/** A whole number written in the digits of a query string. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'is no whole number')
    .transform(Number)
    .pipe(z.number().int().min(least).max(most));
}

/** `true` or `false` in a query string. */
export const flag: z.ZodType<boolean, string> = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .pipe(z.boolean());

/** Open JSON; keys are snake_case. */
export const json = z.record(z.string(), z.unknown());

/** Metadata of an event: at most 64 KiB. */
export const eventMetadata = json.refine(isMetadata, 'is larger than 64 KiB or nested too deep');

/** Metadata of a room, binding or participant from outside: keys that start with `_` are the kit's own. */
export const metadata = eventMetadata.refine(
  (given) => !Object.keys(given).some((key) => key.startsWith('_')),
  "has keys that start with '_', which are the kit's own",
);

/** A shallow merge; `null` removes a key, as in RFC 7396. */
export const metadataPatch = metadata.transform((given) =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [key, value === null ? undefined : value])),
);

/** Counts by name: tokens, states. */
export const counts = z.record(z.string(), z.number());

/** RFC 9457; `code` is for programs, `detail` says how to mend it. */
export const Problem = z
  .object({
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    requestId: z.string(),
  })
  .meta({ id: 'Problem', description: 'Why a request was refused.' });

function isMetadata(given: unknown): boolean {
  try {
    checkMetadata(given);
    return true;
  } catch (error) {
    if (error instanceof RoomKitError) return false;
    throw error;
  }
}
