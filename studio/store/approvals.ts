/** Calls of tools that wait for a person, in all rooms: kept up to date, and answered once. */
import { computed, effect, signal, untracked } from '@preact/signals';
import { api, ApiError } from '../api.js';
import { pendingOf } from '../logic/approvals.js';
import type { Approval, ServerFrame } from '../types.js';
import { complain, tell } from '../view/notices.js';
import { generation, hear } from './host.js';

/** What waits, and what of it was answered since this page was opened or belongs to a room that was. */
export const approvals = signal<ReadonlyMap<string, Approval>>(new Map());
export const pending = computed(() => pendingOf(approvals.value.values()));
/** Those whose answer is on its way: nothing is pressed twice. */
export const answering = signal<ReadonlySet<string>>(new Set());
/** What waits could not be read; undefined: it could. */
export const unreadable = signal<string | undefined>(undefined);

/** So many are read at a time. */
const MOST = 1000;
/** Rooms that change may have got new ones: they are asked for once for many changes. */
const AFTER_CHANGE_MS = 1000;
const AFTER_NOTICE_MS = 60;

let reading: ReturnType<typeof setTimeout> | undefined;
let readingAt = 0;

function readSoon(delayMs: number): void {
  const at = Date.now() + delayMs;
  if (reading !== undefined && readingAt <= at) return;
  clearTimeout(reading);
  readingAt = at;
  reading = setTimeout(() => {
    reading = undefined;
    void readPending();
  }, delayMs);
}

async function readPending(): Promise<void> {
  try {
    const found = await api.listApprovals({ state: 'pending', limit: MOST });
    const waiting = new Set(found.map(({ id }) => id));
    // What waited and is not listed any more was answered elsewhere: how, its room says.
    const gone = untracked(() => pending.value).filter(({ id }) => !waiting.has(id));
    put(found);
    unreadable.value = undefined;
    await Promise.all([...new Set(gone.map(({ roomId }) => roomId))].map((roomId) => readOfRoom(roomId)));
    forget(gone);
  } catch (error) {
    unreadable.value = error instanceof ApiError ? error.message : String(error);
  }
}

/** All of one room, answered ones too. */
export async function readOfRoom(roomId: string): Promise<void> {
  put(await api.listApprovals({ roomId, limit: MOST }).catch(() => []));
}

function put(found: readonly Approval[]): void {
  if (found.length === 0) return;
  const next = new Map(untracked(() => approvals.value));
  // An answer is for good: what was read before it came does not bring the question back.
  for (const one of found) if (one.state !== 'pending' || (next.get(one.id)?.state ?? 'pending') === 'pending') next.set(one.id, one);
  approvals.value = next;
}

/** What nobody knows of any more, after a server without a memory began anew. */
function forget(gone: readonly Approval[]): void {
  const next = new Map(untracked(() => approvals.value));
  for (const { id } of gone) if (next.get(id)?.state === 'pending') next.delete(id);
  if (next.size < untracked(() => approvals.value).size) approvals.value = next;
}

hear((frame) => {
  if (isNotice(frame)) readSoon(AFTER_NOTICE_MS);
  else if (frame.type === 'room') readSoon(AFTER_CHANGE_MS);
});

function isNotice(frame: ServerFrame): boolean {
  if (frame.type !== 'event') return false;
  const { content, metadata } = frame.event;
  const code = content.type === 'system' ? content.code : metadata['code'];
  return code === 'approval_requested' || code === 'approval_resolved';
}

effect(() => {
  if (generation.value > 0) readSoon(0);
});

export interface Answer {
  readonly approve: boolean;
  readonly reason?: string | undefined;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

/** Resolves to why the answer was not taken, when it can be mended; undefined: the approval is answered, by this or somebody faster. */
export async function answerApproval({ id, tool }: Approval, { approve, reason, arguments: args }: Answer): Promise<string | undefined> {
  if (answering.value.has(id)) return undefined;
  answering.value = new Set(answering.value).add(id);
  try {
    const body = { approve, ...(reason !== undefined && reason !== '' && { reason }), ...(args !== undefined && { arguments: args }) };
    const { status, approval } = await api.resolveApproval(id, body);
    put([approval]);
    if (status === 'resolved') tell(approve ? `${tool} may run` : `${tool} was rejected`);
    else if (status === 'expired') complain(new Error(`It was too late: nobody can answer this any more.`));
    else complain(new Error(`Somebody was faster: it was ${approval.state} by ${approval.resolvedBy ?? 'somebody else'}.`));
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return error.message;
    complain(error instanceof ApiError ? error : new Error('It could not be answered. Try again.'));
    if (error instanceof ApiError && error.status === 404) readSoon(0);
    return undefined;
  } finally {
    const left = new Set(answering.value);
    left.delete(id);
    answering.value = left;
  }
}
