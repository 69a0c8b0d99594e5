/** A delivery to a live channel (OUT-15): no row; it follows the timeline, and what a client missed it reads again by index. */
import type { Deadline } from '../async/deadlines.js';
import { LATER, type DeliverOptions, type DeliverReceipt } from '../channel.js';
import { TimeoutError } from '../errors.js';
import type { DeliveryFailure, DeliveryResult } from '../models/delivery.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { Broadcast, PendingDelivery } from './broadcast.js';
import { failureOf, isCountable, resultOf } from './failure.js';
import type { Form } from './forms.js';
import type { LaneItem } from './lane.js';
import type { Target } from './plan.js';
import { isReady } from './ready.js';
import { isRetryable, retryDelayMs } from './retry.js';

export class LiveDelivery implements LaneItem, DeliverOptions, PendingDelivery {
  attempt = 1;
  partsSent = 0;
  parts: readonly string[] | undefined = undefined;
  private state: 'waiting' | 'running' | 'reported' | 'ended' = 'waiting';
  private controller: AbortController | undefined = undefined;
  private deadline: Deadline | undefined = undefined;
  private span: string | undefined = undefined;
  private startedAt = 0;
  /** Waits of its own keep the lane: the running attempt's end is told here. */
  private slow = false;
  /** One of the slow steps is under way, bounded by its own time. */
  private attempting = false;
  /** Whoever waited has waited long enough: he is told as soon as no attempt runs (INB-21). */
  private late = false;
  /** Where one of the slow steps waits for {@link done}. */
  private told: ((error: Error | undefined) => void) | undefined = undefined;

  constructor(
    private readonly broadcast: Broadcast,
    private readonly target: Target,
  ) {}

  get idempotencyKey(): string {
    return `${this.broadcast.event.id}:${this.target.channelId}`;
  }

  get signal(): AbortSignal {
    return (this.controller ??= new AbortController()).signal;
  }

  run(): boolean {
    if (this.state === 'waiting') this.state = 'running';
    if (this.needsTime()) return this.takeTime(undefined);
    return this.broadcast.stream(this.target.channelId) === undefined ? this.attemptOnce() : this.endPreview();
  }

  /** Steps that may have to wait; `closing`: a preview that is being closed already. */
  private takeTime(closing: Awaitable<boolean> | undefined): true {
    this.slow = true;
    this.broadcast.track(this);
    void this.broadcast.parts.tasks.run(() => this.runSlowly(closing));
    return true;
  }

  /** A preview whose watchers took its end at once. Returns whether it goes on. */
  private endPreview(): boolean {
    try {
      if (this.broadcast.parts.tracer.enabled) this.startSpan();
      const closing = this.closePreview();
      if (closing !== true) return this.takeTime(closing);
      this.succeed(undefined);
    } catch (error) {
      this.fail(error);
    }
    return false;
  }

  expire(): void {
    if (this.state === 'waiting' || (this.slow && !this.attempting)) {
      this.reportQueued();
      return;
    }
    this.late = true;
    if (this.slow || this.state !== 'running') return;
    this.fail(this.timeout());
    this.target.lane.finished();
  }

  private reportQueued(): void {
    if (this.state === 'reported' || this.state === 'ended') return;
    this.state = 'reported';
    this.broadcast.settle({ channelId: this.target.channelId, status: 'queued', attempts: 0 }, true);
  }

  /** The ordinary case: one attempt, nothing to wait for. Returns whether it goes on. */
  private attemptOnce(): boolean {
    const form = this.broadcast.forms.for(this.target);
    if (isPromise(form)) return this.takeTime(undefined);
    if (form === null) {
      this.end(untranscodable(this.target.channelId));
      return false;
    }
    this.parts = form.parts;
    const { target } = this;
    if (this.broadcast.parts.tracer.enabled) this.startSpan();
    try {
      const receipt =
        this.span === undefined
          ? target.channel?.deliver?.(form.event, target.binding, this.broadcast.context, this)
          : this.broadcast.parts.tracer.run(this.span, () => target.channel?.deliver?.(form.event, target.binding, this.broadcast.context, this));
      if (receipt !== LATER && !isPromise(receipt)) {
        this.succeed(receipt ?? undefined);
        return false;
      }
      if (this.state === 'running') this.broadcast.track(this);
      else this.ownDeadline(); // it was reported queued: nobody else watches its time
      if (isPromise(receipt)) {
        receipt.then(
          (value) => this.over(undefined, value ?? undefined),
          (error: unknown) => this.over(error ?? new Error('The delivery failed.'), undefined),
        );
      }
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** The channel says what became of an attempt that it answered with {@link LATER}. */
  done(error?: Error): void {
    if (this.told !== undefined) this.told(error);
    else this.over(error, undefined);
  }

  /** The attempt that {@link attemptOnce} began has ended; unless its time was up before. */
  private over(error: unknown, receipt: DeliverReceipt | undefined): void {
    if (this.state === 'ended') return;
    if (error === undefined) this.succeed(receipt);
    else this.fail(error);
    this.target.lane.finished();
  }

  private needsTime(): boolean {
    const { target } = this;
    const { binding, channel, entry } = target;
    return (
      this.broadcast.parts.deliveryChecks.concern(binding) ||
      target.limiter !== undefined ||
      channel?.onEvent !== undefined ||
      (binding.retryPolicy !== undefined && binding.retryPolicy !== null) ||
      binding.outputMuted ||
      (channel !== undefined && !isReady(channel)) ||
      (entry !== undefined && (entry.breaker.state !== 'closed' || entry.pausedUntilMs > 0))
    );
  }

  /** Everything that may have to wait: previews, rate limits, retries, `onEvent`. */
  private async runSlowly(closing: Awaitable<boolean> | undefined): Promise<void> {
    try {
      await this.slowSteps(closing);
    } catch (error) {
      this.fail(error);
    } finally {
      this.target.lane.finished();
    }
  }

  private async slowSteps(closing: Awaitable<boolean> | undefined): Promise<void> {
    const { broadcast, target } = this;
    const { parts } = broadcast;
    const { channel, entry, binding } = target;
    if (channel === undefined || entry === undefined) return;
    if (broadcast.stream(target.channelId) !== undefined) {
      if (parts.tracer.enabled) this.startSpan();
      if (await this.bounded(closing ?? this.closePreview())) {
        this.succeed(undefined);
        return;
      }
    }
    if (channel.onEvent !== undefined) await this.tell();
    if (binding.outputMuted) {
      this.end({ channelId: target.channelId, status: 'skipped', attempts: 0 });
      return;
    }
    for (;;) {
      if (!isReady(channel)) throw new NotReady(target.channelId);
      const waitMs = Math.max(target.limiter?.reserve() ?? 0, entry.pausedUntilMs - parts.clock.now());
      if (waitMs > 0) await parts.clock.sleep(waitMs, parts.stopping);
      if (!entry.breaker.tryPass()) throw new BreakerOpen(target.channelId);
      const form: Form | null = await broadcast.forms.for(target);
      if (form === null) {
        entry.breaker.cancelled();
        this.end(untranscodable(target.channelId));
        return;
      }
      this.parts = form.parts;
      if (parts.tracer.enabled) this.startSpan();
      try {
        const deliver = (): Awaitable<DeliverReceipt | void> => {
          const receipt = parts.tracer.run(this.span, () => channel.deliver?.(form.event, binding, broadcast.context, this));
          return receipt === LATER ? this.whenTold() : receipt;
        };
        const verdict = parts.deliveryChecks.run({ event: form.event, binding, context: broadcast.context });
        const outcome = await this.bounded(isPromise(verdict) ? verdict.then(deliver) : deliver());
        this.succeed(outcome ?? undefined);
        return;
      } catch (error) {
        const failure = failureOf(error);
        entry.breaker.failure(isCountable(failure));
        if (failure.retryAfterSeconds !== undefined) {
          entry.pausedUntilMs = Math.max(entry.pausedUntilMs, parts.clock.now() + failure.retryAfterSeconds * 1000);
        }
        const delay = isRetryable(binding.retryPolicy, failure)
          ? retryDelayMs(binding.retryPolicy ?? null, this.attempt, failure.retryAfterSeconds, parts.random)
          : null;
        if (delay === null) {
          this.end({ channelId: target.channelId, status: 'failed', attempts: this.attempt, error: failure });
          return;
        }
        this.attempt++;
        this.controller = undefined;
        if (this.late) this.reportQueued();
        await parts.clock.sleep(delay, parts.stopping);
      }
    }
  }

  /** Ends what its watchers have seen. False: they get the event once more, as everybody does. */
  private closePreview(): Awaitable<boolean> {
    const { broadcast, target } = this;
    const preview = broadcast.stream(target.channelId);
    if (preview === undefined) return false;
    const close = (form: Form | null): Awaitable<boolean> => {
      const event = form?.event ?? broadcast.event;
      if (preview.errorCode === undefined) return preview.stream.end(event, broadcast.context);
      preview.stream.error(preview.errorCode, event);
      return true;
    };
    const form = broadcast.forms.for(target);
    return isPromise(form) ? form.then(close) : close(form);
  }

  /** A channel that takes for ever to think about an event still gets it. */
  private async tell(): Promise<void> {
    try {
      await this.bounded(this.broadcast.tell(this.target, this.signal));
    } catch (error) {
      this.controller = undefined;
      this.broadcast.parts.logger.warn('A channel did not take in an event in time.', { channelId: this.target.channelId, error });
    }
  }

  private bounded<T>(step: Awaitable<T>): Awaitable<T> {
    if (!isPromise(step)) return step;
    this.attempting = true;
    return new Promise<T>((resolve, reject) => {
      const deadline = this.startDeadline(() => reject(this.timeout()));
      const settled = (): void => {
        this.attempting = false;
        deadline.cancel();
      };
      step.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  private whenTold(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.told = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  private ownDeadline(): void {
    this.deadline = this.startDeadline(() => {
      if (this.state === 'ended') return;
      this.fail(this.timeout());
      this.target.lane.finished();
    });
  }

  private startDeadline(onExpire: () => void): Deadline {
    const { deadlines, limits } = this.broadcast.parts;
    return deadlines.add(limits.deliveryTimeoutSeconds * 1000, onExpire);
  }

  private timeout(): TimeoutError {
    const error = new TimeoutError(
      `Channel '${this.target.channelId}' did not take the event within ${this.broadcast.parts.limits.deliveryTimeoutSeconds} s.`,
    );
    this.controller?.abort(error);
    return error;
  }

  private succeed(receipt: DeliverReceipt | undefined): void {
    this.target.entry?.breaker.success();
    if (receipt === undefined && this.attempt === 1) this.end(this.target.sent);
    else this.end(resultOf(this.target.channelId, receipt, this.attempt));
  }

  private fail(error: unknown): void {
    const failure: DeliveryFailure = failureOf(error);
    if (!(error instanceof BreakerOpen) && !(error instanceof NotReady)) this.target.entry?.breaker.failure(isCountable(failure));
    this.end({ channelId: this.target.channelId, status: 'failed', attempts: this.attempt, error: failure });
  }

  /** One span for all attempts. */
  private startSpan(): void {
    const { parts, event, ownSpan } = this.broadcast;
    if (this.span !== undefined) return;
    this.startedAt = parts.clock.now();
    this.span = parts.tracer.start('framework.delivery', 'delivery', {
      ...(ownSpan !== undefined && { parentId: ownSpan }),
      roomId: event.roomId,
      channelId: this.target.channelId,
      attributes: { event_id: event.id },
    });
  }

  private endSpan(result: DeliveryResult): void {
    const { tracer, clock } = this.broadcast.parts;
    const code = result.status === 'failed' ? (result.error?.code ?? 'failed') : undefined;
    tracer.end(this.span, { status: code === undefined ? 'ok' : 'error', ...(code !== undefined && { errorMessage: code }) });
    tracer.metric('roomkit.delivery.duration_ms', clock.now() - this.startedAt, { channelId: this.target.channelId });
  }

  private end(result: DeliveryResult): void {
    const reported = this.state === 'reported';
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.deadline?.cancel();
    if (result.status === 'sent') this.target.counts.sent++;
    else if (result.status === 'failed') this.target.counts.failed++;
    else if (result.status === 'skipped') this.target.counts.skipped++;
    if (this.span !== undefined) this.endSpan(result);
    if (!reported) this.broadcast.settle(result, true, result === this.target.sent);
    else {
      const { event, parts } = this.broadcast;
      parts.outcomes.add({ roomId: event.roomId, eventId: event.id, results: [result] });
      if (result.status === 'failed') this.broadcast.failed(result.channelId, result.error, result.attempts);
    }
  }
}

class BreakerOpen extends Error {
  readonly code = 'circuit_breaker_open';
  constructor(channelId: string) {
    super(`Channel '${channelId}' failed repeatedly and is not called for a while.`);
  }
}

class NotReady extends Error {
  readonly code = 'not_ready';
  constructor(channelId: string) {
    super(`Channel '${channelId}' is not connected.`);
  }
}

export function untranscodable(channelId: string): DeliveryResult {
  const error = { code: 'transcoding_failed', message: `Channel '${channelId}' can carry nothing of this content.`, retryable: false };
  return { channelId, status: 'failed', attempts: 0, error };
}
