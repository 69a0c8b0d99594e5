/** What a kit is made with, and the defaults (behaviour §4). */
import type { Clock } from './clock.js';
import type { ContentTranscoder } from './delivery/transcode.js';
import { ValidationError } from './errors.js';
import type { IdGenerator } from './ids.js';
import type { IdentityResolver } from './identity/resolver.js';
import type { RoomLockManager } from './locks/lock.js';
import type { Logger } from './logger.js';
import type { MediaStore } from './media/media-store.js';
import type { ToolFunction } from './models/ai.js';
import type { ChannelType } from './models/vocabulary.js';
import { checkOptionNames, type OptionNames } from './option-names.js';
import type { InboundRoomRouter } from './pipeline/router.js';
import type { RealtimeBackend } from './realtime/backend.js';
import { checkRetention, type RetentionOptions } from './retention/rules.js';
import type { ConversationStore } from './store/store.js';
import type { TokenPrices } from './telemetry/prices.js';
import type { TelemetryConfig } from './telemetry/provider.js';
import type { SpeechRecognition, SpeechSynthesis, VoiceTransport } from './voice-seams.js';

/** What a kit is made with. All of it is optional: without options everything lives in this process's memory. */
export interface RoomKitOptions {
  /** Default: a new `InMemoryStore`. */
  readonly store?: ConversationStore;
  /** Default: `InMemoryLockManager`. */
  readonly lockManager?: RoomLockManager;
  /** Default: `InMemoryRealtime`. */
  readonly realtime?: RealtimeBackend;
  /** Finds out who senders are; default: nobody asks, and senders are who they say (§12). */
  readonly identityResolver?: IdentityResolver;
  /** Channel types whose senders are resolved; default all. */
  readonly identityChannelTypes?: readonly ChannelType[];
  /** Default: `DefaultInboundRouter`. */
  readonly inboundRouter?: InboundRoomRouter;
  /** How deep agents may answer each other; at least 1, cannot be switched off (KIT-01). Default 5. */
  readonly maxChainDepth?: number;
  /** Default 10. */
  readonly identityTimeoutSeconds?: number;
  /** From the call to the commit; default 30. */
  readonly processTimeoutSeconds?: number;
  /** Default 30. */
  readonly hookTimeoutSeconds?: number;
  /** One delivery attempt; default 30. */
  readonly deliveryTimeoutSeconds?: number;
  /** Default 300. */
  readonly turnTimeoutSeconds?: number;
  /** A turn that could not start for so long expires; default 300. */
  readonly turnTtlSeconds?: number;
  /** A delivery that could not be made for so long expires; default 3600. */
  readonly outboxTtlSeconds?: number;
  /**
   * How often stored work is looked for that nobody has, and expired approvals. Default 5. 0 switches it off: the kit then keeps no timers of its
   * own for it, and the host calls `kit.recover()` (OPS-06).
   */
  readonly recoverIntervalSeconds?: number;
  /** Default 30. */
  readonly leaseSeconds?: number;
  /** For `kit.transcribe`; default none. */
  readonly stt?: SpeechRecognition;
  /** For `kit.synthesize`; default none. */
  readonly tts?: SpeechSynthesis;
  /** Closed with the kit; default none. */
  readonly voice?: VoiceTransport;
  /** Where spans and metrics go; default nowhere. */
  readonly telemetry?: TelemetryConfig;
  /** Handlers of tools that rooms and bindings name (AI-02). */
  readonly tools?: Readonly<Record<string, ToolFunction>>;
  /** Takes the place of the built-in table; default that table (§11.1). */
  readonly transcoder?: ContentTranscoder;
  /** Keeps the bytes of media; default: media stays a link. */
  readonly mediaStore?: MediaStore;
  /** What becomes of a delivery whose outcome stays unknown; default `resend` (OUT-09). */
  readonly onUnknown?: 'resend' | 'hold';
  /** Default 10. */
  readonly drainSeconds?: number;
  /** The kit sweeps room timers by itself every so often; default: the host does (ROOM-08). */
  readonly sweepIntervalSeconds?: number;
  /** Events whose decision trace is kept; default 1000, 0 switches it off (TEL-07). */
  readonly traceEvents?: number;
  /** Model → what a million of its tokens costs; a model without prices has no cost (USG-02). Default none. */
  readonly prices?: Readonly<Record<string, TokenPrices>>;
  /** After how long what is removed, for all and per organization; default: nothing ever is (§37). */
  readonly retention?: RetentionOptions;
  /** Messages a sender may send through a channel; off by default (INB-26). */
  readonly inboundRateLimit?: {
    readonly maxPerSecond?: number;
    readonly maxPerMinute?: number;
    readonly maxPerHour?: number;
    readonly burst?: number;
  };
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: random UUIDs, time-ordered ones for events. */
  readonly ids?: IdGenerator;
  /** Numbers of at least 0 and below 1, for what is spread by chance, such as the pauses between attempts. Default `Math.random`. */
  readonly random?: () => number;
  /** Default: warnings and errors on stderr, one line each; `ROOMKIT_LOG` says how much. */
  readonly logger?: Logger;
  /** Applied to people's words before telemetry records them (TEL-06). */
  readonly redact?: (text: string) => string;
  /** Scopes everything this kit reads and writes (PERM-09). */
  readonly organizationId?: string;
}

const NAMES: OptionNames<RoomKitOptions> = {
  store: true,
  lockManager: true,
  realtime: true,
  identityResolver: true,
  identityChannelTypes: true,
  inboundRouter: true,
  maxChainDepth: true,
  identityTimeoutSeconds: true,
  processTimeoutSeconds: true,
  hookTimeoutSeconds: true,
  deliveryTimeoutSeconds: true,
  turnTimeoutSeconds: true,
  turnTtlSeconds: true,
  outboxTtlSeconds: true,
  recoverIntervalSeconds: true,
  leaseSeconds: true,
  stt: true,
  tts: true,
  voice: true,
  telemetry: true,
  tools: true,
  transcoder: true,
  mediaStore: true,
  onUnknown: true,
  drainSeconds: true,
  sweepIntervalSeconds: true,
  traceEvents: true,
  prices: true,
  inboundRateLimit: true,
  retention: true,
  clock: true,
  ids: true,
  random: true,
  logger: true,
  redact: true,
  organizationId: true,
};

/** The numbers of a kit, all given. */
export interface Limits {
  readonly maxChainDepth: number;
  readonly identityTimeoutSeconds: number;
  readonly processTimeoutSeconds: number;
  readonly hookTimeoutSeconds: number;
  readonly deliveryTimeoutSeconds: number;
  readonly turnTimeoutSeconds: number;
  readonly turnTtlSeconds: number;
  readonly outboxTtlSeconds: number;
  readonly recoverIntervalSeconds: number;
  readonly leaseSeconds: number;
  readonly drainSeconds: number;
  readonly traceEvents: number;
}

const DEFAULT_LIMITS: Limits = {
  maxChainDepth: 5,
  identityTimeoutSeconds: 10,
  processTimeoutSeconds: 30,
  hookTimeoutSeconds: 30,
  deliveryTimeoutSeconds: 30,
  turnTimeoutSeconds: 300,
  turnTtlSeconds: 300,
  outboxTtlSeconds: 3600,
  recoverIntervalSeconds: 5,
  leaseSeconds: 30,
  drainSeconds: 10,
  traceEvents: 1000,
};

/** The limits of a kit; refuses what makes no sense, naming option and value. */
export function limitsOf(options: RoomKitOptions): Limits {
  checkOptionNames('new RoomKit', options, NAMES);
  if (options.retention !== undefined) checkRetention(options.retention);
  const limits: Record<keyof Limits, number> = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const given: unknown = options[name];
    if (given === undefined) continue;
    const least = name === 'traceEvents' || name === 'drainSeconds' || name === 'recoverIntervalSeconds' ? 0 : Number.MIN_VALUE;
    if (typeof given !== 'number' || !Number.isFinite(given) || given < least) {
      throw new ValidationError(
        `Option ${name} is ${JSON.stringify(given)}. Give a number ${least === 0 ? 'of 0 or more' : 'above 0'}; default ${DEFAULT_LIMITS[name]}.`,
      );
    }
    limits[name] = given;
  }
  if (!Number.isInteger(limits.maxChainDepth)) {
    throw new ValidationError(`Option maxChainDepth is ${limits.maxChainDepth}. Give a whole number of 1 or more; it cannot be switched off.`);
  }
  if (options.onUnknown !== undefined && options.onUnknown !== 'resend' && options.onUnknown !== 'hold') {
    throw new ValidationError(`Option onUnknown is ${JSON.stringify(options.onUnknown)}. Use 'resend' or 'hold'.`);
  }
  return limits;
}
