/** Calls of tools that wait for a person: in what order, how long they are valid, what came of them, and what is to be run. */
import type { Approval, WireEvent } from '../types.js';

/** The ids of the approvals an entry of the timeline asks for; none for every other event. */
export function requestedIn({ content, metadata }: WireEvent): readonly string[] {
  // Where only hosts see it, the entry is plain; where people do, it has buttons and says in its metadata what it is about.
  const data =
    content.type === 'system'
      ? content.code === 'approval_requested'
        ? (content.data ?? {})
        : {}
      : metadata['code'] === 'approval_requested'
        ? metadata
        : {};
  const { approvals } = data;
  if (!Array.isArray(approvals)) return [];
  return approvals.flatMap((one: unknown) =>
    typeof one === 'object' && one !== null && 'approval_id' in one && typeof one.approval_id === 'string' ? [one.approval_id] : [],
  );
}

/** What waits, the first to expire first. */
export function pendingOf(approvals: Iterable<Approval>): Approval[] {
  return [...approvals]
    .filter(({ state }) => state === 'pending')
    .sort((a, b) => (a.expiresAt < b.expiresAt ? -1 : a.expiresAt > b.expiresAt ? 1 : 0));
}

/** `valid for 3 h`, `valid for 40 s`; once its time is over, `expired`. */
export function validity({ expiresAt }: Pick<Approval, 'expiresAt'>, now: number): string {
  const seconds = Math.ceil((Date.parse(expiresAt) - now) / 1000);
  if (seconds <= 0) return 'expired';
  if (seconds < 100) return `valid for ${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `valid for ${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `valid for ${hours} h` : `valid for ${Math.round(hours / 24)} days`;
}

/** What became of it, in words: `approved by sam, with changed arguments`. */
export function outcomeOf({ state, resolvedBy, approvedArguments, reason }: Approval): string {
  const by = resolvedBy === undefined || resolvedBy === 'system' ? '' : ` by ${resolvedBy}`;
  const how = approvedArguments === undefined ? '' : ', with changed arguments';
  const why = reason === undefined || reason === '' ? '' : `: ${reason}`;
  return `${state}${by}${how}${why}`;
}

export type Parsed = { readonly value: Readonly<Record<string, unknown>> } | { readonly problem: string };

/** Changed arguments as somebody wrote them. */
export function parseArguments(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `This is no JSON yet: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: 'Arguments are an object: { "name": value }.' };
  return { value: value as Record<string, unknown> };
}
