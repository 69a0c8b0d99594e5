/** How an agent's tool call passes the kit's hooks (HK-14): declared here so that channels need not know the hook engine. */
import type { Metadata } from '../models/json.js';
import type { ToolCallEvent, ToolUseEvent } from '../models/ai.js';

/** Whether a tool may run, and with which arguments. */
export type ToolUseVerdict = { readonly allowed: true; readonly arguments: Metadata } | { readonly allowed: false; readonly reason: string };

/** The hooks around a tool call. A channel that runs tools asks it before and tells it after. */
export interface ToolUseGate {
  /** Asks `before_tool_use`. Modified arguments come back; they are to be validated again. */
  before(roomId: string, call: ToolUseEvent, signal: AbortSignal): Promise<ToolUseVerdict>;
  /** Tells `on_tool_call`. */
  after(roomId: string, call: ToolCallEvent): Promise<void>;
}
