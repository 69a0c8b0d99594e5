/** Reading requests as strictly as a vendor does. */

/** A request that the vendor refuses, in the vendor's words. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    /** Of vendors that name the parameter. */
    readonly param: string | null = null,
    /** Of vendors that have a code beside the type. */
    readonly code: string | null = null,
  ) {
    super(message);
  }
}

export type Fields = Readonly<Record<string, unknown>>;

/** Whether it is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list, or an empty one for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, or an empty one for anything else. */
export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
