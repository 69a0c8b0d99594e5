/** Parts with one mistake each, of the kind that loses or doubles messages: the simulator has to find them. */
import type { OutboxRow } from '../../src/core/models/delivery.js';
import type { OutboxState } from '../../src/core/models/vocabulary.js';
import type { CommitResult, EventCommit, RowPatch, TurnMerge, TurnMergeOrder } from '../../src/core/store/store.js';
import { closings, collisions, conversations, SimulatedDatabase, type FaultKind, type Scenario, type Variant } from '../../src/testing/index.js';

/** A reply is stored, and its turn is not: after a crash it is answered once more. */
class RepliesWithoutTheirTurns extends SimulatedDatabase {
  override commitEvent({ completesTurn: _completion, ...commit }: EventCommit): CommitResult {
    return super.commitEvent(commit);
  }
}

/** A key counts as seen before its message is stored: what fails in between is never stored. */
class KeysBeforeCommits extends SimulatedDatabase {
  readonly #seen = new Set<string>();

  override getEventByIdempotencyKey(key: string, where: { roomId: string } | { channelId: string }) {
    const found = super.getEventByIdempotencyKey(key, where);
    if (found !== null || !this.#seen.has(key)) {
      this.#seen.add(key);
      return found;
    }
    const [any] = this.findRooms({}).flatMap(({ id }) => this.listEvents(id));
    return any ?? null;
  }

  override loadArrival(roomId: string, key?: string) {
    const arrival = super.loadArrival(roomId, key);
    return arrival === null || key === undefined ? arrival : { ...arrival, earlier: this.getEventByIdempotencyKey(key, { roomId }) };
  }
}

/** Rows and turns of others go on as if nobody had them. */
class LanesOfEverybody extends SimulatedDatabase {
  override commitEvent({ now: _now, ...commit }: EventCommit): CommitResult {
    return super.commitEvent(commit);
  }
}

/** Leases end while their owner is at work. */
class LeasesThatAreNotRenewed extends SimulatedDatabase {
  override renewLeases(owner: string, leaseUntil: string): void {
    if (Date.parse(leaseUntil) === 0) super.renewLeases(owner, leaseUntil);
  }
}

/** What an agent says has no rows: its deliveries are known to the process alone that has committed it. */
class RepliesWithoutTheirRows extends SimulatedDatabase {
  override commitEvent({ outbox, ...commit }: EventCommit): CommitResult {
    return super.commitEvent(commit.completesTurn === undefined && outbox !== undefined ? { ...commit, outbox } : commit);
  }
}

/** Whoever once held a room goes on writing, whatever has happened meanwhile. */
class NoFencing extends SimulatedDatabase {
  override commitEvent({ fencingToken: _token, expectedLatestIndex: _index, ...commit }: EventCommit): CommitResult {
    return super.commitEvent(commit);
  }
}

/** Who comes too late is refused; who decided on what was true before is not. */
class TokensAlone extends SimulatedDatabase {
  override commitEvent({ expectedLatestIndex: _index, ...commit }: EventCommit): CommitResult {
    return super.commitEvent(commit);
  }
}

/** A lane is let go of before what is sent from it has left it. */
class UnlockedBeforeDequeued extends SimulatedDatabase {
  override commitEvent(commit: EventCommit): CommitResult {
    const result = super.commitEvent(commit);
    for (const { row } of result.placed?.rows ?? []) this.#unlock(row);
    return result;
  }

  override updateRow(rowId: string, patch: RowPatch, from?: readonly OutboxState[], owner?: string): OutboxRow | null {
    const changed = super.updateRow(rowId, patch, from, owner);
    if (changed !== null) this.#unlock(changed);
    return changed;
  }

  #unlock({ id, state }: OutboxRow): void {
    if (state === 'sending') super.updateRow(id, { leaseOwner: undefined, leaseUntil: undefined });
  }
}

/** Messages that join a turn are forgotten by it. */
class MergesThatForget extends SimulatedDatabase {
  override mergeTurns(order: TurnMergeOrder): TurnMerge | null {
    const made = super.mergeTurns(order);
    return made === null
      ? null
      : { ...made, turn: super.updateTurn(order.intoId, { triggerEventIds: made.turn.triggerEventIds.slice(-1) }) ?? made.turn };
  }
}

/** A part with one mistake, and the scenario that finds it out. */
export interface Broken {
  readonly variant: Variant;
  readonly scenario: Scenario;
  /** The faults that such a mistake is for, where among all kinds one run of 1,500 has them alone. Default: all. */
  readonly kinds?: readonly FaultKind[];
}

const inConversations = (database: NonNullable<Variant['database']>): Broken => ({ variant: { database }, scenario: conversations });

export const BROKEN: Readonly<Record<string, Broken>> = {
  'a reply without its turn': inConversations((stage) => new RepliesWithoutTheirTurns(stage)),
  'a key before its commit': inConversations((stage) => new KeysBeforeCommits(stage)),
  'lanes of everybody': inConversations((stage) => new LanesOfEverybody(stage)),
  'leases that are not renewed': { ...inConversations((stage) => new LeasesThatAreNotRenewed(stage)), kinds: ['late'] },
  'a reply without its rows': inConversations((stage) => new RepliesWithoutTheirRows(stage)),
  'a lane unlocked before its row is out of it': {
    ...inConversations((stage) => new UnlockedBeforeDequeued(stage)),
    kinds: ['late'],
  },
  'no fencing': { variant: { database: (stage) => new NoFencing(stage) }, scenario: closings },
  'fencing by tokens alone': { variant: { database: (stage) => new TokensAlone(stage) }, scenario: closings },
  'merges that forget': { variant: { database: (stage) => new MergesThatForget(stage) }, scenario: collisions },
};
