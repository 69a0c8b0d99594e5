/**
 * Spans of a kit in the words of OpenTelemetry: those of its conventions for generative AI and messaging where they have one, and
 * `roomkit.*` for what is ours. As of November 2026. https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
import type * as OpenTelemetryModule from '@opentelemetry/api';
import type { Metadata } from '../../core/models/json.js';
import { vendorName } from '../../core/telemetry/gen-ai.js';
import type { SpanKind, SpanOptions } from '../../core/telemetry/provider.js';
import type { OpenTelemetryAPI } from './options.js';

/** A span as the API is told of it. */
export interface DescribedSpan {
  readonly name: string;
  readonly kind: OpenTelemetryModule.SpanKind;
  readonly attributes: OpenTelemetryModule.Attributes;
}

/** Ours, by what it is called there. */
const OURS: Readonly<Record<string, string>> = {
  attempt: 'roomkit.attempt',
  blocked: 'roomkit.blocked',
  channelId: 'roomkit.channel_id',
  channelType: 'roomkit.channel_type',
  content: 'roomkit.content',
  duplicate: 'roomkit.duplicate',
  end_reason: 'roomkit.turn.end_reason',
  event_id: 'roomkit.event_id',
  room_id: 'roomkit.room_id',
  state: 'roomkit.turn.state',
  targets: 'roomkit.targets',
  trigger: 'roomkit.hook.trigger',
  turn_id: 'roomkit.turn.id',
};

/** Of generations and tools: what the conventions name otherwise; '' is there under its name of the conventions already. */
const GENERATIVE: Readonly<Record<string, string>> = {
  arguments: 'gen_ai.tool.call.arguments',
  result: 'gen_ai.tool.call.result',
  provider: '',
  model: '',
  call_id: '',
  finish_reason: '',
  input_tokens: '',
  output_tokens: '',
  total_tokens: '',
  cache_read_tokens: '',
  cache_write_tokens: '',
  reasoning_tokens: '',
};

/** What a span is called, and what is known of it at its start. */
export function describeSpan(api: OpenTelemetryAPI, kind: SpanKind, name: string, options: SpanOptions): DescribedSpan {
  const { roomId, channelId, sessionId } = options;
  const { SpanKind: Kind } = api;
  const messaging = kind === 'framework.inbound' || kind === 'framework.delivery';
  const attributes: OpenTelemetryModule.Attributes = {
    'roomkit.kind': kind,
    ...(roomId !== undefined && { 'roomkit.room_id': roomId }),
    ...(channelId !== undefined && { 'roomkit.channel_id': channelId }),
    ...(sessionId !== undefined && { 'roomkit.session_id': sessionId }),
    ...(messaging && { 'messaging.system': 'roomkit' }),
    ...(messaging && channelId !== undefined && { 'messaging.destination.name': channelId }),
    ...(messaging && roomId !== undefined && { 'messaging.message.conversation_id': roomId }),
    ...attributesOf(kind, options.attributes),
  };
  const described = (shown: string, spanKind: OpenTelemetryModule.SpanKind, more: OpenTelemetryModule.Attributes = {}): DescribedSpan => ({
    name: shown,
    kind: spanKind,
    attributes: { ...attributes, ...more },
  });
  const place = channelId === undefined ? '' : ` ${channelId}`;
  switch (kind) {
    case 'framework.inbound':
      return name === 'send' ? described(`send${place}`, Kind.INTERNAL) : described(`process${place}`, Kind.CONSUMER, operation('process'));
    case 'framework.delivery':
      return described(`send${place}`, Kind.CLIENT, operation('send'));
    case 'framework.turn':
      return described(`invoke_agent${place}`, Kind.INTERNAL);
    case 'llm.generate':
      return described(`chat ${name}`, Kind.CLIENT);
    case 'llm.tool_call':
      return described(`execute_tool ${name}`, Kind.INTERNAL);
    case 'hook.sync':
    case 'hook.async':
      return described(`hook ${name}`, Kind.INTERNAL);
    default:
      return described(name, Kind.INTERNAL);
  }
}

/** Facts that come later, in the words of the conventions. */
export function attributesOf(kind: SpanKind, given: Metadata = {}): OpenTelemetryModule.Attributes {
  const attributes: OpenTelemetryModule.Attributes = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    const isGenerative = kind === 'llm.generate' || kind === 'llm.tool_call';
    if (isGenerative && (name === 'input' || name === 'output')) {
      attributes[`gen_ai.${name}.messages`] = messages(name === 'input' ? 'user' : 'assistant', value, given['finish_reason']);
      continue;
    }
    const called =
      (isGenerative && Object.hasOwn(GENERATIVE, name) ? GENERATIVE[name] : undefined) ??
      (Object.hasOwn(OURS, name) ? OURS[name] : undefined) ??
      name;
    if (called !== '') attributes[called] = plain(value);
    if (name === 'event_id' && (kind === 'framework.inbound' || kind === 'framework.delivery')) attributes['messaging.message.id'] = plain(value);
  }
  return attributes;
}

/** The same of measurements, which have a room in none of them: there are too many. */
export function metricAttributes(given: Metadata = {}): OpenTelemetryModule.Attributes {
  const attributes: OpenTelemetryModule.Attributes = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    if (name === 'provider' && typeof value === 'string') attributes['gen_ai.provider.name'] = vendorName(value);
    else if (name === 'model') attributes['gen_ai.request.model'] = plain(value);
    else attributes[(Object.hasOwn(OURS, name) ? OURS[name] : undefined) ?? name] = plain(value);
  }
  return attributes;
}

function operation(type: 'process' | 'send'): OpenTelemetryModule.Attributes {
  return { 'messaging.operation.type': type, 'messaging.operation.name': type };
}

/** The conventions have conversations as lists of messages made of parts. */
function messages(role: string, text: unknown, finishReason: unknown): string {
  const message = { role, parts: [{ type: 'text', content: text }] };
  return JSON.stringify([role === 'assistant' && finishReason !== undefined ? { ...message, finish_reason: finishReason } : message]);
}

/** A value as attributes may have it. */
function plain(value: unknown): OpenTelemetryModule.AttributeValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  try {
    const json: string | undefined = JSON.stringify(value); // undefined for functions and the like
    return json ?? typeof value;
  } catch {
    return typeof value === 'bigint' ? value.toString() : typeof value; // it refers to itself
  }
}
