/**
 * A delivery to a durable channel: one outbox row from queued to its end (OUT-03). It holds its lane while it waits or
 * retries, so that what comes later goes out later.
 */
import { insist } from '../async/insist.js';
import type { DeliverReceipt } from '../channel.js';
import { isoTime, sleepWith } from '../clock.js';
import type { DeliveryFailure, DeliveryResult, OutboxRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { OutboxState } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { bindingOf, type RowPatch } from '../store/store.js';
import type { RoomContext } from '../rooms/context.js';
import { Attempt } from './attempt.js';
import type { Broadcast, PendingDelivery } from './broadcast.js';
import { failureOf, isCountable, resultOf } from './failure.js';
import type { EventForms, Form } from './forms.js';
import type { LaneItem } from './lane.js';
import { leaveBehind } from './left-behind.js';
import { untranscodable } from './live.js';
import type { Target } from './plan.js';
import { parked, parking } from './parked.js';
import { isReady } from './ready.js';
import { isRetryable, retryDelayMs } from './retry.js';

/** How often a channel that is not ready is asked again. */
const READY_POLL_MS = 1000;
/** How long the outcome of an unknown delivery is awaited (OUT-09). */
const UNKNOWN_WAIT_MS = 30_000;

/** States in which a row is this delivery's to change; cancelled, or told of by the vendor's callback, it is no more. */
const OPEN: readonly OutboxState[] = ['queued', 'sending', 'unknown'];
/** Of these what the vendor took becomes sent. Queued again meanwhile, it was refused before its own answer was here (OUT-17). */
const TRIED: readonly OutboxState[] = ['sending', 'unknown'];

const DETACHED: DeliveryFailure = { code: 'cancelled', message: 'The channel was detached.', retryable: false };

/** What a delivery needs to know of the event it carries: a broadcast gives it, recovery rebuilds it. */
export interface DeliveryFrame {
  /** The telemetry span it belongs to. */
  readonly ownSpan?: string | undefined;
  readonly forms: EventForms;
  readonly context: RoomContext;
  /** No caller waits for it: an earlier process left it. */
  readonly isRecovered?: true;
  stream?: Broadcast['stream'];
  /** Tells the channel itself of the event before its first delivery (BC-02). */
  tell?(target: Target, signal: AbortSignal): Promise<void>;
  settle(result: DeliveryResult, live: boolean): void;
  failed(channelId: string, error: DeliveryFailure | undefined, attempts: number): void;
}

export class DurableDelivery implements LaneItem, PendingDelivery {
  #reported = false;
  #ended = false;
  #attempting = false;
  /** Whoever waited has waited long enough: he is told as soon as no attempt runs (INB-21). */
  #late = false;
  /** When the rate lets the next attempt go (RES-02). */
  #placeAtMs: number | undefined;

  constructor(
    private readonly parts: KitParts,
    private readonly target: Target,
    private row: OutboxRow,
    private readonly event: RoomEvent,
    private readonly frame: DeliveryFrame,
  ) {}

  get rowId(): string {
    return this.row.id;
  }

  get eventIndex(): number {
    return this.row.eventIndex;
  }

  run(): boolean {
    void this.parts.tasks.run(async () => {
      try {
        await this.#untilEnd();
      } catch (error) {
        // The store failed, or the kit stops: the row stays as it is and recovery goes on with it (OUT-08).
        if (this.parts.stopping.aborted || error === this.parts.draining.reason) {
          // Nothing that is behind it goes out before it, now or in what comes later.
          this.target.lane.behind = !this.parts.store.shared;
          this.target.lane.leave();
        } else {
          this.parts.logger.error('A delivery could not be recorded; it will be recovered.', {
            rowId: this.row.id,
            channelId: this.target.channelId,
            error,
          });
          leaveBehind(this.parts, this.target.lane, this.target.channelId);
        }
        this.#reportQueued();
      } finally {
        this.target.lane.finished();
      }
    });
    return true;
  }

  expire(): void {
    this.#late = true;
    if (!this.#attempting) this.#reportQueued();
  }

  async #untilEnd(): Promise<void> {
    const { parts, target } = this;
    if ((this.row.state === 'sending' || this.row.state === 'unknown') && this.row.attempts > 0 && this.row.leaseOwner !== parts.owner) {
      if (await this.#resolveUnknown()) return;
    }
    for (;;) {
      if (parts.over.aborted) await this.#giveUp();
      const leftMs = Date.parse(this.row.expiresAt) - parts.clock.now();
      if (leftMs < 0) {
        await this.#fail('expired', { code: 'expired', message: 'The delivery could not be made in time.', retryable: false });
        return;
      }
      const entry = parts.channels.get(target.channelId);
      const waitMs = this.#waitMs();
      if (waitMs > 0 || entry === undefined) {
        // Nobody is kept waiting for what is known to take longer than he would wait (INB-21).
        const isLong = waitMs > parts.limits.deliveryTimeoutSeconds * 1000;
        if (isLong) this.#reportQueued();
        target.lane.holdUp(isLong);
        if (await this.#closedMeanwhile()) return;
        if (this.row.state === 'sending') await this.#change({ state: 'queued', attempts: Math.max(0, this.row.attempts - 1) });
        // However long it would have to wait, at its expiry it ends (OUT-10).
        const pauseMs = Math.min(Math.max(waitMs, 1), leftMs + 1);
        await parts.rests.during(parts.clock.monotonic() + pauseMs, this.#pause(pauseMs, isLong));
        continue;
      }
      if (!entry.breaker.tryPass()) continue;
      let outcome: 'ended' | 'again';
      try {
        outcome = await this.#attempt();
      } catch (error) {
        entry.breaker.cancelled();
        throw error;
      }
      if (outcome === 'ended') return;
    }
  }

  /** The kit is closed: what was not begun is not begun any more, and is nobody's unknown outcome (OPS-07). */
  async #giveUp(): Promise<never> {
    const { row, parts } = this;
    if (row.state === 'sending' && row.leaseOwner === parts.owner && row.attempts === 1)
      await this.#change({ state: 'queued', attempts: 0 }, ['sending']);
    throw parts.stopping.reason;
  }

  /**
   * Waits so long, or less: whoever looks again does so after each. As long as a caller waits for this delivery the process
   * stays alive; then the wait is the kit's own, and keeps nobody (CON-03).
   */
  #pause(ms: number, isLong = false): Promise<void> {
    const { clock, stopping, draining, limits } = this.parts;
    // A kit that closes does not wait for it either (KIT-03).
    if (isLong) return sleepWith(clock, ms, draining);
    if (this.#reported || this.frame.isRecovered === true) return sleepWith(clock, ms, stopping);
    return clock.sleep(Math.min(ms, limits.deliveryTimeoutSeconds * 1000), stopping);
  }

  /** How long something above the row makes it wait: the next attempt, the vendor, the connection, the breaker, the rate. */
  #waitMs(): number {
    const { target, parts, row } = this;
    const now = parts.clock.now();
    const entry = parts.channels.get(target.channelId);
    if (entry === undefined) return READY_POLL_MS;
    if (row.nextAttemptAt !== undefined) {
      const left = Date.parse(row.nextAttemptAt) - now;
      if (left > 0) return left;
    }
    if (entry.pausedUntilMs > now) return entry.pausedUntilMs - now;
    if (!isReady(entry.channel)) return READY_POLL_MS;
    if (entry.breaker.state === 'open' && entry.breaker.retryAtMs > now) return entry.breaker.retryAtMs - now;
    if (entry.breaker.state === 'half_open') return READY_POLL_MS; // another lane's probe is under way
    if (target.limiter === undefined) return 0;
    this.#placeAtMs ??= parts.clock.monotonic() + target.limiter.reserve();
    return Math.max(0, this.#placeAtMs - parts.clock.monotonic());
  }

  async #attempt(): Promise<'ended' | 'again'> {
    const { parts, target } = this;
    const entry = parts.channels.get(target.channelId);
    const channel = entry?.channel;
    if (entry === undefined || channel === undefined) return 'again';
    this.#placeAtMs = undefined; // the next attempt takes a place of its own
    // The commit has written the row as sending when nothing stood in the way: one write before, one after (OUT-03).
    // That holds as long as the lease does: this process may have stood still since.
    const isHeld = parts.leases.isHeld(this.row.leaseUntil);
    const first = this.row.state === 'sending' && this.row.leaseOwner === parts.owner && this.row.attempts === 1 && isHeld;
    if (!first) {
      if (!(await this.#isBound())) {
        entry.breaker.cancelled();
        await this.#change({ state: 'cancelled', lastError: DETACHED }, OPEN);
        this.#reportRow();
        return 'ended';
      }
      const claim: RowPatch = { state: 'sending', attempts: this.row.attempts + 1, leaseOwner: parts.owner, leaseUntil: parts.leases.end() };
      const claimed = await this.#change(claim, OPEN);
      if (!claimed) {
        entry.breaker.cancelled();
        this.#reportRow();
        return 'ended';
      }
    }
    const form: Form | null = await this.frame.forms.for(target);
    if (form === null) {
      entry.breaker.cancelled();
      const result = untranscodable(target.channelId);
      if (result.error !== undefined) await this.#fail('failed', result.error);
      return 'ended';
    }
    const startedAt = parts.clock.now();
    this.#attempting = true;
    const span = parts.tracer.enabled
      ? parts.tracer.start('framework.delivery', 'delivery', {
          ...(this.frame.ownSpan === undefined ? { stored: this.row.trace } : { parentId: this.frame.ownSpan }),
          roomId: this.row.roomId,
          channelId: target.channelId,
          attributes: { attempt: this.row.attempts, event_id: this.row.eventId },
        })
      : undefined;
    let receipt: DeliverReceipt | void;
    try {
      receipt = await (span === undefined ? this.#deliver(form) : parts.tracer.run(span, () => this.#deliver(form)));
      entry.breaker.success();
      if (span !== undefined) parts.tracer.end(span, { status: 'ok' });
    } catch (error) {
      const failure = failureOf(error);
      if (span !== undefined) parts.tracer.end(span, { status: 'error', errorMessage: failure.code });
      if (parts.stopping.aborted) throw error;
      this.#noteAttempt(startedAt, failure.code);
      entry.breaker.failure(isCountable(failure));
      if (failure.retryAfterSeconds !== undefined) {
        entry.pausedUntilMs = Math.max(entry.pausedUntilMs, parts.clock.now() + failure.retryAfterSeconds * 1000);
      }
      return await this.#afterFailure(failure);
    } finally {
      this.#attempting = false;
      parts.counters.delivery.observe(Math.max(0, parts.clock.now() - startedAt) / 1000);
      if (parts.tracer.enabled) parts.tracer.metric('roomkit.delivery.duration_ms', parts.clock.now() - startedAt, { channelId: target.channelId });
    }
    if (this.row.attempts > 1) this.#noteAttempt(startedAt, 'sent');
    // Beyond the vendor: whatever becomes of the record, it is not sent again for that.
    await this.#succeed(receipt ?? undefined);
    return 'ended';
  }

  /** An attempt that failed, or that came after one that did; of all others the outcome says enough (TEL-07). */
  #noteAttempt(startedAtMs: number, code: string): void {
    const { parts, target, row } = this;
    const ms = parts.clock.now() - startedAtMs;
    parts.traces.find(row.eventId)?.addAttempt({ channelId: target.channelId, attempt: row.attempts, startedAt: isoTime(startedAtMs), ms, code });
  }

  async #afterFailure(failure: DeliveryFailure): Promise<'ended' | 'again'> {
    const { parts, target } = this;
    if (failure.again === 'after_inbound') {
      if (await this.#change(parking(parts, this.row, failure), OPEN)) parked(parts, this.row);
      this.#reportRow();
      return 'ended';
    }
    const policy = target.binding.retryPolicy;
    const delay = isRetryable(policy, failure) ? retryDelayMs(policy, this.row.attempts, failure.retryAfterSeconds, parts.random) : null;
    if (delay === null) {
      await this.#fail('failed', failure);
      return 'ended';
    }
    const again = await this.#change({ state: 'queued', lastError: failure, nextAttemptAt: isoTime(parts.clock.now() + delay) }, OPEN);
    if (again) {
      target.counts.retried++;
      if (this.#late) this.#reportQueued();
      return 'again';
    }
    this.#reportRow();
    return 'ended';
  }

  #deliver(form: Form): Awaitable<DeliverReceipt | void> {
    const { parts, target, frame } = this;
    const verdict = parts.deliveryChecks.run({ event: form.event, binding: target.binding, context: frame.context });
    if (!isPromise(verdict)) return this.#deliverChecked(form);
    return this.#newAttempt(undefined)
      .bounded(verdict)
      .then(() => this.#deliverChecked(form));
  }

  #deliverChecked(form: Form): Awaitable<DeliverReceipt | void> {
    const { target, frame } = this;
    const preview = frame.stream?.(target.channelId);
    const channel = target.channel;
    const attempt = this.#newAttempt(form.parts);
    const isFirst = this.row.attempts <= 1;
    if (isFirst && (preview !== undefined || channel?.onEvent !== undefined)) return attempt.bounded(this.#deliverFirst(form, preview, attempt));
    if (channel?.deliver === undefined) return { skipped: true };
    const receipt = channel.deliver(form.event, target.binding, frame.context, attempt);
    return isPromise(receipt) ? attempt.bounded(receipt) : receipt;
  }

  /** Before the first attempt the preview is closed, and the channel told of the event; the attempt's time covers both. */
  async #deliverFirst(form: Form, preview: ReturnType<NonNullable<Broadcast['stream']>>, attempt: Attempt): Promise<DeliverReceipt | void> {
    const { target, frame } = this;
    const { channel } = target;
    if (preview?.errorCode !== undefined) preview.stream.error(preview.errorCode, form.event);
    else if (preview !== undefined && (await preview.stream.end(form.event, frame.context))) return undefined;
    if (channel?.onEvent !== undefined) await frame.tell?.(target, attempt.signal);
    attempt.checkTime(); // given up meanwhile: the next attempt delivers
    return channel?.deliver === undefined ? { skipped: true } : channel.deliver(form.event, target.binding, frame.context, attempt);
  }

  #newAttempt(textParts: readonly string[] | undefined): Attempt {
    return new Attempt(this.parts, this.row, textParts, (count, id) =>
      // What a vendor gave no id is kept as '': the others stay in their places.
      this.#change({ partsSent: count, partMessageIds: [...(this.row.partMessageIds ?? []), id ?? ''] }, undefined, true),
    );
  }

  async #succeed(receipt: DeliverReceipt | undefined): Promise<void> {
    this.target.counts[receipt?.skipped === true ? 'skipped' : 'sent']++;
    if (receipt?.skipped === true) {
      await this.#change({ state: 'cancelled', attempts: 0 });
      this.#report(resultOf(this.target.channelId, receipt, 0));
      return;
    }
    const provider = this.target.channel?.providerName;
    const recorded = await this.#change(
      {
        state: 'sent',
        ...(receipt?.providerMessageId !== undefined && { providerMessageId: receipt.providerMessageId }),
        ...(provider !== undefined && { provider }),
      },
      TRIED,
      true,
    );
    // The vendor's callback was faster than its own answer: a row only moves forward (OUT-07).
    if (!recorded) this.#reportRow();
    this.#report(receipt === undefined && this.row.attempts === 1 ? this.target.sent : resultOf(this.target.channelId, receipt, this.row.attempts));
  }

  async #fail(state: 'failed' | 'expired', error: DeliveryFailure): Promise<void> {
    if (!(await this.#change({ state, lastError: error }, OPEN))) {
      this.#reportRow();
      return;
    }
    this.target.counts[state]++;
    const result: DeliveryResult = { channelId: this.target.channelId, status: 'failed', attempts: this.row.attempts, error };
    if (this.#reported) this.frame.failed(this.target.channelId, error, this.row.attempts);
    this.#report(result);
    if (this.parts.hooks.has('on_error', this.row.roomId)) {
      const { roomId } = this.row;
      void this.parts.tasks.run(() =>
        this.parts.hooks.notice(
          'on_error',
          { category: 'delivery', code: error.code, message: error.message, room_id: roomId, channel_id: this.target.channelId },
          { roomId, source: this.target.binding, context: () => this.frame.context },
        ),
      );
    }
  }

  /** A row found in `sending`: did the vendor take it before the crash? (OUT-09) Returns whether the row has ended. */
  async #resolveUnknown(): Promise<boolean> {
    const { parts, target } = this;
    const channel = parts.channels.get(target.channelId)?.channel;
    if (channel?.supportsIdempotencyKey === true) return false;
    if (this.row.state !== 'unknown' && !(await this.#change({ state: 'unknown' }, ['sending', 'unknown']))) {
      this.#reportRow(); // it has ended meanwhile
      return true;
    }
    const until = parts.clock.now() + UNKNOWN_WAIT_MS;
    if (channel?.lookupDelivery !== undefined) {
      try {
        const attempt = this.#newAttempt(undefined);
        const asking = channel.lookupDelivery(this.row.idempotencyKey, attempt.signal);
        const found = isPromise(asking) ? await attempt.bounded(asking) : asking;
        if (found !== null) {
          await this.#succeed(found);
          return true;
        }
        return false; // the vendor does not know it: it never arrived
      } catch (error) {
        if (parts.stopping.aborted) throw error;
        parts.logger.warn('The vendor could not be asked about a delivery.', { channelId: target.channelId, error });
      }
    }
    while (parts.clock.now() < until) {
      await this.#pause(Math.min(READY_POLL_MS, until - parts.clock.now()));
      const row = await this.#insist(() => parts.store.getRow(this.row.id));
      if (row === null || row.state !== 'unknown') {
        if (row !== null) this.row = row;
        this.#reportRow();
        return true;
      }
    }
    if (parts.options.onUnknown !== 'hold') return false;
    if (parts.framework.has('delivery_unknown')) {
      parts.framework.emit('delivery_unknown', {
        roomId: this.row.roomId,
        channelId: target.channelId,
        eventId: this.row.eventId,
        data: { row_id: this.row.id },
      });
    }
    this.#report({ channelId: target.channelId, status: 'unknown', attempts: this.row.attempts });
    return true;
  }

  /** While the row waited, or was being tried, its channel may have been shown out (OUT-13). */
  async #isBound(): Promise<boolean> {
    const state = await this.#insist(() => this.parts.store.loadRoom(this.row.roomId));
    return state !== null && bindingOf(state, this.target.channelId) !== undefined;
  }

  /** While the row waited it may have been cancelled, or its channel detached (OUT-13). */
  async #closedMeanwhile(): Promise<boolean> {
    const row = await this.#insist(() => this.parts.store.getRow(this.row.id));
    if (row !== null && (row.state === 'queued' || row.state === 'sending' || row.state === 'unknown')) return false;
    if (row !== null) this.row = row;
    this.#reportRow();
    return true;
  }

  /** `anybodys`: true also when another process has the row by now, such as that the vendor took it. */
  async #change(patch: RowPatch, from?: readonly OutboxState[], anybodys = false): Promise<boolean> {
    const { store } = this.parts;
    const owner = store.shared && !anybodys ? this.parts.owner : undefined;
    const changed = await this.#insist(() => store.updateRow(this.row.id, patch, from, owner));
    if (changed === null) {
      const current = await this.#insist(() => store.getRow(this.row.id));
      if (current !== null) this.row = current;
      if (owner !== undefined) this.#lose(current === null || !(from ?? OPEN).includes(current.state));
      return false;
    }
    this.row = changed;
    if (patch.state !== undefined) this.parts.news.tell(changed.roomId, changed.eventId, 'delivery');
    return true;
  }

  /**
   * Another process has the row, or it has ended. Should it be given back, it is not known here any more, and goes before what is behind it.
   * As long as it is open, who has it has the lane: what waits here is not ours either, though it may be given back before it is looked at.
   */
  #lose(hasEnded: boolean): void {
    const { lane } = this.target;
    if (hasEnded) lane.knownIndex = Math.min(lane.knownIndex, this.row.eventIndex - 1);
    else lane.leave();
  }

  /** The lane waits meanwhile: what the vendor took is recorded and not sent again, and nothing overtakes it. */
  #insist<T>(ask: () => Awaitable<T>): Promise<T> {
    const what = { rowId: this.row.id, channelId: this.target.channelId };
    return insist(this.parts, what, ask, () => {
      if (this.#late) this.#reportQueued();
    });
  }

  #reportRow(): void {
    const { state, lastError } = this.row;
    const channelId = this.target.channelId;
    const attempts = this.row.attempts;
    if (state === 'sent' || state === 'delivered' || state === 'read') this.#report({ channelId, status: 'sent', attempts });
    else if (state === 'cancelled')
      this.#report({
        channelId,
        status: 'failed',
        attempts,
        error: lastError ?? { code: 'cancelled', message: 'The delivery was cancelled.', retryable: false },
      });
    else if (state === 'failed' || state === 'expired')
      this.#report({ channelId, status: 'failed', attempts, ...(lastError && { error: lastError }) });
    else this.#reportQueued();
  }

  #reportQueued(): void {
    this.#report({ channelId: this.target.channelId, status: 'queued', attempts: this.row.attempts });
  }

  #report(result: DeliveryResult): void {
    if (this.#reported || this.#ended) {
      this.#ended ||= result.status !== 'queued';
      return;
    }
    this.#reported = true;
    this.frame.settle(result, false);
  }
}
