/**
 * The closed vocabularies of the data model (behaviour §2): string-literal unions, each with a constant object that
 * gives the README's spelling. Every API takes the literal too (CON-02).
 */

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

export const ChannelCategory = { TRANSPORT: 'transport', INTELLIGENCE: 'intelligence' } as const;
export type ChannelCategory = (typeof ChannelCategory)[keyof typeof ChannelCategory];

export const ChannelDirection = {
  INBOUND: 'inbound',
  OUTBOUND: 'outbound',
  BIDIRECTIONAL: 'bidirectional',
} as const;
export type ChannelDirection = (typeof ChannelDirection)[keyof typeof ChannelDirection];

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

export const DeleteType = { SENDER: 'sender', SYSTEM: 'system', ADMIN: 'admin' } as const;
export type DeleteType = (typeof DeleteType)[keyof typeof DeleteType];

export const EventStatus = {
  PENDING: 'pending',
  DELIVERED: 'delivered',
  READ: 'read',
  FAILED: 'failed',
  BLOCKED: 'blocked',
} as const;
export type EventStatus = (typeof EventStatus)[keyof typeof EventStatus];

export const Access = {
  READ_WRITE: 'read_write',
  READ_ONLY: 'read_only',
  WRITE_ONLY: 'write_only',
  NONE: 'none',
} as const;
export type Access = (typeof Access)[keyof typeof Access];

export const IdentificationStatus = {
  IDENTIFIED: 'identified',
  PENDING: 'pending',
  AMBIGUOUS: 'ambiguous',
  UNKNOWN: 'unknown',
  CHALLENGE_SENT: 'challenge_sent',
  REJECTED: 'rejected',
} as const;
export type IdentificationStatus = (typeof IdentificationStatus)[keyof typeof IdentificationStatus];

export const ParticipantRole = {
  OWNER: 'owner',
  AGENT: 'agent',
  MEMBER: 'member',
  OBSERVER: 'observer',
  BOT: 'bot',
} as const;
export type ParticipantRole = (typeof ParticipantRole)[keyof typeof ParticipantRole];

export const ParticipantStatus = { ACTIVE: 'active', INACTIVE: 'inactive', LEFT: 'left', BANNED: 'banned' } as const;
export type ParticipantStatus = (typeof ParticipantStatus)[keyof typeof ParticipantStatus];

export const TaskStatus = {
  PENDING: 'pending',
  IN_PROGRESS: 'in_progress',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
} as const;
export type TaskStatus = (typeof TaskStatus)[keyof typeof TaskStatus];

export const RoomStatus = { ACTIVE: 'active', PAUSED: 'paused', CLOSED: 'closed', ARCHIVED: 'archived' } as const;
export type RoomStatus = (typeof RoomStatus)[keyof typeof RoomStatus];

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

export const SourceStatus = {
  STOPPED: 'stopped',
  CONNECTING: 'connecting',
  CONNECTED: 'connected',
  RECONNECTING: 'reconnecting',
  ERROR: 'error',
} as const;
export type SourceStatus = (typeof SourceStatus)[keyof typeof SourceStatus];

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

export const CollisionPolicy = {
  QUEUE: 'queue',
  BURST: 'burst',
  STEER: 'steer',
  INTERRUPT: 'interrupt',
  REJECT: 'reject',
} as const;
export type CollisionPolicy = (typeof CollisionPolicy)[keyof typeof CollisionPolicy];

export const AgentResponsePolicy = { AGENT_CHAIN: 'agent_chain', ADDRESSED_ONLY: 'addressed_only' } as const;
export type AgentResponsePolicy = (typeof AgentResponsePolicy)[keyof typeof AgentResponsePolicy];
