/** Outcomes of live deliveries, recorded behind and coalesced; a crash may take them (OUT-15). */
import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../logger.js';
import type { TaskGroup } from '../async/task-group.js';
import type { ConversationStore, DeliveryOutcome } from '../store/store.js';

const MAX_WAITING = 512;
const DELAY_MS = 50;

export class OutcomeRecorder {
  private waiting: DeliveryOutcome[] = [];
  private timer: Timer | undefined;

  constructor(
    private readonly store: ConversationStore,
    private readonly clock: Clock,
    private readonly tasks: TaskGroup,
    private readonly logger: Logger,
    private readonly recorded: (outcome: DeliveryOutcome) => void,
  ) {}

  /** How many are not recorded yet. */
  get size(): number {
    return this.waiting.length;
  }

  add(outcome: DeliveryOutcome): void {
    this.waiting.push(outcome);
    if (this.waiting.length >= MAX_WAITING) this.flush();
    else this.timer ??= this.clock.setTimer(DELAY_MS, () => this.flush());
  }

  flush(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.waiting.length === 0) return;
    const outcomes = this.waiting;
    this.waiting = [];
    void this.tasks.run(async () => {
      try {
        await this.store.recordOutcomes(outcomes);
        for (const outcome of outcomes) this.recorded(outcome);
      } catch (error) {
        this.logger.warn('Outcomes of live deliveries could not be recorded.', { count: outcomes.length, error });
      }
    });
  }
}
