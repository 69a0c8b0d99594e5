/** Models for contract suites: small ones with what a case is about, and full ones with every field there is. */
import { channelCapabilities } from '../../core/models/capabilities.js';
import type { ApprovalRow } from '../../core/models/approval.js';
import type { AIConfig } from '../../core/models/ai.js';
import type { ChannelBinding } from '../../core/models/binding.js';
import type { EventContent } from '../../core/models/content.js';
import type { OutboxRow, TurnRow } from '../../core/models/delivery.js';
import type { EventSource, RoomEvent, RoomEventDraft } from '../../core/models/event.js';
import type { Metadata } from '../../core/models/json.js';
import type { Identity, Participant } from '../../core/models/people.js';
import type { Room } from '../../core/models/room.js';
import type { Observation, Task } from '../../core/models/task.js';
import type { UsageRecord } from '../../core/models/usage.js';
import type { HeldMessage } from '../../core/store/store.js';

/** Noon of a day, and seconds after it. */
export function at(seconds = 0): string {
  return new Date(Date.UTC(2026, 0, 1, 12, 0, seconds)).toISOString();
}

export function room(id: string, fields: Partial<Room> = {}): Room {
  return {
    id,
    status: 'active',
    createdAt: at(),
    updatedAt: at(),
    timers: {},
    metadata: {},
    agentResponsePolicy: 'agent_chain',
    eventCount: 0,
    latestIndex: -1,
    version: 0,
    ...fields,
  };
}

function fullConfig(): Required<AIConfig> {
  return {
    systemPrompt: 'Be kind.',
    temperature: 0.5,
    maxTokens: 100,
    thinkingBudget: 10,
    budget: { turn: 1000, room: { tokens: 5000, cost: 2.5 }, day: { cost: 10 } },
    tools: [{ name: 'look', description: 'Looks.', parameters: { type: 'object' }, idempotent: true }],
  };
}

export function fullRoom(id: string): Required<Room> {
  return {
    id,
    organizationId: 'org',
    status: 'paused',
    createdAt: at(),
    updatedAt: at(1),
    closedAt: at(2),
    timers: { inactiveAfterSeconds: 60, closedAfterSeconds: 3600, lastActivityAt: at(1) },
    metadata: { topic: 'Billing — “Ümläut” 😀', nested: { list: [1, 'two', null, true], empty: {} }, zero: 0, none: null },
    aiConfig: fullConfig(),
    agentResponsePolicy: 'addressed_only',
    collision: { policy: 'queue', debounceMs: 1, leadingDebounceMs: 2, maxQueued: 3 },
    eventCount: 0,
    latestIndex: -1,
    version: 0,
  };
}

export function source(channelId: string, fields: Partial<EventSource> = {}): EventSource {
  return { channelId, channelType: 'sms', direction: 'inbound', rawPayload: {}, ...fields };
}

/** A message; each call makes a new object, because a commit takes it over. */
export function draft(roomId: string, id: string, fields: Partial<RoomEventDraft> = {}): RoomEventDraft {
  return {
    id,
    roomId,
    type: 'message',
    source: source('sms'),
    content: { type: 'text', body: `text of ${id}` },
    status: 'delivered',
    visibility: 'all',
    index: -1,
    chainDepth: 0,
    createdAt: at(),
    metadata: {},
    channelData: {},
    ...fields,
  };
}

/** Everything but `deliveryResults`, which is never stored. */
export type FullEvent = Required<Omit<RoomEvent, 'deliveryResults'>>;

export function fullEvent(roomId: string, id: string): { -readonly [Field in keyof FullEvent]: FullEvent[Field] } {
  const from: Required<EventSource> = {
    channelId: 'sms',
    channelType: 'whatsapp',
    direction: 'outbound',
    participantId: 'ada',
    externalId: `external-${id}`,
    provider: 'vendor',
    rawPayload: { From: '+1', deep: { list: [{ a: 1 }] } },
    providerMessageId: 'SM1',
  };
  return {
    id,
    roomId,
    type: 'message',
    source: from,
    content: { type: 'rich', body: '**Hi** 😀', format: 'markdown', plainText: 'Hi', buttons: [{ id: 'b', label: 'B', kind: 'reply', value: 'v' }] },
    status: 'blocked',
    blockedBy: 'no_cards',
    visibility: 'transport',
    index: -1,
    chainDepth: 3,
    parentEventId: 'parent',
    correlationId: 'root',
    idempotencyKey: `key-${id}`,
    addressedTo: ['helper', 'other'],
    responseVisibility: 'internal',
    createdAt: at(7),
    metadata: { score: 0.25, tags: ['a'], none: null },
    channelData: { provider: 'vendor', externalId: 'x', threadId: 'thread', extra: { subject: 'Re: Hi' } },
  };
}

/** Of each type of content one with all its fields. */
export const CONTENTS: readonly EventContent[] = [
  { type: 'text', body: 'Grüße, 世界 😀 \u0000 "quoted" \\ \u2028', language: 'de' },
  {
    type: 'rich',
    body: '<b>Choose</b>',
    format: 'html',
    plainText: 'Choose',
    buttons: [
      { id: '1', label: 'Open', kind: 'url', url: 'https://example.com' },
      { id: '2', label: 'Call', kind: 'call', phone: '+15550100' },
    ],
    cards: [
      { id: 'c', title: 'Card', subtitle: 'Sub', body: 'Body', imageUrl: 'https://example.com/a.png', url: 'https://example.com', buttons: [] },
    ],
    quickReplies: ['Yes', { id: 'no', label: 'No', value: 'n', imageUrl: 'https://example.com/n.png' }],
  },
  { type: 'media', url: 'https://example.com/a.pdf', mimeType: 'application/pdf', filename: 'a.pdf', sizeBytes: 12, caption: 'A file' },
  { type: 'location', latitude: -12.5, longitude: 179.25, label: 'Here', address: 'Street 1' },
  { type: 'audio', url: 'https://example.com/a.ogg', mimeType: 'audio/ogg', durationSeconds: 1.5, transcript: 'Hello' },
  { type: 'video', url: 'https://example.com/a.mp4', mimeType: 'video/mp4', durationSeconds: 2, thumbnailUrl: 'https://example.com/a.jpg' },
  {
    type: 'composite',
    parts: [
      { type: 'text', body: 'one' },
      { type: 'composite', parts: [{ type: 'text', body: 'two' }] },
    ],
  },
  { type: 'system', body: 'Joined', code: 'joined', data: { who: 'ada' } },
  { type: 'template', templateId: 'welcome', language: 'en', parameters: { name: 'Ada' }, body: 'Hello Ada' },
  { type: 'edit', targetEventId: 'e0', newContent: { type: 'text', body: 'new' }, editSource: 'sender' },
  { type: 'delete', targetEventId: 'e0', deleteType: 'admin', reason: 'spam' },
];

export function binding(roomId: string, channelId: string, fields: Partial<ChannelBinding> = {}): ChannelBinding {
  return {
    channelId,
    roomId,
    channelType: 'sms',
    category: 'transport',
    direction: 'bidirectional',
    access: 'read_write',
    muted: false,
    outputMuted: false,
    visibility: 'all',
    attachedAt: at(),
    capabilities: channelCapabilities(),
    metadata: {},
    ...fields,
  };
}

export function fullBinding(roomId: string, channelId: string): Required<ChannelBinding> {
  return {
    channelId,
    roomId,
    channelType: 'email',
    category: 'intelligence',
    direction: 'outbound',
    access: 'read_only',
    muted: true,
    outputMuted: true,
    visibility: 'internal',
    participantId: 'ada',
    address: 'ada@example.com',
    attachedAt: at(3),
    capabilities: { ...channelCapabilities({ mediaTypes: ['text', 'media'], maxLength: 160, overflow: 'split', custom: { deep: { a: [1] } } }) },
    rateLimit: { maxPerSecond: 1, maxPerMinute: 2, maxPerHour: 3, burst: 4 },
    retryPolicy: { maxRetries: 1, baseDelaySeconds: 2, maxDelaySeconds: 3, exponentialBase: 4, jitter: 'full', retryableErrors: ['timeout'] },
    collision: { policy: 'burst', debounceMs: 5 },
    metadata: { email_address: 'ada@example.com', deep: { list: [1, { two: 2 }] } },
  };
}

export function participant(roomId: string, id: string, fields: Partial<Participant> = {}): Participant {
  return {
    id,
    roomId,
    channelId: 'sms',
    role: 'member',
    status: 'active',
    identification: 'unknown',
    connectedVia: [],
    joinedAt: at(),
    metadata: {},
    ...fields,
  };
}

export function fullParticipant(roomId: string, id: string): Required<Participant> {
  return {
    id,
    roomId,
    channelId: 'sms',
    displayName: 'Ada Lovelace',
    role: 'owner',
    status: 'banned',
    identification: 'ambiguous',
    identityId: 'identity-1',
    candidates: [fullIdentity('c1'), { id: 'c2' }],
    connectedVia: ['sms', 'mail'],
    externalId: '+15550100',
    resolvedAt: at(4),
    resolvedBy: 'hook',
    joinedAt: at(3),
    metadata: { vip: true, deep: { a: [null] } },
  };
}

export function fullIdentity(id: string): Required<Identity> {
  return {
    id,
    organizationId: 'org',
    displayName: 'Ada',
    email: 'ada@example.com',
    phone: '+15550100',
    channelAddresses: { sms: [`+1-${id}`, `+2-${id}`], email: [`${id}@example.com`] },
    externalId: 'crm-1',
    externalIds: { crm: '1', shop: '2' },
    metadata: { tier: 'gold', deep: { a: [1] } },
  };
}

export function task(roomId: string, id: string, fields: Partial<Task> = {}): Task {
  return { id, roomId, title: `Task ${id}`, status: 'pending', createdAt: at(), metadata: {}, ...fields };
}

export function fullTask(roomId: string, id: string): Required<Task> {
  return {
    id,
    roomId,
    title: 'Call',
    description: 'Back',
    assignedTo: 'grace',
    status: 'in_progress',
    createdAt: at(5),
    expiresAt: at(50),
    metadata: { deep: { a: [1] } },
  };
}

export function observation(roomId: string, id: string, fields: Partial<Observation> = {}): Observation {
  return { id, roomId, channelId: 'helper', content: `Observation ${id}`, confidence: 1, createdAt: at(), metadata: {}, ...fields };
}

export function fullObservation(roomId: string, id: string): Required<Observation> {
  return {
    id,
    roomId,
    channelId: 'helper',
    content: 'Is cross',
    category: 'mood',
    confidence: 0.75,
    createdAt: at(6),
    metadata: { deep: { a: [1] } },
  };
}

/** A row for an event's delivery to a channel; the store fills in the index. */
export function row(roomId: string, eventId: string, channelId: string, fields: Partial<OutboxRow> = {}): OutboxRow {
  return {
    id: `${eventId}>${channelId}`,
    roomId,
    eventId,
    eventIndex: -1,
    channelId,
    state: 'queued',
    attempts: 0,
    idempotencyKey: `${eventId}:${channelId}`,
    createdAt: at(),
    expiresAt: at(3600),
    ...fields,
  };
}

export function fullRow(roomId: string, eventId: string, channelId: string): Required<OutboxRow> {
  return {
    id: `${eventId}>${channelId}`,
    roomId,
    eventId,
    eventIndex: -1,
    channelId,
    state: 'failed',
    attempts: 4,
    nextAttemptAt: at(10),
    leaseOwner: 'kit-1',
    leaseUntil: at(20),
    fencingToken: 7,
    idempotencyKey: `${eventId}:${channelId}`,
    createdAt: at(1),
    expiresAt: at(2),
    provider: 'vendor',
    providerMessageId: `SM-${eventId}`,
    partsSent: 2,
    partMessageIds: [`SM-${eventId}-0`, `SM-${eventId}`],
    lastError: { code: 'timeout', message: 'Too slow.', retryable: true, retryAfterSeconds: 3 },
    trace: { ...TRACE },
  };
}

/** As telemetry that knows trace context leaves it with rows (TEL-08). */
const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'vendor=1' };

export function turn(roomId: string, id: string, channelId: string, fields: Partial<TurnRow> = {}): TurnRow {
  return {
    id,
    roomId,
    channelId,
    triggerEventIds: [`trigger-of-${id}`],
    triggerIndex: -1,
    state: 'queued',
    attempts: 0,
    createdAt: at(),
    expiresAt: at(3600),
    ...fields,
  };
}

export function fullTurn(roomId: string, id: string, channelId: string): Required<TurnRow> {
  return {
    id,
    roomId,
    channelId,
    triggerEventIds: ['e1', 'e2'],
    triggerIndex: -1,
    state: 'failed',
    attempts: 2,
    leaseOwner: 'kit-1',
    leaseUntil: at(20),
    createdAt: at(1),
    expiresAt: at(2),
    endReason: 'error',
    replyEventIds: ['r1'],
    usage: { input: 3, output: 4 },
    error: { code: 'crashed', message: 'Twice.', channelId },
    startedTools: ['tool-1'],
    mergedInto: 't0',
    suspended: { loop: { messages: [{ role: 'user', content: 'Hi' }], rounds: 1 }, replyEventIds: ['r0'], suspendedAt: at(9) },
    trace: { ...TRACE },
  };
}

export function approval(roomId: string, id: string, fields: Partial<ApprovalRow> = {}): ApprovalRow {
  return {
    id,
    roomId,
    turnId: `turn-of-${id}`,
    callId: 'call-1',
    agentId: 'helper',
    tool: 'refund',
    arguments: {},
    requestedAt: at(),
    expiresAt: at(60),
    visibility: 'internal',
    askedBy: [],
    state: 'pending',
    secret: `secret-of-${id}`,
    ...fields,
  };
}

export function fullApproval(roomId: string, id: string): Required<ApprovalRow> {
  return {
    id,
    roomId,
    turnId: 't1',
    callId: 'call-7',
    agentId: 'other',
    tool: 'refund',
    arguments: { order: 'A-1', lines: [{ amount: 12.5, note: null }] },
    requestedAt: at(1),
    expiresAt: at(30),
    visibility: 'sms,mail',
    approvers: ['grace', 'owner'],
    askedBy: ['ada'],
    state: 'approved',
    resolvedAt: at(2),
    resolvedBy: 'grace',
    reason: 'Is right.',
    approvedArguments: { order: 'A-1', lines: [] },
    changedBy: 'grace',
    secret: 'secret',
  };
}

export function held(id: string, fields: Partial<HeldMessage> = {}): HeldMessage {
  return {
    id,
    kind: 'challenge',
    key: 'ada',
    message: { channelId: 'sms', senderId: 'ada', content: `held ${id}` },
    heldAt: at(),
    expiresAt: at(60),
    ...fields,
  };
}

export function fullHeld(id: string): Required<HeldMessage> {
  return {
    id,
    kind: 'edit',
    key: 'sms:external',
    roomId: 'room',
    message: {
      channelId: 'sms',
      senderId: 'ada',
      content: { type: 'text', body: 'Hi', language: 'en' },
      eventType: 'message',
      externalId: 'x',
      threadId: 't',
      idempotencyKey: 'k',
      metadata: { a: [1] },
      rawPayload: { b: { c: 2 } },
      providerMessageId: 'SM',
      visibility: 'all',
      responseVisibility: 'internal',
      parentEventId: 'p',
      addressedTo: ['helper'],
    },
    heldAt: at(),
    expiresAt: at(60),
  };
}

export function fullUsage(roomId: string): Required<UsageRecord> {
  const tokens = { input_tokens: 5, output_tokens: 2, audio_tokens: 1 };
  return { roomId, turnId: 't1', agentId: 'helper', provider: 'vendor', model: 'small', tokens, ms: 12.5, cost: 0.25, at: at(3) };
}

export function fullFact(): Metadata {
  return { at: at(2), nested: { words: ['stop', 'ünd \u0000 \ud83d\ude00'] }, none: null };
}
