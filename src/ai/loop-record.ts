/** How far a turn has come when it has to wait for people (APR-01): provider-neutral, JSON, readable by any later version. */
import { RoomKitError } from '../core/errors.js';
import type { AIMessage, Usage } from '../core/models/ai.js';
import type { Metadata } from '../core/models/json.js';
import type { RoundRecord, RunnerRecord } from './tools/rounds.js';

const VERSION = 1;

export interface LoopRecord {
  readonly version: typeof VERSION;
  readonly messages: readonly AIMessage[];
  readonly askedFrom: number;
  readonly trimmed: number;
  readonly hasSeveralSpeakers: boolean;
  /** What directives have added to the system prompt. */
  readonly prompts: readonly string[];
  readonly asked: number;
  readonly rounds: number;
  readonly wasNudged: boolean;
  readonly isForced: boolean;
  readonly usage: Usage;
  readonly round: RoundRecord;
  readonly runner: RunnerRecord;
}

/** As the kit stores it. */
export function writeRecord(record: Omit<LoopRecord, 'version'>): Metadata {
  return { version: VERSION, ...record };
}

/** Throws when another version has written it that this one does not know. */
export function readRecord(stored: Metadata): LoopRecord {
  const record = stored as Partial<LoopRecord>;
  if (record.version !== VERSION || !Array.isArray(record.messages) || record.round === undefined || record.runner === undefined) {
    throw new RoomKitError(
      'turn_unreadable',
      `A turn that waits was stored in a form that this version of roomkit cannot read (${JSON.stringify(record.version)}; this one writes ${VERSION}). Resume it with the version that stored it.`,
    );
  }
  return record as LoopRecord; // written by writeRecord, whose version it has
}
