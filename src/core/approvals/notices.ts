/** What a timeline says of approvals (APR-08), and who gets to hear it. */
import { callScope } from '../call-scope.js';
import { Broadcast } from '../delivery/broadcast.js';
import { planFor, type Plan } from '../delivery/plan.js';
import type { ApprovalRow } from '../models/approval.js';
import type { Button, EventContent } from '../models/content.js';
import type { RoomEventDraft } from '../models/event.js';
import { EMPTY, EMPTY_LIST, type Metadata } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { Cascade } from '../pipeline/cascade.js';
import { announce, commitEvent } from '../pipeline/commit.js';
import { draftEvent, SYSTEM_SOURCE } from '../pipeline/event-draft.js';
import { rowsFor } from '../pipeline/injected.js';
import type { Section } from '../pipeline/section.js';
import type { CommitResult, EventCommit, RoomState } from '../store/store.js';
import { traced } from '../telemetry/traced-rows.js';
import { tokenFor } from './tokens.js';

/** Commits what the kit has to say about an approval, with what belongs to it, and delivers it to those who may see it. No agent is asked. */
export async function commitNotice(
  parts: KitParts,
  section: Section,
  state: RoomState,
  event: RoomEventDraft,
  extra: Omit<EventCommit, 'event' | 'outbox' | 'turns'>,
): Promise<CommitResult> {
  const runtime = parts.rooms.get(state.room.id);
  const plan = planFor(parts, runtime, state, event.source.channelId, event.visibility);
  const { transports } = plan;
  const span = callScope.getStore()?.span;
  const trace = parts.tracer.contextOf(span);
  const rows = transports.length === 0 ? EMPTY_LIST : traced(rowsFor(parts, event.id, event.roomId, event.createdAt, transports), trace);
  runtime.commits++;
  let committed: CommitResult;
  try {
    committed = await commitEvent(parts, section, { event, ...extra, ...(rows.length > 0 && { outbox: rows }) });
  } catch (error) {
    runtime.commits--;
    throw error;
  }
  if (transports.length + plan.ingesters.length === 0) {
    runtime.commits--;
    announce(parts, section, committed.event, committed.state);
    return committed;
  }
  const narrowed: Plan = { ...plan, agents: EMPTY_LIST, hasDurable: rows.length > 0 };
  const broadcast = new Broadcast(parts, runtime, committed.event, committed.state, narrowed, new Cascade(), {
    transports,
    rows,
    turns: EMPTY_LIST,
    agents: EMPTY_LIST,
    placed: committed.placed,
    announce: false,
    reserved: false,
    span,
  });
  section.defer(() => broadcast.start(), committed.event.index);
  return committed;
}

/** The request, or several requests that nobody but hosts hears of. */
export async function requestEvent(parts: KitParts, rows: readonly [ApprovalRow, ...ApprovalRow[]]): Promise<RoomEventDraft> {
  const [first] = rows;
  const body = `Waits for a person's leave: ${rows.map(({ tool }) => tool).join(', ')}.`;
  const data = { turn_id: first.turnId, agent_id: first.agentId, approvals: rows.map(noticeOf) };
  return noticeEvent(parts, first, 'approval_requested', body, data, await buttonsOf(first));
}

/** What came of it. */
export function resolvedEvent(
  parts: KitParts,
  row: ApprovalRow,
  outcome: { readonly state: string; readonly by: string; readonly isChanged: boolean },
): RoomEventDraft {
  const { state, by, isChanged } = outcome;
  const data = { ...noticeOf(row), turn_id: row.turnId, agent_id: row.agentId, by, approved: state === 'approved', state, changed: isChanged };
  return noticeEvent(parts, row, 'approval_resolved', `${row.tool}: ${state}.`, data, undefined);
}

/** Names, never arguments: those are in the approval, for who may list it. */
function noticeOf({ id, tool, callId, expiresAt }: ApprovalRow): Metadata {
  return { approval_id: id, tool, call_id: callId, expires_at: expiresAt };
}

function noticeEvent(
  parts: KitParts,
  { roomId, visibility }: ApprovalRow,
  code: string,
  body: string,
  data: Metadata,
  shown: Pick<Extract<EventContent, { type: 'rich' }>, 'body' | 'plainText' | 'buttons'> | undefined,
): RoomEventDraft {
  const own = Object.freeze({ ...data });
  const content: EventContent =
    shown === undefined ? Object.freeze({ type: 'system', body, code, data: own }) : Object.freeze({ type: 'rich', ...shown });
  return draftEvent(parts, {
    roomId,
    type: 'system',
    source: SYSTEM_SOURCE,
    content,
    visibility,
    chainDepth: 0,
    metadata: shown === undefined ? EMPTY : Object.freeze({ code, ...own }),
    channelData: EMPTY,
  });
}

const MAX_SHOWN = 500;

/** For people: what is to be done, and two buttons. Whoever may see it may see what the tool would be called with. */
async function buttonsOf(row: ApprovalRow): Promise<Parameters<typeof noticeEvent>[5]> {
  if (isForHosts(row)) return undefined;
  const given = JSON.stringify(row.arguments);
  const args = given.length > MAX_SHOWN ? `${given.slice(0, MAX_SHOWN)} …` : given;
  const button = async (verb: 'approve' | 'reject', label: string): Promise<Button> => ({
    id: await tokenFor(row, verb),
    label,
    kind: 'reply',
    value: verb,
  });
  return {
    body: `May **${escapeMarkdown(row.tool)}** be run? ${escapeMarkdown(args)}`,
    plainText: `May ${row.tool} be run? ${args}`,
    buttons: [await button('approve', 'Approve'), await button('reject', 'Reject')],
  };
}

/** Nobody but hosts and hooks sees it. */
export function isForHosts({ visibility }: Pick<ApprovalRow, 'visibility'>): boolean {
  return visibility === 'internal' || visibility === 'none' || visibility === 'intelligence';
}

/** A model's words are text and nothing else: no link, no heading, no button. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~&]/g, (sign) => `\\${sign}`);
}
