/** What a registered channel may use of its kit, and how an agent's tool calls pass the hooks (HK-14). */
import { callScope } from './call-scope.js';
import type { ChannelServices } from './channel.js';
import type { FrameworkEventType } from './framework-events.js';
import type { SideEffects } from './hooks/effects.js';
import type { RoomKit } from './kit.js';
import type { MediaKeeper } from './media/media-keeper.js';
import { publishMedia } from './media/publish.js';
import type { ToolFunction } from './models/ai.js';
import type { ProtocolTrace } from './models/trace.js';
import type { KitParts } from './parts.js';
import { Cascade } from './pipeline/cascade.js';
import { loadHeld, loadState } from './pipeline/commit.js';
import { commitOne } from './pipeline/injected.js';
import { withSection } from './pipeline/section.js';
import { storeEffects } from './pipeline/side-effects.js';
import { publishEphemeral } from './realtime/publish.js';
import { contextOf } from './rooms/history.js';
import { memoryAccess } from './rooms/memory-access.js';
import { answeredBy, messageIdOf, messageIdsOf, noteMessageIds } from './rooms/own-messages.js';
import { readVisible } from './rooms/timeline.js';
import type { ChannelTracing } from './telemetry/provider.js';
import type { ToolUseGate } from './turns/tool-gate.js';

export function channelServices(parts: KitParts, channelId: string, kit: RoomKit): ChannelServices {
  const tools: ReadonlyMap<string, ToolFunction> = new Map(Object.entries(parts.options.tools ?? {}));
  return {
    clock: parts.clock,
    logger: parts.logger,
    emitTrace: (trace) => takeTrace(parts, channelId, trace),
    emit: (type, data, roomId) => {
      // Channels emit the framework's own event names; an unknown one has no listener and costs nothing.
      const known = type as FrameworkEventType;
      if (parts.framework.has(known)) parts.framework.emit(known, { channelId, data, ...(roomId !== undefined && { roomId }) });
    },
    readVisible: (roomId, options) => readVisible(parts, roomId, channelId, options),
    messageIdOf: (roomId, eventId) => messageIdOf(parts, channelId, roomId, eventId),
    messageIdsOf: (roomId, eventId) => messageIdsOf(parts, channelId, roomId, eventId),
    noteMessageIds: (roomId, eventId, messageIds) => noteMessageIds(parts, channelId, roomId, eventId, messageIds),
    answeredBy: (event) => answeredBy(parts, channelId, event),
    follow: (roomId) => parts.followers.follow(channelId, roomId),
    unfollow: (roomId) => parts.followers.unfollow(channelId, roomId),
    publish: (event) => publishEphemeral(parts, event),
    ...(parts.tracer.enabled && { tracing: tracingOf(parts, channelId) }),
    toolGate: toolGate(parts, channelId),
    memory: memoryAccess(parts, channelId),
    ...(parts.media !== undefined && { publishMedia: publisher(parts, parts.media) }),
    tools,
    kit,
  };
}

function publisher(parts: KitParts, keeper: MediaKeeper): NonNullable<ChannelServices['publishMedia']> {
  return (content, event) => publishMedia(parts, keeper, content, event);
}

/** Spans nest under the call that runs: a turn's under the message that caused it (TEL-04). */
function tracingOf({ tracer }: KitParts, channelId: string): ChannelTracing {
  return {
    start: (kind, name, { remoteParent: stored, ...options } = {}) => {
      const roomId = options.roomId ?? callScope.getStore()?.turn?.roomId;
      return tracer.startHere(kind, name, { channelId, stored, ...options, ...(roomId !== undefined && { roomId }) });
    },
    end: (spanId, end) => tracer.end(spanId, end),
    run: (spanId, work) => tracer.run(spanId, work),
    metric: (name, value, attributes) => tracer.metric(name, value, { channelId, ...attributes }),
    words: (text) => tracer.words(text),
  };
}

/** A trace of a known room is told at once; one that came before its room is held (HK-16). */
function takeTrace(parts: KitParts, channelId: string, trace: ProtocolTrace): void {
  const channel = parts.channels.get(channelId)?.channel;
  const roomId = trace.roomId ?? (trace.sessionId === undefined ? undefined : channel?.resolveTraceRoom?.(trace.sessionId));
  if (roomId === undefined) return;
  void parts.tasks.run(async () => {
    const state = await parts.store.loadRoom(roomId);
    if (state === null) parts.protocolTraces.hold(roomId, trace);
    else await tellTrace(parts, roomId, trace);
  });
}

export async function tellTrace(parts: KitParts, roomId: string, trace: ProtocolTrace): Promise<void> {
  if (!parts.hooks.has('on_protocol_trace', roomId)) return;
  const state = await parts.store.loadRoom(roomId);
  if (state === null) return;
  const source = state.bindings.find((binding) => binding.channelId === trace.channelId) ?? { channelId: trace.channelId };
  await parts.hooks.notice('on_protocol_trace', Object.freeze({ ...trace, roomId }), { roomId, source, context: () => contextOf(state) });
}

function toolGate(parts: KitParts, channelId: string): ToolUseGate {
  return {
    before: async (roomId, call) => {
      if (!parts.hooks.has('before_tool_use', roomId)) return { allowed: true, arguments: call.arguments };
      const state = await loadState(parts, roomId);
      const source = state.bindings.find((binding) => binding.channelId === channelId) ?? { channelId };
      const outcome = await parts.hooks.gate('before_tool_use', Object.freeze(call), { roomId, source, context: () => contextOf(state) });
      if (outcome.effects !== undefined) await keepEffects(parts, roomId, channelId, outcome.effects);
      return outcome.blockedBy === undefined
        ? { allowed: true, arguments: outcome.payload.arguments }
        : { allowed: false, reason: outcome.reason ?? outcome.blockedBy };
    },
    after: async (roomId, call) => {
      if (!parts.hooks.has('on_tool_call', roomId)) return;
      const state = await loadState(parts, roomId);
      const source = state.bindings.find((binding) => binding.channelId === channelId) ?? { channelId };
      await parts.hooks.notice('on_tool_call', Object.freeze(call), { roomId, source, context: () => contextOf(state) });
    },
  };
}

/** What hooks left around a tool belongs to the turn: whoever waits for its answer waits for this too (HK-04). */
async function keepEffects(parts: KitParts, roomId: string, channelId: string, effects: SideEffects): Promise<void> {
  const cascade = callScope.getStore()?.turn?.cascade ?? new Cascade();
  storeEffects(parts, roomId, channelId, effects, cascade);
  for (const injected of effects.injectedEvents) {
    try {
      await withSection(parts, roomId, async (section) => {
        await commitOne(parts, section, await loadHeld(parts, section), undefined, injected, cascade);
      });
    } catch (error) {
      parts.logger.error('An injected event could not be committed.', { roomId, channelId, error });
    }
  }
}
