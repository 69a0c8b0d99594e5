/** The conversation engine: everything public of it. */
export * from './models/index.js';
export * from './errors.js';
export { RoomKit } from './kit.js';
export type { DrainOptions } from './operations/shutdown.js';
export type { RoomKitOptions } from './options.js';
export type { DeliveryCounts, KitCounters } from './operations/counters.js';
export type { HistogramSnapshot } from './operations/histogram.js';
export type { RecoverOptions, RecoveryReport } from './operations/recover.js';
export type { KitStats, LaneStats, StoreStats } from './operations/stats.js';
export type { CommitListener } from './commit-listener.js';
export type { ReplyListener, ReplyOpening, ReplyWatcher } from './turns/reply-watcher.js';
export type { RoomFollower } from './delivery/followers.js';
export type { OutcomeKind } from './delivery/outcome-news.js';
export type { LiveConnectionOptions, LiveSend } from './live-connection.js';
export type { InboundOptions } from './pipeline/inbound.js';
export type { SendOptions } from './pipeline/send.js';
export type { WebhookMeta } from './pipeline/webhook.js';
export { DefaultInboundRouter, type InboundRoomRouter, type InboundRouteQuery, type RoutedMessage } from './pipeline/router.js';
export type { CreateRoomOptions } from './rooms/lifecycle.js';
export type { EnsureRoomOptions } from './rooms/ensure.js';
export type { AttachOptions } from './rooms/channel-operations.js';
export type { ConversationChange, ConversationDecision, ConversationNow, ConversationResult } from './rooms/conversation.js';
export type { DeliveryQuery } from './rooms/deliveries.js';
export type { EventPatch, TimelineQuery } from './rooms/timeline.js';
export type { EventSearch } from './rooms/search.js';
export type { FoundEvent, MemoryAccess, MemorySearch } from './rooms/memory-access.js';
export { withoutSummaries, type StoredSummary, type SummaryBasis } from './rooms/summaries.js';
export type { IdentityDraft, IdentityQuery } from './rooms/identities.js';
export type { RetentionOptions, RetentionRules } from './retention/rules.js';
export type { RetentionReport } from './retention/sweep.js';
export type { EraseOptions, ErasureReport } from './erasure/report.js';
export type { PersonQuery } from './erasure/person.js';
export type { PersonExport, PersonRoomExport } from './erasure/export.js';
export type { ParticipantPatch } from './rooms/people.js';
export type { TaskPatch } from './rooms/work.js';
export type { RoomContext } from './rooms/context.js';
export * from './channel.js';
export type { ToolUseGate, ToolUseVerdict } from './turns/tool-gate.js';
export type { TurnScope } from './turn-scope.js';
export {
  HookTrigger,
  TRIGGERS,
  type GateTrigger,
  type HookArguments,
  type HookPayload,
  type HookReturn,
  type HookTable,
  type NoticeTrigger,
  type ErrorNotice,
  type PayloadShape,
  type TriggerBehaviour,
} from './hooks/triggers.js';
export { HookResult, type HookExtras } from './hooks/verdict.js';
export type { HookHandler, HookOptions, HookSource } from './hooks/engine.js';
export type { HookContext } from './hooks/context.js';
export { FrameworkEventType, type FrameworkEvent, type FrameworkHandler } from './framework-events.js';
export * from './store/store.js';
export * from './store/records.js';
export * from './store/status.js';
export { InMemoryStore } from './store/in-memory.js';
// What every store needs to behave like the others.
export { copyJson, freezeJson } from './models/json.js';
export { mergeMetadata } from './store/metadata.js';
export { patchedRoom } from './store/room-patch.js';
export { frozenEvent, keyTaken, roomChanged } from './store/stored-event.js';
export { erasedKey, isErasedKey } from './store/erased-key.js';
export { notPending, taskEnded, turnMovedOn } from './store/memory/approvals.js';
export { alreadyCommitted, isOwned, planTurnMerge, resultOfRow } from './store/memory/outbox.js';
export type { RoomLease, RoomLockManager } from './locks/lock.js';
export { InMemoryLockManager } from './locks/in-memory.js';
export { LeasedLocks, type LeaseBackend, type LeasedLocksOptions } from './locks/leased-locks.js';
export * from './realtime/backend.js';
export { InMemoryRealtime } from './realtime/in-memory.js';
export type { IdentityResolver } from './identity/resolver.js';
export type { ChallengedSender } from './pipeline/challenge.js';
export { CodeChallenge, type CodeChallengeOptions, type CodeChallengeWords, type CodeDelivery } from './identity/code-challenge.js';
export { latestFirst, planMerge, planUnmerge, withoutUndone } from './identity/merge.js';
export * from './sources/source.js';
export * from './telemetry/provider.js';
export { readTraceContext, type TraceContext, type TraceHeaders } from './telemetry/trace-context.js';
export { ConsoleTelemetryProvider, NoopTelemetryProvider } from './telemetry/console.js';
export type { TokenPrices } from './telemetry/prices.js';
export { GenAIAttribute, GenAIMetric } from './telemetry/gen-ai.js';
export { sumUsage, type CountedUsage } from './usage/sums.js';
export { Secret } from './telemetry/secret.js';
export type { CheckedDelivery, DeliveryCheck } from './delivery/check.js';
export type { FileContent } from './media/content-media.js';
export type { MediaRecord } from './media/media-records.js';
export type {
  ChannelFetchOptions,
  FetchedMedia,
  KeptMedia,
  MediaFetch,
  MediaFetchOptions,
  MediaInfo,
  MediaLink,
  MediaStore,
  MediaSweep,
  StoredMedia,
} from './media/media-store.js';
export { transcodeFor, type ContentTranscoder } from './delivery/transcode.js';
export { limitLength } from './delivery/limit-length.js';
export { splitText } from './delivery/split-text.js';
export { CircuitBreaker, type BreakerOptions, type BreakerState } from './delivery/breaker.js';
export { TokenBuckets } from './delivery/rate-limit.js';
export { DEFAULT_RETRY, isRetryable, parseRetryAfter, retryDelayMs } from './delivery/retry.js';
export { canRead, canSeeEvent, canWrite, isVisibleTo } from './delivery/visibility.js';
export { checkJson, checkMetadata, parseContent, toContent } from './models/content-validation.js';
export { extractText } from './rooms/visible-text.js';
export { isoTime, sleepWith, SystemClock, type Clock, type Timer } from './clock.js';
export { checkChannelId, checkId, UuidGenerator, type IdGenerator } from './ids.js';
export { silentLogger, StderrLogger, type LogFields, type Logger, type LogLevel } from './logger.js';
export { isSpeakingChannel, type SpeakingChannel, type SpokenAgent, type SpokenGreeting } from './speaking-channel.js';
export type { SpeechRecognition, SpeechSynthesis, VoiceTransport } from './voice-seams.js';
