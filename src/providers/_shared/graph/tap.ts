/** What a button carries at the vendor's, so that a tap brings back its id and its value (§3.1). */

/** What is tapped. */
export interface Tap {
  readonly id: string;
  readonly value?: string;
}

/** The id alone where the button has no value; both as JSON where it has one and the vendor has room for it. */
export function tapPayload({ id, value }: Tap, maxLength: number): string {
  if (value === undefined || value === id) return id;
  const both = JSON.stringify({ id, value });
  return both.length <= maxLength ? both : id;
}

/** The same, read back. What is no such JSON is an id. */
export function tapOf(payload: string): Tap {
  if (!payload.startsWith('{"id":')) return { id: payload };
  try {
    const { id, value } = JSON.parse(payload) as { id?: unknown; value?: unknown };
    return typeof id === 'string' && typeof value === 'string' ? { id, value } : { id: payload };
  } catch {
    return { id: payload };
  }
}
