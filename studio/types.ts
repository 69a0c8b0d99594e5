/** What Studio reads over the public surface: the package's own types, and what the routes put around them. */
import type {
  Access,
  Approval,
  ChannelBinding,
  ChannelType,
  ConversationState,
  DecisionTrace,
  DeliveryResult,
  EphemeralEvent,
  EventContent,
  Identity,
  IdentityMerge,
  Observation,
  OutboxRow,
  Participant,
  PhaseTransition,
  PromptTrace,
  Room,
  ServerFrame,
  Task,
  TurnDecisionTrace,
  TurnEndTrace,
  TurnRow,
  TurnStepTrace,
  WireEvent,
} from 'roomkit';

export type {
  Access,
  Approval,
  ChannelBinding,
  ChannelType,
  ConversationState,
  DecisionTrace,
  DeliveryResult,
  EphemeralEvent,
  EventContent,
  Identity,
  IdentityMerge,
  Observation,
  OutboxRow,
  Participant,
  PhaseTransition,
  PromptTrace,
  Room,
  ServerFrame,
  Task,
  TurnDecisionTrace,
  TurnEndTrace,
  TurnRow,
  TurnStepTrace,
  WireEvent,
};

/** `GET /api/rooms/ID`. */
export interface RoomDetail {
  readonly room: Room;
  readonly bindings: readonly ChannelBinding[];
  readonly participants: readonly Participant[];
  readonly state: ConversationState;
}

/** `GET /api/stats`. */
export interface Statistics {
  readonly state: string;
  /** These four are not told to a key of one organization. */
  readonly rooms?: number;
  readonly lanes?: number;
  readonly queued?: number;
  readonly tasks?: number;
  readonly breakers: Readonly<Record<string, string>>;
  readonly deliveries: Readonly<Record<string, number>>;
  readonly oldestQueuedAt?: string;
}

/** `GET /api/kit`. */
export interface KitInfo {
  readonly version: string;
  readonly organizationId?: string;
  readonly store: { readonly name: string; readonly persistent: boolean };
  readonly search: boolean;
  readonly clientTokens: boolean;
  readonly devices: boolean;
}

/** One message on a device of an emulated vendor. */
export interface LineMessage {
  readonly id: string;
  readonly isOwn: boolean;
  readonly text: string;
  readonly subject?: string;
  readonly mediaUrls: readonly string[];
  readonly buttons: readonly { readonly id: string; readonly label: string }[];
  readonly failure?: string;
}

/** One of `GET /devices`. */
export interface LineDevice {
  readonly id: string;
  readonly channelId: string;
  readonly kind: 'phone' | 'mailbox' | 'chat';
  readonly person: string;
  readonly address: string;
  readonly messages: readonly LineMessage[];
}

/** One of `GET /api/channels`. */
export interface ChannelInfo {
  readonly channelId: string;
  readonly channelType: ChannelType;
  readonly category: string;
  readonly provider?: string;
  readonly durable: boolean;
  readonly ready: boolean;
  readonly breaker?: string;
}

/** `POST /api/rooms/ID/handoff`. */
export interface HandoffAnswer {
  readonly accepted: boolean;
  readonly reason: string;
  readonly newAgentId?: string;
}

/** `POST /api/approvals/ID/resolve`. */
export interface ApprovalAnswered {
  readonly status: 'resolved' | 'already_resolved' | 'expired';
  readonly approval: Approval;
}
