/**
 * The closed vocabularies of the data model (behaviour §2): string-literal unions, each with a constant object that
 * gives the README's spelling. Every API takes the literal too (CON-02).
 */

/** Over what a channel speaks. One type may have many channels. */
export const ChannelType = {
  SMS: 'sms',
  MMS: 'mms',
  RCS: 'rcs',
  EMAIL: 'email',
  WHATSAPP: 'whatsapp',
  WHATSAPP_PERSONAL: 'whatsapp_personal',
  WEBSOCKET: 'websocket',
  AI: 'ai',
  VOICE: 'voice',
  REALTIME_VOICE: 'realtime_voice',
  PUSH: 'push',
  MESSENGER: 'messenger',
  TELEGRAM: 'telegram',
  TEAMS: 'teams',
  WEBHOOK: 'webhook',
  SYSTEM: 'system',
} as const;
export type ChannelType = (typeof ChannelType)[keyof typeof ChannelType];

/** `transport` carries events to the outside; `intelligence` answers them, as agents do. */
export const ChannelCategory = { TRANSPORT: 'transport', INTELLIGENCE: 'intelligence' } as const;
export type ChannelCategory = (typeof ChannelCategory)[keyof typeof ChannelCategory];

/** Which way a channel or a message goes. A binding that is `outbound` only produces: nothing is delivered to it (PERM-01). */
export const ChannelDirection = {
  INBOUND: 'inbound',
  OUTBOUND: 'outbound',
  BIDIRECTIONAL: 'bidirectional',
} as const;
export type ChannelDirection = (typeof ChannelDirection)[keyof typeof ChannelDirection];

/** The kinds of content a channel can carry; what it cannot is transcoded (§11.1). */
export const ChannelMediaType = {
  TEXT: 'text',
  RICH: 'rich',
  MEDIA: 'media',
  AUDIO: 'audio',
  VIDEO: 'video',
  LOCATION: 'location',
  TEMPLATE: 'template',
} as const;
export type ChannelMediaType = (typeof ChannelMediaType)[keyof typeof ChannelMediaType];

/** What an entry of the timeline is. `message` is the only type that counts as activity (ROOM-05). */
export const EventType = {
  MESSAGE: 'message',
  SYSTEM: 'system',
  TYPING: 'typing',
  READ_RECEIPT: 'read_receipt',
  DELIVERY_RECEIPT: 'delivery_receipt',
  PRESENCE: 'presence',
  REACTION: 'reaction',
  EDIT: 'edit',
  DELETE: 'delete',
  PARTICIPANT_JOINED: 'participant_joined',
  PARTICIPANT_LEFT: 'participant_left',
  PARTICIPANT_IDENTIFIED: 'participant_identified',
  PARTICIPANT_UPDATED: 'participant_updated',
  CHANNEL_ATTACHED: 'channel_attached',
  CHANNEL_DETACHED: 'channel_detached',
  CHANNEL_MUTED: 'channel_muted',
  CHANNEL_UNMUTED: 'channel_unmuted',
  CHANNEL_UPDATED: 'channel_updated',
  TASK_CREATED: 'task_created',
  OBSERVATION: 'observation',
  DTMF: 'dtmf',
  RECORDING_STARTED: 'recording_started',
  RECORDING_STOPPED: 'recording_stopped',
} as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

/** By what right something is deleted (EDT-03). Never taken from what a sender claims (PERM-08). */
export const DeleteType = { SENDER: 'sender', SYSTEM: 'system', ADMIN: 'admin' } as const;
export type DeleteType = (typeof DeleteType)[keyof typeof DeleteType];

/** How a stored event stands. `blocked` ones stay in the timeline and are heard by nobody. */
export const EventStatus = {
  PENDING: 'pending',
  DELIVERED: 'delivered',
  READ: 'read',
  FAILED: 'failed',
  BLOCKED: 'blocked',
} as const;
export type EventStatus = (typeof EventStatus)[keyof typeof EventStatus];

/** What a binding may do in its room: read, write, both or neither (§7). */
export const Access = {
  READ_WRITE: 'read_write',
  READ_ONLY: 'read_only',
  WRITE_ONLY: 'write_only',
  NONE: 'none',
} as const;
export type Access = (typeof Access)[keyof typeof Access];

/** How well a sender is known (§12). */
export const IdentificationStatus = {
  IDENTIFIED: 'identified',
  PENDING: 'pending',
  AMBIGUOUS: 'ambiguous',
  UNKNOWN: 'unknown',
  CHALLENGE_SENT: 'challenge_sent',
  REJECTED: 'rejected',
} as const;
export type IdentificationStatus = (typeof IdentificationStatus)[keyof typeof IdentificationStatus];

/** What a participant is in its room; tool policies ask for it (TL-10). */
export const ParticipantRole = {
  OWNER: 'owner',
  AGENT: 'agent',
  MEMBER: 'member',
  OBSERVER: 'observer',
  BOT: 'bot',
} as const;
export type ParticipantRole = (typeof ParticipantRole)[keyof typeof ParticipantRole];

/** Whether a participant takes part. */
export const ParticipantStatus = { ACTIVE: 'active', INACTIVE: 'inactive', LEFT: 'left', BANNED: 'banned' } as const;
export type ParticipantStatus = (typeof ParticipantStatus)[keyof typeof ParticipantStatus];

/** How far a task is. The kit stores it and gives it no further meaning. */
export const TaskStatus = {
  PENDING: 'pending',
  IN_PROGRESS: 'in_progress',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
} as const;
export type TaskStatus = (typeof TaskStatus)[keyof typeof TaskStatus];

/** `active` and `paused` rooms take events; `closed` and `archived` ones never grow (ROOM-04). */
export const RoomStatus = { ACTIVE: 'active', PAUSED: 'paused', CLOSED: 'closed', ARCHIVED: 'archived' } as const;
export type RoomStatus = (typeof RoomStatus)[keyof typeof RoomStatus];

/** `sync` handlers of a gate decide, one after another; `async` ones watch what it let through (HK-01). */
export const HookExecution = { SYNC: 'sync', ASYNC: 'async' } as const;
export type HookExecution = (typeof HookExecution)[keyof typeof HookExecution];

/** The usual phases of a conversation; any other string is legal too. */
export const ConversationPhase = {
  INTAKE: 'intake',
  QUALIFICATION: 'qualification',
  HANDLING: 'handling',
  ESCALATION: 'escalation',
  RESOLUTION: 'resolution',
  FOLLOWUP: 'followup',
} as const;
export type ConversationPhase = (typeof ConversationPhase)[keyof typeof ConversationPhase] | (string & {});

/** What is heard now and never stored (§20). */
export const EphemeralEventType = {
  TYPING_START: 'typing_start',
  TYPING_STOP: 'typing_stop',
  PRESENCE_ONLINE: 'presence_online',
  PRESENCE_AWAY: 'presence_away',
  PRESENCE_OFFLINE: 'presence_offline',
  READ_RECEIPT: 'read_receipt',
  REACTION: 'reaction',
  CUSTOM: 'custom',
} as const;
export type EphemeralEventType = (typeof EphemeralEventType)[keyof typeof EphemeralEventType];

/** How a source's connection stands (§22). */
export const SourceStatus = {
  STOPPED: 'stopped',
  CONNECTING: 'connecting',
  CONNECTED: 'connected',
  RECONNECTING: 'reconnecting',
  ERROR: 'error',
} as const;
export type SourceStatus = (typeof SourceStatus)[keyof typeof SourceStatus];

/** How far a durable delivery is (§10). `unknown`: it may have gone out, and nobody can say (OUT-09). */
export const OutboxState = {
  QUEUED: 'queued',
  SENDING: 'sending',
  SENT: 'sent',
  UNKNOWN: 'unknown',
  DELIVERED: 'delivered',
  READ: 'read',
  FAILED: 'failed',
  EXPIRED: 'expired',
  CANCELLED: 'cancelled',
} as const;
export type OutboxState = (typeof OutboxState)[keyof typeof OutboxState];

/** How far a turn of an agent is (§17). `empty`: it ended without words, and nothing was posted. */
export const TurnState = {
  QUEUED: 'queued',
  RUNNING: 'running',
  WAITING: 'waiting',
  COMMITTED: 'committed',
  EMPTY: 'empty',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  MERGED: 'merged',
} as const;
export type TurnState = (typeof TurnState)[keyof typeof TurnState];

/** Why a turn ended. */
export const TurnEndReason = {
  COMPLETED: 'completed',
  MAX_ROUNDS: 'max_rounds',
  TIMEOUT: 'timeout',
  TRUNCATED: 'truncated',
  EMPTY: 'empty',
  CANCELLED: 'cancelled',
  FORCE_STOPPED: 'force_stopped',
  BUDGET_EXCEEDED: 'budget_exceeded',
  ERROR: 'error',
} as const;
export type TurnEndReason = (typeof TurnEndReason)[keyof typeof TurnEndReason];

/** What becomes of a message that comes while the agent's turn runs (§17). `queue` and `reject` work today; others are refused. */
export const CollisionPolicy = {
  QUEUE: 'queue',
  BURST: 'burst',
  STEER: 'steer',
  INTERRUPT: 'interrupt',
  REJECT: 'reject',
} as const;
export type CollisionPolicy = (typeof CollisionPolicy)[keyof typeof CollisionPolicy];

/** Who reacts to what an agent says (BC-03): every agent that may, or only those it addresses. */
export const AgentResponsePolicy = { AGENT_CHAIN: 'agent_chain', ADDRESSED_ONLY: 'addressed_only' } as const;
export type AgentResponsePolicy = (typeof AgentResponsePolicy)[keyof typeof AgentResponsePolicy];
