/** What is exchanged with language models (behaviour §3.4). */
import type { RoomKit } from '../kit.js';
import type { ChannelCapabilities } from './capabilities.js';
import type { Approval, Approver } from './approval.js';
import type { Awaitable, Metadata } from './json.js';
import type { Room } from './room.js';
import type { ObservationDraft, TaskDraft } from './task.js';
import type { Budget } from './usage.js';
import type { ChannelMediaType } from './vocabulary.js';

/** A piece of a message to or from a model, told apart by `type`. */
export type AIContextPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly url: string; readonly mimeType?: string }
  | { readonly type: 'thinking'; readonly text: string; readonly signature?: string }
  | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly arguments: Metadata }
  | {
      readonly type: 'tool_result';
      readonly toolCallId: string;
      readonly name: string;
      readonly result: string | readonly AIContextPart[];
      readonly isError?: boolean;
    };

/** JSON Schema of an object, as sent to the model. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a tool knows of the call it runs in (TL-11). There is no other "current room". */
export interface ToolContext {
  readonly roomId: string;
  readonly channelId: string;
  readonly turnId: string;
  readonly callId: string;
  readonly participantId?: string;
  readonly signal: AbortSignal;
  /** The same for the same call in a repeated turn (TURN-04). */
  readonly idempotencyKey: string;
  /** The kit the agent belongs to (TL-11). */
  readonly kit: RoomKit;
}

/** Runs one tool. What is not a string is sent to the model as JSON. */
export type ToolFunction<Arguments = Metadata> = (args: Arguments, context: ToolContext) => unknown;

/** A tool as a model is offered it. {@link defineTool} makes one whose handler's arguments are typed. */
export interface AITool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema; default `{}` (anything). */
  readonly parameters?: JsonSchema;
  /** Never stored (CON-05). */
  readonly handler?: ToolFunction;
  /** Default false: after a crash a call that had started is not run again (TURN-04). */
  readonly idempotent?: boolean;
  /** A person has to allow every call (true), or those of which this says so; default none (APR-01). */
  readonly requiresApproval?: boolean | ((args: Metadata, call: ApprovalCall) => Awaitable<boolean>);
  /** Who may allow it: participant ids and roles, or a function. Default: participants of role owner or agent, and the host (APR-03). */
  readonly approvers?: readonly string[] | ((by: Approver, approval: Approval) => Awaitable<boolean>);
  /** Who hears that it is asked for: a visibility as of events, default `internal`. Where people see it, it has buttons (APR-07). */
  readonly approvalVisibility?: string;
  /** After so long nobody can allow it any more; default a day. */
  readonly approvalExpiresInSeconds?: number;
}

/** The call of which `requiresApproval` has to say whether a person must allow it. */
export type ApprovalCall = Omit<ToolContext, 'signal' | 'idempotencyKey' | 'kit'>;

/** A model's wish to run a tool. The channel checks it before anything runs (TL-03). */
export interface AIToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: Metadata;
  /** The model's arguments were no JSON; `arguments` holds them as `{ raw }`. The call is answered with an error. */
  readonly invalid?: boolean;
}

/** One message of the conversation a model is shown. */
export interface AIMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string | readonly AIContextPart[];
  readonly metadata?: Metadata;
}

/** Settings of a room or binding that override an agent's own (AI-02). */
export interface AIConfig {
  /** Takes the place of the agent's own prompt. */
  readonly systemPrompt?: string;
  /** As the model understands it. */
  readonly temperature?: number;
  /** Length of an answer at most. */
  readonly maxTokens?: number;
  /** Joins the agent's; of one name, this one wins. Handlers are found by name in the kit's `tools` (AI-02). */
  readonly tools?: readonly AITool[];
  /** Tokens a model may spend on thinking, where it can. */
  readonly thinkingBudget?: number;
  /** What the room's agents may use together; beside each agent's own (USG-03). */
  readonly budget?: Budget;
}

/** All a model is given for one generation. Providers translate it and add nothing. */
export interface AIContext {
  readonly messages: readonly AIMessage[];
  readonly systemPrompt?: string;
  readonly temperature?: number;
  /** Absent: the provider's configuration decides. */
  readonly maxTokens?: number;
  readonly tools: readonly AITool[];
  readonly room?: Room;
  readonly targetCapabilities?: ChannelCapabilities;
  readonly targetMediaTypes: readonly ChannelMediaType[];
  readonly metadata?: Metadata;
}

/** What a model was given for one generation, told apart by where it comes from: for the figures of its trace (TEL-07). */
export interface GivenPrompt {
  /** The agent's own prompt, or that of its room or binding. */
  readonly ownPrompt: string | undefined;
  /** The same with who the agent is. */
  readonly describedPrompt: string | undefined;
  /** All of it, as it is given. */
  readonly systemPrompt: string | undefined;
  readonly messages: readonly AIMessage[];
  /** How many of the first ones come from the memory's own words. */
  readonly remembered: number;
  /** Where what is answered begins. */
  readonly askedFrom: number;
  readonly tools: readonly AITool[];
}

/** Tokens by kind: `input_tokens` (without cache reads), `output_tokens`, `cache_read_tokens`, `cache_write_tokens`, `reasoning_tokens`. */
export type Usage = Readonly<Record<string, number>>;

/** A model's whole answer. With `toolCalls` the turn goes on. */
export interface AIResponse {
  readonly content: string;
  readonly finishReason?: string;
  readonly usage?: Usage;
  readonly metadata?: Metadata;
  readonly tasks?: readonly TaskDraft[];
  readonly observations?: readonly ObservationDraft[];
  readonly toolCalls?: readonly AIToolCall[];
}

/** A piece of a streamed answer, told apart by `type`. `done` is the last one, and there is exactly one. */
export type AIStreamItem =
  | { readonly type: 'text_delta'; readonly text: string }
  | { readonly type: 'thinking_delta'; readonly text: string }
  | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly arguments: Metadata; readonly invalid?: boolean }
  | { readonly type: 'done'; readonly finishReason?: string; readonly usage?: Usage; readonly metadata?: Metadata };

/** Payload of `before_tool_use`: a tool is about to run. A modification replaces `arguments`, which are checked again (HK-14). */
export interface ToolUseEvent {
  readonly tool: string;
  readonly arguments: Metadata;
  readonly channelId: string;
  readonly callId: string;
  readonly turnId: string;
}

/** Payload of `on_tool_call`: a tool ran. `result` is the text the model gets. */
export interface ToolCallEvent extends ToolUseEvent {
  readonly result: string;
  readonly isError: boolean;
  readonly durationMs: number;
}
