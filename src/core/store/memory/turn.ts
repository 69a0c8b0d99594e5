/** A turn as the store in memory keeps it: changed in place, because each one is changed, and hardly any is ever read. */
import type { TurnRow } from '../../models/delivery.js';
import { EMPTY_LIST, ownJson } from '../../models/json.js';
import type { TurnPatch } from '../store.js';

export class MemoryTurn {
  readonly id: string;
  readonly roomId: string;
  readonly channelId: string;
  readonly createdAt: string;
  triggerEventIds: TurnRow['triggerEventIds'] = EMPTY_LIST;
  triggerIndex = -1;
  state: TurnRow['state'] = 'queued';
  attempts = 0;
  expiresAt = '';
  leaseOwner: TurnRow['leaseOwner'] = undefined;
  leaseUntil: TurnRow['leaseUntil'] = undefined;
  endReason: TurnRow['endReason'] = undefined;
  replyEventIds: TurnRow['replyEventIds'] = undefined;
  usage: TurnRow['usage'] = undefined;
  error: TurnRow['error'] = undefined;
  startedTools: TurnRow['startedTools'] = undefined;
  mergedInto: TurnRow['mergedInto'] = undefined;
  suspended: TurnRow['suspended'] = undefined;
  trace: TurnRow['trace'] = undefined;

  constructor(turn: TurnRow, triggerIndex: number) {
    this.id = turn.id;
    this.roomId = turn.roomId;
    this.channelId = turn.channelId;
    this.createdAt = turn.createdAt;
    this.change(turn);
    this.triggerIndex = triggerIndex;
  }

  /** What the patch leaves out stays; what it names and does not have is gone. */
  change(patch: TurnPatch): void {
    if (patch.triggerEventIds !== undefined) this.triggerEventIds = ownJson(patch.triggerEventIds);
    if (patch.triggerIndex !== undefined) this.triggerIndex = patch.triggerIndex;
    if (patch.state !== undefined) this.state = patch.state;
    if (patch.attempts !== undefined) this.attempts = patch.attempts;
    if (patch.expiresAt !== undefined) this.expiresAt = patch.expiresAt;
    if ('leaseOwner' in patch) this.leaseOwner = patch.leaseOwner;
    if ('leaseUntil' in patch) this.leaseUntil = patch.leaseUntil;
    if ('endReason' in patch) this.endReason = patch.endReason;
    if ('replyEventIds' in patch) this.replyEventIds = ownJson(patch.replyEventIds);
    if ('usage' in patch) this.usage = ownJson(patch.usage);
    if ('error' in patch) this.error = ownJson(patch.error);
    if ('startedTools' in patch) this.startedTools = ownJson(patch.startedTools);
    if ('mergedInto' in patch) this.mergedInto = patch.mergedInto;
    if ('suspended' in patch) this.suspended = ownJson(patch.suspended);
    if ('trace' in patch) this.trace = ownJson(patch.trace);
  }

  /** Nobody's but the caller's (STO-06). */
  row(): TurnRow {
    const { id, roomId, channelId, triggerEventIds, triggerIndex, state, attempts, createdAt, expiresAt } = this;
    const row: { -readonly [Field in keyof TurnRow]: TurnRow[Field] } = {
      id,
      roomId,
      channelId,
      triggerEventIds,
      triggerIndex,
      state,
      attempts,
      createdAt,
      expiresAt,
    };
    if (this.leaseOwner !== undefined) row.leaseOwner = this.leaseOwner;
    if (this.leaseUntil !== undefined) row.leaseUntil = this.leaseUntil;
    if (this.endReason !== undefined) row.endReason = this.endReason;
    if (this.replyEventIds !== undefined) row.replyEventIds = this.replyEventIds;
    if (this.usage !== undefined) row.usage = this.usage;
    if (this.error !== undefined) row.error = this.error;
    if (this.startedTools !== undefined) row.startedTools = this.startedTools;
    if (this.mergedInto !== undefined) row.mergedInto = this.mergedInto;
    if (this.suspended !== undefined) row.suspended = this.suspended;
    if (this.trace !== undefined) row.trace = this.trace;
    return Object.freeze(row);
  }
}
