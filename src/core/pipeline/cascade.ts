/** Everything one message from outside sets in motion: its deliveries, the turns it causes, and what those cause in turn. */
import type { TurnResult } from '../models/delivery.js';

export class Cascade {
  /** The event at the root; set at its commit. */
  rootEventId = '';
  /** The telemetry span of the call at the root: what follows nests under it, and is sampled with it (TEL-01). */
  span: string | undefined = undefined;
  /** Events that re-entered so far (BC-05). */
  reentries = 0;
  readonly turns: TurnResult[] = [];
  private pending = 0;
  private settling: Promise<void> | undefined = undefined;
  private resolve: (() => void) | undefined = undefined;

  /** Something more is under way. */
  add(): void {
    this.pending++;
  }

  done(): void {
    if (--this.pending === 0) {
      this.resolve?.();
      this.resolve = undefined;
      this.settling = undefined;
    }
  }

  /** Resolves when nothing is under way; undefined when that is so already. */
  settled(): Promise<void> | undefined {
    if (this.pending === 0) return undefined;
    return (this.settling ??= new Promise((resolve) => {
      this.resolve = resolve;
    }));
  }
}
