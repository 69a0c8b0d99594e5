/** What one turn's conversation with a model is made of: what the agent brings to every turn, and what this one adds. */
import type { Deadlines } from '../core/async/deadlines.js';
import type { Cancellation } from '../core/async/cancellation.js';
import type { ChannelServices, Turn } from '../core/channel.js';
import type { RetryPolicy } from '../core/models/delivery.js';
import type { Room } from '../core/models/room.js';
import type { Budget } from '../core/models/usage.js';
import type { Askers } from './askers.js';
import type { Conversation } from './history.js';
import type { TurnSettings } from './layers.js';
import type { LoopRecord } from './loop-record.js';
import type { AIProvider } from './provider.js';
import type { RunningTurns, SteeredTurn } from './steering.js';
import type { ReplyTargets } from './targets.js';
import type { ToolPolicy } from './tools/policy.js';
import type { ToolLimits } from './tools/tool-runner.js';

export interface LoopLimits extends ToolLimits {
  readonly maxToolRounds: number;
  readonly loopTimeoutSeconds: number;
}

/** The same for all turns of an agent. */
export interface AgentParts {
  readonly services: ChannelServices;
  readonly deadlines: Deadlines;
  readonly channelId: string;
  readonly provider: AIProvider;
  readonly fallbackProvider: AIProvider | undefined;
  readonly retryPolicy: RetryPolicy | undefined;
  readonly budget: Budget | undefined;
  readonly policy: ToolPolicy | undefined;
  readonly limits: LoopLimits;
  readonly running: RunningTurns;
}

/** One turn's own. */
export interface TurnParts {
  readonly turn: Turn;
  readonly room: Room;
  readonly askers: Askers;
  readonly settings: TurnSettings;
  readonly systemPrompt: string | undefined;
  /** The same before the kit's own notes. */
  readonly describedPrompt: string | undefined;
  readonly conversation: Conversation;
  readonly targets: ReplyTargets;
  readonly steered: SteeredTurn;
  readonly cancellation: Cancellation;
  /** How far it had come before it waited for people (APR-04). */
  readonly record: LoopRecord | undefined;
}
