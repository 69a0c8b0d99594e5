/** Calls of tools that wait for a person: the list, and the card with which one is answered. */
import type { VNode } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { outcomeOf, parseArguments, requestedIn, validity } from '../logic/approvals.js';
import { channelName, humane, type Names } from '../logic/names.js';
import { ago, exactTime } from '../logic/time.js';
import { answerApproval, answering, approvals, pending, unreadable } from '../store/approvals.js';
import { current } from '../store/current.js';
import { now } from '../store/host.js';
import { go } from '../store/route.js';
import { rooms, summaries, titleOf } from '../store/rooms.js';
import type { Approval, WireEvent } from '../types.js';
import { Icon } from './icons.js';
import { PanelHead, Section } from './parts.js';

/** In the header: how many wait, and the way to them. A new one is told to screen readers. */
export function ApprovalsButton(): VNode | null {
  const count = pending.value.length;
  return (
    <>
      <span class="hidden" role="status">
        {count === 0 ? '' : `${waiting(count)} for a person`}
      </span>
      {count > 0 && (
        <button type="button" class="approvals-button" aria-keyshortcuts="a" title="Calls of tools that wait for a person" onClick={showApprovals}>
          <Icon name="hand" size={14} />
          <span>
            {count} <span class="beside">{count === 1 ? 'approval waits' : 'approvals wait'}</span>
          </span>
        </button>
      )}
    </>
  );
}

export function showApprovals(): void {
  go({ inspect: 'approvals', subject: undefined, event: undefined });
}

/** In the head of a room. */
export function RoomApprovals({ roomId }: { roomId: string }): VNode | null {
  const count = pending.value.filter((one) => one.roomId === roomId).length;
  if (count === 0) return null;
  return (
    <button type="button" class="pill waits" onClick={showApprovals}>
      {waiting(count)}
    </button>
  );
}

function waiting(count: number): string {
  return count === 1 ? '1 approval waits' : `${count} approvals wait`;
}

export function ApprovalsPanel(): VNode {
  const list = pending.value;
  const here = current.value?.roomId;
  const answered = [...approvals.value.values()]
    .filter(({ state, roomId }) => state !== 'pending' && roomId === here)
    .sort((a, b) => ((a.resolvedAt ?? '') < (b.resolvedAt ?? '') ? 1 : -1))
    .slice(0, 10);
  return (
    <>
      <PanelHead kind="Waiting for a person" title="Approvals" />
      {unreadable.value !== undefined && <p class="quiet-line padded">What waits could not be read: {unreadable.value}</p>}
      {list.length === 0 ? (
        <div class="quiet-line padded">
          <p>Nothing waits. An agent stops and asks before it calls a tool that says so:</p>
          <pre>
            <code>{"defineTool({ name: 'refund', requiresApproval: true, … })"}</code>
          </pre>
        </div>
      ) : (
        <ul class="approvals">
          {list.map((approval) => (
            <li key={approval.id}>
              <ApprovalCard approval={approval} place />
            </li>
          ))}
        </ul>
      )}
      {answered.length > 0 && (
        <Section title="Answered in this room">
          <ul class="approvals">
            {answered.map((approval) => (
              <li key={approval.id}>
                <ApprovalCard approval={approval} />
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

/** Below an entry of the timeline that asks. */
export function RequestedApprovals({ event }: { event: WireEvent }): VNode | null {
  const known = approvals.value;
  const found = requestedIn(event).flatMap((id) => known.get(id) ?? []);
  if (found.length === 0) return null;
  return (
    <div class="approvals">
      {found.map((approval) => (
        <ApprovalCard key={approval.id} approval={approval} />
      ))}
    </div>
  );
}

/** Names of the room that is open; of another, what its id or the list of rooms says. */
function namesFor(roomId: string): Names | undefined {
  return current.value?.roomId === roomId ? current.value.names.value : undefined;
}

function personName(roomId: string, id: string): string {
  const participants = summaries.value.get(roomId)?.detail.participants ?? current.value?.detail.value?.participants ?? [];
  return namesFor(roomId)?.participants.get(id)?.displayName ?? participants.find((one) => one.id === id)?.displayName ?? id;
}

export function ApprovalCard({ approval, place = false }: { approval: Approval; place?: boolean }): VNode {
  const { id, roomId, tool, agentId, askedBy, requestedAt, state } = approval;
  const isPending = state === 'pending';
  const names = namesFor(roomId);
  const agent = names === undefined ? humane(agentId) : channelName(names, agentId);
  const room = rooms.value.get(roomId);
  const people = askedBy.map((one) => personName(roomId, one)).join(', ');
  const isBusy = answering.value.has(id);
  return (
    <article class="card approval" data-state={state} aria-label={`${agent} wants to call ${tool}`} aria-busy={isBusy}>
      <header>
        <Icon name="tool" size={14} />
        <p>
          <b>{agent}</b> wants to call <code>{tool}</code>
          {people !== '' && <> for {people}</>}
        </p>
      </header>
      {place && (
        <p class="where">
          <button type="button" class="link" onClick={() => go({ roomId, inspect: 'approvals' })}>
            {room === undefined ? roomId : titleOf(room)}
          </button>
        </p>
      )}
      <pre tabIndex={0} aria-label={`Arguments of ${tool}`}>
        <code>{JSON.stringify(approval.arguments, null, 2)}</code>
      </pre>
      {approval.approvedArguments !== undefined && (
        <>
          <p class="where">Ran with, as {approval.changedBy ?? 'somebody'} changed them:</p>
          <pre tabIndex={0} aria-label={`Changed arguments of ${tool}`}>
            <code>{JSON.stringify(approval.approvedArguments, null, 2)}</code>
          </pre>
        </>
      )}
      <p class="since">
        <time dateTime={requestedAt} title={exactTime(requestedAt)}>
          asked {agoWords(requestedAt)}
        </time>
        {isPending && ` · ${validity(approval, now.value)}`}
      </p>
      {isPending ? <Answering approval={approval} isBusy={isBusy} /> : <p class="came">{outcomeOf(approval)}</p>}
    </article>
  );
}

function agoWords(iso: string): string {
  const since = ago(iso, now.value);
  return since === 'now' ? 'just now' : `${since} ago`;
}

function Answering({ approval, isBusy }: { approval: Approval; isBusy: boolean }): VNode {
  const [mode, setMode] = useState<'ask' | 'reject' | 'change'>('ask');
  const isOver = validity(approval, now.value) === 'expired';
  if (mode === 'reject') return <Rejecting approval={approval} isBusy={isBusy} onClose={() => setMode('ask')} />;
  if (mode === 'change') return <Changing approval={approval} isBusy={isBusy} onClose={() => setMode('ask')} />;
  return (
    <div class="actions">
      <button type="button" class="small primary" disabled={isBusy || isOver} onClick={() => void answerApproval(approval, { approve: true })}>
        Approve
      </button>
      <button type="button" class="small" disabled={isBusy || isOver} onClick={() => setMode('reject')}>
        Reject …
      </button>
      <button type="button" class="small" disabled={isBusy || isOver} onClick={() => setMode('change')}>
        Change arguments …
      </button>
    </div>
  );
}

interface FormProps {
  readonly approval: Approval;
  readonly isBusy: boolean;
  readonly onClose: () => void;
}

function Rejecting({ approval, isBusy, onClose }: FormProps): VNode {
  const box = useRef<HTMLInputElement>(null);
  const label = useId();
  useLayoutEffect(() => box.current?.focus(), []); // before it is shown: a key that is pressed at once is meant for it
  return (
    <form
      class="answer"
      onKeyDown={(key) => onEscape(key, onClose)}
      onSubmit={(submit) => {
        submit.preventDefault();
        void answerApproval(approval, { approve: false, reason: box.current?.value.trim() });
      }}
    >
      <label for={label}>Why not? The agent is told.</label>
      <input ref={box} id={label} type="text" maxLength={4000} autoComplete="off" />
      <div class="actions">
        <button type="submit" class="small danger" disabled={isBusy}>
          Reject
        </button>
        <button type="button" class="small" onClick={onClose}>
          Back
        </button>
      </div>
    </form>
  );
}

function Changing({ approval, isBusy, onClose }: FormProps): VNode {
  const [text, setText] = useState(() => JSON.stringify(approval.arguments, null, 2));
  const [refused, setRefused] = useState<string | undefined>(undefined);
  const box = useRef<HTMLTextAreaElement>(null);
  const label = useId();
  const error = useId();
  useLayoutEffect(() => box.current?.focus(), []);
  const parsed = parseArguments(text);
  const problem = 'problem' in parsed ? parsed.problem : refused;
  return (
    <form
      class="answer"
      onKeyDown={(key) => onEscape(key, onClose)}
      onSubmit={(submit) => {
        submit.preventDefault();
        if ('value' in parsed) void answerApproval(approval, { approve: true, arguments: parsed.value }).then(setRefused);
      }}
    >
      <label for={label}>What is to run in place of it, as JSON</label>
      <textarea
        ref={box}
        id={label}
        rows={Math.min(14, text.split('\n').length + 1)}
        spellcheck={false}
        value={text}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : error}
        onInput={(input) => {
          setText(input.currentTarget.value);
          setRefused(undefined);
        }}
      />
      <p class="problem" id={error} role="alert">
        {problem}
      </p>
      <div class="actions">
        <button type="submit" class="small primary" disabled={isBusy || 'problem' in parsed}>
          Approve this
        </button>
        <button type="button" class="small" onClick={onClose}>
          Back
        </button>
      </div>
    </form>
  );
}

function onEscape(key: KeyboardEvent, close: () => void): void {
  if (key.key !== 'Escape') return;
  key.stopPropagation();
  close();
}
