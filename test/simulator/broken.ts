/** Parts with one mistake each, of the kind that loses or doubles messages: the simulator has to find them. */
import type { CommitResult, EventCommit } from '../../src/core/store/store.js';
import type { Variant } from '../../src/testing/simulator/world.js';
import { SimulatedDatabase } from '../../src/testing/simulator/store.js';

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

export const BROKEN: Readonly<Record<string, Variant>> = {
  'a reply without its turn': { database: (stage) => new RepliesWithoutTheirTurns(stage) },
  'a key before its commit': { database: (stage) => new KeysBeforeCommits(stage) },
  'lanes of everybody': { database: (stage) => new LanesOfEverybody(stage) },
  'leases that are not renewed': { database: (stage) => new LeasesThatAreNotRenewed(stage) },
  'a reply without its rows': { database: (stage) => new RepliesWithoutTheirRows(stage) },
};
