/** The place of a turn's end in the decision trace (TEL-07), written over like that of its event. */
import { isoTime } from '../clock.js';
import { EMPTY_LIST } from '../models/json.js';
import type { TurnEndTrace } from '../models/trace.js';

/** How a turn ended. */
export interface TurnEnd {
  readonly channelId: string;
  readonly turnId: string;
  readonly atMs: number;
  readonly outcome: Omit<TurnEndTrace, 'channelId' | 'turnId' | 'at' | 'code'> & { readonly error?: { readonly code: string } | undefined };
}

export class TurnEndRecord {
  private channelId = '';
  private turnId = '';
  private atMs = NaN;
  private state: TurnEndTrace['state'] = 'committed';
  private endReason: TurnEndTrace['endReason'] = undefined;
  private reason: string | undefined = undefined;
  private code: string | undefined = undefined;
  private replyEventIds: readonly string[] = EMPTY_LIST;

  write({ channelId, turnId, atMs, outcome }: TurnEnd): void {
    this.channelId = channelId;
    this.turnId = turnId;
    this.atMs = atMs;
    this.state = outcome.state;
    this.endReason = outcome.endReason;
    this.reason = outcome.reason;
    this.code = outcome.error?.code;
    this.replyEventIds = outcome.replyEventIds;
  }

  format(): TurnEndTrace {
    const { channelId, turnId, state, endReason, reason, code, replyEventIds } = this;
    return {
      channelId,
      turnId,
      at: isoTime(this.atMs),
      state,
      ...(endReason !== undefined && { endReason }),
      ...(reason !== undefined && { reason }),
      ...(code !== undefined && { code }),
      replyEventIds,
    };
  }
}
