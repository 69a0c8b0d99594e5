/** What Studio reads over the public surface: the package's own types, and what the routes put around them. */
import type {
  ChannelBinding,
  ChannelType,
  ConversationState,
  DecisionTrace,
  DeliveryResult,
  EphemeralEvent,
  EventContent,
  Observation,
  OutboxRow,
  Participant,
  PhaseTransition,
  Room,
  ServerFrame,
  Task,
  TurnRow,
  TurnStepTrace,
  WireEvent,
} from 'roomkit';

export type {
  ChannelBinding,
  ChannelType,
  ConversationState,
  DecisionTrace,
  DeliveryResult,
  EphemeralEvent,
  EventContent,
  Observation,
  OutboxRow,
  Participant,
  PhaseTransition,
  Room,
  ServerFrame,
  Task,
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

/** `GET /readyz`. */
export interface Health {
  readonly status: string;
  readonly lanes: number;
  readonly queued: number;
  readonly breakers: Readonly<Record<string, string>>;
}
