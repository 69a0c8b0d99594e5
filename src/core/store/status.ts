/** What a database says of itself without being opened for work: for operators, before and after a deploy. */
import { RoomKitError } from '../errors.js';

/** How a database stands beside this version of the package. */
export interface StoreStatus {
  /** Which database; without a password. */
  readonly place: string;
  /** The version its tables have; 0: RoomKit has written nothing there yet. */
  readonly schemaVersion: number;
  /** The version this package writes. */
  readonly knownVersion: number;
  /** What a migration would do, step by step; empty when nothing has to be done. */
  readonly pending: readonly string[];
  readonly rooms: number;
  readonly events: number;
  /** Deliveries that are queued, under way, or of unknown outcome. */
  readonly openDeliveries: number;
  /** Turns of agents that are queued or running. */
  readonly openTurns: number;
  readonly sizeBytes: number;
  /** Leases that have not ended: processes are at work on it. Always 0 for a file, which one process holds as a whole. */
  readonly liveLeases: number;
  /** A copy into it was interrupted: it cannot be opened before the copy was made again. */
  readonly isUnfinishedCopy: boolean;
}

/** What a migration did, or would do. */
export interface MigrationReport {
  readonly place: string;
  readonly from: number;
  readonly to: number;
  /** In order. */
  readonly steps: readonly string[];
}

/** Keys of facts that are the package's own begin so; they stay with their database, and are not copied. */
export const OWN_FACTS = 'roomkit/';
/** The fact that stands in a database as long as a copy into it is under way. */
export const COPY_MARK = `${OWN_FACTS}copy`;

/** What opening throws while the mark is there. */
export function unfinishedCopy(place: string): RoomKitError {
  return new RoomKitError(
    'store_unfinished',
    `${place} holds the beginning of a copy that was interrupted, so it is not to be used. Make the copy again ('roomkit db copy FROM TO'), or begin with an empty one.`,
  );
}

/** What opening throws where it was told to migrate nothing. */
export function outdatedSchema(place: string, version: number, known: number): RoomKitError {
  return new RoomKitError(
    'store_outdated',
    `${place} has schema ${version}, and this version of roomkit needs ${known}. Migrate it first: 'roomkit db migrate', or open it without migrate: false.`,
  );
}
