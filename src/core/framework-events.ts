/** What happens inside a kit, for those who watch it (behaviour §25). No event is built without a listener. */
import { isoTime, type Clock } from './clock.js';
import type { TaskGroup } from './async/task-group.js';
import type { Logger } from './logger.js';
import { isPromise, type Awaitable, type Metadata } from './models/json.js';

/** All types of framework events (§25): a list, and the union of its members. */
export const FrameworkEventType = [
  'room_created',
  'room_paused',
  'room_resumed',
  'room_closed',
  'room_archived',
  'room_channel_attached',
  'room_channel_detached',
  'channel_registered',
  'channel_unregistered',
  'channel_connected',
  'channel_disconnected',
  'event_processed',
  'event_blocked',
  'event_dropped',
  'hook_error',
  'hook_timeout',
  'delivery_succeeded',
  'delivery_failed',
  'delivery_skipped',
  'delivery_unknown',
  'delivery_parked',
  'broadcast_partial_failure',
  'chain_depth_exceeded',
  'identity_resolved',
  'identity_timeout',
  'identity_merged',
  'identity_unmerged',
  'identity_erased',
  'approval_requested',
  'approval_resolved',
  'approval_expired',
  'process_timeout',
  'turn_failed',
  'turn_expired',
  'turn_recovered',
  'turn_merged',
  'turn_interrupted',
  'circuit_breaker_opened',
  'circuit_breaker_closed',
  'source_attached',
  'source_detached',
  'source_connected',
  'source_disconnected',
  'source_error',
  'source_exhausted',
  'source_pairing',
  'source_waiting',
  'voice_session_started',
  'voice_session_ready',
  'voice_session_ended',
  'recording_started',
  'recording_stopped',
  'stt_error',
  'tts_error',
  'unsafe_configuration',
] as const;
export type FrameworkEventType = (typeof FrameworkEventType)[number];

/** Something that happened inside the kit. `data` is by type, its keys are snake_case. */
export interface FrameworkEvent {
  readonly type: FrameworkEventType;
  readonly roomId?: string;
  readonly channelId?: string;
  readonly eventId?: string;
  readonly timestamp: string;
  readonly data: Metadata;
}

/** Listens to framework events. What it throws is logged. */
export type FrameworkHandler = (event: FrameworkEvent) => Awaitable<void>;

export class FrameworkEvents {
  readonly #handlers = new Map<FrameworkEventType, FrameworkHandler[]>();
  #last: Promise<void> | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly tasks: TaskGroup,
    private readonly logger: Logger,
  ) {}

  /** Exactly this type; returns how to stop listening. */
  on(type: FrameworkEventType, handler: FrameworkHandler): () => void {
    this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler]);
    return () => {
      const kept = (this.#handlers.get(type) ?? []).filter((other) => other !== handler);
      if (kept.length > 0) this.#handlers.set(type, kept);
      else this.#handlers.delete(type);
    };
  }

  has(type: FrameworkEventType): boolean {
    return this.#handlers.has(type);
  }

  /** Handlers are called one after another, events in the order of these calls; the caller does not wait. */
  emit(type: FrameworkEventType, what: { roomId?: string; channelId?: string; eventId?: string; data: Metadata }): void {
    const handlers = this.#handlers.get(type);
    if (handlers === undefined) return;
    const event: FrameworkEvent = Object.freeze({ type, ...what, timestamp: isoTime(this.clock.now()) });
    const previous = this.#last;
    const running = this.tasks.run(async () => {
      if (previous !== undefined) await previous;
      for (const handler of handlers) {
        try {
          const result = handler(event);
          if (isPromise(result)) await result;
        } catch (error) {
          this.logger.error('A framework event handler failed.', { type, error });
        }
      }
    });
    this.#last = running;
    void running.then(() => {
      if (this.#last === running) this.#last = undefined;
    });
  }
}
