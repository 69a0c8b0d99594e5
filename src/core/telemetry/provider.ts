/** The contract of telemetry (behaviour §24): spans and metrics without people's words. */
import type { Awaitable, Metadata } from '../models/json.js';
import type { HookTrigger } from '../hooks/triggers.js';
import type { TraceContext } from './trace-context.js';

/** What a span measures (TEL-04). */
export const SpanKind = {
  INBOUND: 'framework.inbound',
  BROADCAST: 'framework.broadcast',
  DELIVERY: 'framework.delivery',
  TURN: 'framework.turn',
  HOOK_SYNC: 'hook.sync',
  HOOK_ASYNC: 'hook.async',
  LLM_GENERATE: 'llm.generate',
  LLM_TOOL_CALL: 'llm.tool_call',
  STT_TRANSCRIBE: 'stt.transcribe',
  STT_STREAM: 'stt.stream',
  TTS_SYNTHESIZE: 'tts.synthesize',
  VOICE_SESSION: 'voice.session',
  PIPELINE_SPEECH_SEGMENT: 'pipeline.speech_segment',
  PIPELINE_INBOUND: 'pipeline.inbound',
  PIPELINE_OUTBOUND: 'pipeline.outbound',
  REALTIME_SESSION: 'realtime.session',
  REALTIME_TURN: 'realtime.turn',
  REALTIME_TOOL_CALL: 'realtime.tool_call',
  BACKEND_CONNECT: 'backend.connect',
  STORE_QUERY: 'store.query',
  CUSTOM: 'custom',
} as const;
export type SpanKind = (typeof SpanKind)[keyof typeof SpanKind];

/** Another span that has to do with one without being its parent: that of a message which is answered together with others (TEL-10). */
export interface SpanLink {
  /** A span of this provider, which may have ended. Absent: it is another process's, or of an earlier time. */
  readonly spanId?: string;
  /** Where that one is. Only for providers that know trace context. */
  readonly context?: TraceContext;
  /** What is known of it, such as `event_id`. */
  readonly attributes?: Metadata;
}

/** What a span belongs to. */
export interface SpanOptions {
  /** The span it is part of; absent for a root. */
  readonly parentId?: string;
  /** Of a root: the span of another process, or of an earlier time, that it is part of (TEL-08). Only for providers that know trace context. */
  readonly remoteParent?: TraceContext;
  /** Spans it has to do with from its beginning. A provider may leave them out. */
  readonly links?: readonly SpanLink[];
  /** Never people's words, unless `content` is on (TEL-06). */
  readonly attributes?: Metadata;
  /** The room it happens in. */
  readonly roomId?: string;
  /** The call or session it belongs to. */
  readonly sessionId?: string;
  /** The channel it concerns. */
  readonly channelId?: string;
}

/** How a span ended; default `ok`. */
export interface SpanEnd {
  readonly status?: 'ok' | 'error';
  readonly errorMessage?: string;
  readonly attributes?: Metadata;
}

/** One figure that was looked for. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly attributes?: Metadata;
}

/** Takes spans and metrics. What it throws changes nothing for the kit (TEL-02). */
export interface TelemetryProvider {
  readonly name: string;
  /** Returns the span's id. */
  startSpan(kind: SpanKind, name: string, options?: SpanOptions): string;
  /** An unknown id changes nothing. */
  endSpan(spanId: string, end?: SpanEnd): void;
  /** Adds a fact to a span that runs. An unknown id changes nothing. */
  setAttribute(spanId: string, key: string, value: unknown): void;
  /** Links a span that runs to another one. Without this, what it turns out to have to do with later is not told. An unknown id changes nothing. */
  addLink?(spanId: string, link: SpanLink): void;
  /** Takes one measurement. */
  recordMetric(name: string, value: number, attributes?: Metadata): void;
  /**
   * Has `look` called whenever measurements are exported, and takes what it resolves to; returns how to stop. It never rejects, and asks
   * the store. Without this the kit looks once a minute, and tells `recordMetric` (TEL-05).
   */
  observe?(look: () => Promise<readonly Measurement[]>): () => void;
  /**
   * The trace context of a span, also of one that has ended. A provider that has this knows trace context: it is told of traces
   * that come from outside, and its own are stored with deliveries and turns and sent to vendors (TEL-08).
   */
  contextOf?(spanId: string): TraceContext | undefined;
  /** Runs `work` with the span as the active one, so that spans the program makes inside are part of it. */
  runIn?(spanId: string, work: () => void): void;
  /** Whether a span of the program's own is active here: then a root of ours is part of it, whatever the headers say. */
  hasActiveSpan?(): boolean;
  /** Hands on what is still kept back. */
  flush?(): Awaitable<void>;
  /** Called once, when the kit closes; `flush` came before. */
  close?(): Awaitable<void>;
}

/** Spans and metrics of a channel's own work: generations, tool calls, connections (TEL-04, TEL-05). */
export interface ChannelTracing {
  /** Under the given span, else under the call that runs. Undefined: nothing was started. */
  start(kind: SpanKind, name: string, options?: SpanOptions): string | undefined;
  /** Once; an unknown id changes nothing. */
  end(spanId: string | undefined, end?: SpanEnd): void;
  /** Runs `work` inside the span: what is begun there is part of it, and vendors are told of it. Without a span it just runs. */
  run<T>(spanId: string | undefined, work: () => T): T;
  /** Records one measurement of this channel. */
  metric(name: string, value: number, attributes?: Metadata): void;
  /** People's and models' words as they may be recorded: redacted, or not at all (TEL-06). */
  words(text: string): string | undefined;
}

/** Where spans and metrics go, and how many of them (TEL-01). Without a provider nothing is measured. */
export interface TelemetryConfig {
  /** Default: nothing is measured. */
  readonly provider?: TelemetryProvider;
  /** 0..1, decided per trace at its root, by the kit's `random`. Default 1. */
  readonly sampleRate?: number;
  /** Only these kinds; default all. */
  readonly enabledSpans?: readonly SpanKind[];
  /** Added to every span. Default nothing. */
  readonly metadata?: Metadata;
  /** Hook triggers without spans; default the audio level triggers. */
  readonly suppressedHookTriggers?: readonly HookTrigger[];
  /** Whether people's words may be recorded, after `redact`. Default false. */
  readonly content?: boolean;
  /**
   * What becomes of a trace that comes with a webhook or request (TEL-09): `continue` carries it on, and `sampleRate` decides whether
   * it is recorded; `trust` records what the caller records, and only that; `ignore` begins a trace of its own. Default `continue`.
   */
  readonly incomingTrace?: 'continue' | 'trust' | 'ignore';
  /**
   * Whether requests to vendors carry the trace (TEL-08). Switch it off where an instrumentation of `fetch` adds the headers itself.
   * Default true, for a provider that knows trace context.
   */
  readonly outgoingTrace?: boolean;
}
