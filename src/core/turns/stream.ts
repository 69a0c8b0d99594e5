/**
 * A reply that is still being written (§18.2): previewed on every allowed target, gathered, and committed as one event
 * whose place in the timeline ends the previews.
 */
import type { DeliveryStream, StreamPlaceholder } from '../channel.js';
import { planFor, type Target } from '../delivery/plan.js';
import { errorCode } from '../errors.js';
import { collectEffects } from '../hooks/effects.js';
import type { ResponseStream, StreamOutcome } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY, EMPTY_LIST } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { runPass } from '../pipeline/pass.js';
import { storeEffects } from '../pipeline/side-effects.js';
import type { RoomState } from '../store/store.js';
import type { TurnWork } from './lane.js';
import { replyFields } from './reply.js';
import type { ReplyWatcher } from './reply-watcher.js';
import { CUT_BY_CLOSING, logFailure, reportDropped, type RunningTurn, type TurnOutcome } from './run.js';

export async function streamReply(parts: KitParts, work: TurnWork, run: RunningTurn, state: RoomState, stream: ResponseStream): Promise<TurnOutcome> {
  const previews = new Previews(parts, work, state, stream);
  let text = '';
  let broken: unknown;
  const signal = run.signal;
  const deltas = stream.deltas[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await run.bounded(deltas.next());
      if (step.done === true) break;
      if (step.value === '') continue;
      text += step.value;
      previews.write(step.value, text);
    }
  } catch (error) {
    broken = error ?? new Error('The stream broke.');
    leave(deltas);
  }
  const outcome = finishOf(stream, broken, signal);
  storeOutcomeEffects(parts, work, outcome);
  const failure = broken !== undefined && outcome.cancelled !== true ? logFailure(parts, work, broken) : undefined;
  const error = outcome.error ?? failure;
  // Nothing was said yet: the next process takes the turn up again.
  if (text === '' && parts.stopping.aborted) return CUT_BY_CLOSING;
  if (text === '') {
    previews.error(error?.code ?? 'empty');
    const ended = error !== undefined ? 'failed' : outcome.cancelled === true ? 'cancelled' : 'empty';
    return {
      state: ended,
      endReason: outcome.endReason,
      replyEventIds: EMPTY_LIST,
      usage: outcome.usage,
      recorded: false,
      ...(error !== undefined && { error }),
    };
  }
  const cut = outcome.cancelled === true ? { cancelled: true } : error !== undefined ? { partial: true } : undefined;
  const streamErrorCode = outcome.cancelled === true ? 'cancelled' : error?.code;
  const fields = replyFields(
    work,
    state,
    {
      ...stream.placeholder,
      ...(outcome.source !== undefined && { source: outcome.source }),
      content: { type: 'text', body: text },
      metadata: { ...stream.placeholder.metadata, ...outcome.metadata, ...cut },
    },
    undefined,
  );
  try {
    const passed = await runPass(parts, {
      fields,
      cascade: work.cascade,
      origin: 'reply',
      reply: {
        row: work.row,
        muteSuppresses: true,
        completes: {
          turnId: work.row.id,
          state: outcome.cancelled === true ? 'cancelled' : error !== undefined ? 'failed' : 'committed',
          endReason: outcome.endReason,
          replyEventIds: EMPTY_LIST,
          usage: outcome.usage,
        },
      },
      ...(previews.open.size > 0 && { streams: previews.open }),
      streamErrorCode,
      startedAt: parts.clock.now(),
    });
    const replyEventIds = passed.event === undefined ? EMPTY_LIST : [passed.event.id];
    if (passed.kind === 'dropped') {
      previews.error(passed.reason ?? 'dropped');
      reportDropped(parts, work, passed);
      return { state: 'cancelled', reason: passed.reason ?? 'dropped', replyEventIds: EMPTY_LIST, usage: outcome.usage, recorded: false };
    }
    if (passed.kind === 'blocked') previews.error('blocked', passed.event);
    else previews.closeUnplanned(passed.broadcast?.plan.transports ?? EMPTY_LIST, passed.event);
    return {
      state: error !== undefined ? 'failed' : outcome.cancelled === true ? 'cancelled' : 'committed',
      endReason: outcome.endReason,
      replyEventIds,
      usage: outcome.usage,
      recorded: true,
      ...(error !== undefined && { error }),
    };
  } catch (failure) {
    previews.error(errorCode(failure));
    throw failure;
  }
}

/** Leaving early aborts the model (STR-07). An iterator that hangs, or fails to be left, is nobody's concern any more. */
function leave(deltas: AsyncIterator<string>): void {
  void (async () => {
    try {
      await deltas.return?.();
    } catch {
      // It was given up already.
    }
  })();
}

/** Opened with the first words, so that an empty reply shows nothing; every one opened is closed exactly once (WS-05). */
class Previews {
  readonly open = new Map<string, DeliveryStream>();
  readonly #targets: readonly Target[];
  readonly #isPreviewed: boolean;
  readonly #watchers = new Set<ReplyWatcher>();
  #opened = false;

  constructor(
    private readonly parts: KitParts,
    private readonly work: TurnWork,
    state: RoomState,
    private readonly stream: ResponseStream,
  ) {
    const { row, trigger } = work;
    const placeholder = stream.placeholder;
    const own = trigger.responseVisibility ?? placeholder.visibility ?? 'all';
    const binding = state.bindings.find((candidate) => candidate.channelId === row.channelId);
    const visibility = own === 'all' && binding !== undefined ? binding.visibility : own;
    this.visibility = visibility;
    const source = { channelId: row.channelId, channelType: placeholder.source.channelType, direction: placeholder.source.direction };
    const allowed =
      trigger.chainDepth + 1 < parts.limits.maxChainDepth &&
      binding !== undefined &&
      (binding.access === 'read_write' || binding.access === 'write_only') &&
      !parts.hooks.forbidsPreview(row.roomId, source);
    this.#isPreviewed = allowed;
    this.#targets = allowed
      ? planFor(parts, parts.rooms.get(row.roomId), state, row.channelId, visibility).transports.filter(
          (target) =>
            target.channel?.openStream !== undefined &&
            !target.binding.outputMuted &&
            target.channel.supportsStreamingDelivery?.(row.roomId) === true,
        )
      : EMPTY_LIST;
  }

  readonly visibility: string;

  write(delta: string, text: string): void {
    if (!this.#opened) {
      this.#opened = true;
      for (const target of this.#targets) this.#openOn(target);
      if (this.parts.replyListeners.size > 0) this.#tellListeners();
    }
    for (const watcher of this.#watchers) this.#guarded(() => watcher.write(delta, text), watcher);
    for (const [channelId, stream] of this.open) {
      try {
        stream.write(delta, text);
      } catch (error) {
        this.open.delete(channelId);
        this.parts.logger.warn('A preview failed; its channel gets the final event.', { channelId, error });
      }
    }
  }

  /** `event`: the blocked one, when it is stored. */
  error(code: string, event?: RoomEvent): void {
    for (const stream of this.open.values()) stream.error(code);
    this.open.clear();
    this.#endWatching(event, code);
  }

  /** Targets that were lost between the first word and the commit get an end too. */
  closeUnplanned(planned: readonly Target[], event: RoomEvent | undefined): void {
    this.#endWatching(event, undefined);
    for (const [channelId, stream] of this.open) {
      if (!planned.some((target) => target.channelId === channelId)) stream.error('channel_detached');
    }
  }

  #opening(): StreamPlaceholder {
    const { work, stream } = this;
    return {
      streamId: `${work.row.id}:${work.row.attempts}`,
      roomId: work.row.roomId,
      source: stream.placeholder.source,
      visibility: this.visibility,
      parentEventId: work.trigger.id,
    };
  }

  /** Hosts who watch see what is written as it is written, whatever a channel may see of it. */
  #tellListeners(): void {
    for (const listener of this.parts.replyListeners) {
      this.#guarded(() => {
        const watcher = listener({ ...this.#opening(), isPreviewed: this.#isPreviewed });
        if (watcher !== undefined) this.#watchers.add(watcher);
      });
    }
  }

  #endWatching(event: RoomEvent | undefined, code: string | undefined): void {
    for (const watcher of this.#watchers) this.#guarded(() => watcher.end(event, code));
    this.#watchers.clear();
  }

  #guarded(work: () => void, watcher?: ReplyWatcher): void {
    try {
      work();
    } catch (error) {
      if (watcher !== undefined) this.#watchers.delete(watcher);
      this.parts.logger.warn('Who watches replies failed at one.', { roomId: this.work.row.roomId, error });
    }
  }

  #openOn(target: Target): void {
    try {
      const opened = target.channel?.openStream?.(this.#opening(), target.binding);
      if (opened != null) this.open.set(target.channelId, opened);
    } catch (error) {
      this.parts.logger.warn('A preview could not be opened; its channel gets the final event.', { channelId: target.channelId, error });
    }
  }
}

function finishOf(stream: ResponseStream, broken: unknown, signal: AbortSignal): StreamOutcome {
  try {
    const outcome = stream.finish();
    if (broken !== undefined && outcome.error === undefined && outcome.cancelled !== true) {
      return { ...outcome, endReason: signal.aborted ? 'timeout' : 'error' };
    }
    return outcome;
  } catch {
    return { endReason: 'error', usage: EMPTY };
  }
}

function storeOutcomeEffects(parts: KitParts, work: TurnWork, outcome: StreamOutcome): void {
  const effects = collectEffects(undefined, {
    ...(outcome.tasks !== undefined && { tasks: outcome.tasks }),
    ...(outcome.observations !== undefined && { observations: outcome.observations }),
    ...(outcome.metadataUpdates !== undefined && { metadata: outcome.metadataUpdates }),
  });
  if (effects !== undefined) storeEffects(parts, work.row.roomId, work.row.channelId, effects, work.cascade);
}
