/** Who leads a conversation: handing it over, taking it as a person, giving it back. */
import { z } from 'zod';
import { getConversationState, isHandledByHuman, type Room, type RoomState } from '../../core/index.js';
import { handoffHandlerOf, HandoffHandler } from '../../orchestration/handoff.js';
import { reachRoom } from '../access.js';
import { requireScope } from '../auth/principal.js';
import type { ServerParts } from '../parts.js';
import { id, text } from '../schemas/common.js';
import { Conversation } from '../schemas/rooms.js';
import { ok, route, type Route } from './route.js';

const reason = text(4000);
const State = z.object({ state: Conversation, handledByHuman: z.boolean() });

export const conversationRoutes: readonly Route[] = [
  route({
    id: 'getConversation',
    method: 'get',
    path: '/api/rooms/{roomId}/conversation',
    tag: 'conversation',
    scope: 'operate',
    summary: 'See phase, active agent and history of a conversation.',
    answers: { 200: { description: 'Where the conversation stands.', schema: State } },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params }) {
      return ok(shown((await reachRoom(parts.kit, principal, params.roomId)).room));
    },
  }),

  route({
    id: 'setActiveAgent',
    method: 'put',
    path: '/api/rooms/{roomId}/conversation/active-agent',
    tag: 'conversation',
    scope: 'operate',
    summary: 'Take the conversation over as a person, or give it to an agent.',
    description: '`null` is a person: no agent answers until one is put in charge again. Answers that had begun before are refused.',
    body: z.strictObject({ agentId: id.nullable(), phase: id.optional(), reason: reason.optional() }),
    answers: { 200: { description: 'Where the conversation stands now.', schema: State } },
    refusals: ['room_not_found', 'room_closed'],
    async handle({ parts: { kit }, principal, params: { roomId }, body: { agentId, ...options } }) {
      await reachRoom(kit, principal, roomId);
      await kit.setActiveAgent(roomId, agentId, options);
      return ok(shown(await kit.getRoom(roomId)));
    },
  }),

  route({
    id: 'handOver',
    method: 'post',
    path: '/api/rooms/{roomId}/handoff',
    tag: 'conversation',
    scope: 'operate',
    summary: 'Hand the conversation over to an agent of the room, or to `human`.',
    description:
      'As agents do it with their tool: along the phases of their pipeline and within its limits. Hooks hear of it, and the timeline shows from whom to whom, and why. Being refused is an outcome, not an error.',
    body: z.strictObject({
      target: id,
      reason: reason.optional(),
      summary: reason.optional(),
      nextPhase: id.optional(),
      override: z.boolean().optional().meta({ description: 'Go where the phases do not lead. Needs the scope `operate`; default false.' }),
    }),
    answers: {
      200: {
        description: 'Whether it was accepted, and who has the conversation now.',
        schema: State.extend({ accepted: z.boolean(), newAgentId: z.string().optional(), newPhase: z.string().optional(), reason: z.string() }),
      },
    },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params: { roomId }, body: { target, nextPhase, override = false, ...words } }) {
      const state = await reachRoom(parts.kit, principal, roomId);
      if (override) requireScope(principal, 'operate');
      const { accepted, newAgentId, newPhase, reason } = await handoffs(parts, state, target).handle({
        roomId,
        callingAgentId: principal.id,
        overridesPhases: override,
        arguments: { target, ...words, ...(nextPhase !== undefined && { next_phase: nextPhase }) },
      });
      return ok({
        accepted,
        ...(newAgentId !== undefined && { newAgentId }),
        ...(newPhase !== undefined && { newPhase }),
        reason,
        ...shown(await parts.kit.getRoom(roomId)),
      });
    },
  }),
];

const handlers = new WeakMap<ServerParts, HandoffHandler>();

/**
 * The handler whose rules hold in a room: that of the agent who leads it, else of the one it goes to, else of any agent in
 * it. Without a pipeline only who is in the room counts.
 */
function handoffs(parts: ServerParts, { room, bindings }: RoomState, target: string): HandoffHandler {
  const agents = bindings.filter(({ category }) => category === 'intelligence').map(({ channelId }) => channelId);
  const first = [getConversationState(room).activeAgentId, target].filter((agentId) => agentId != null && agents.includes(agentId));
  for (const agentId of [...first, ...agents]) {
    const channel = agentId == null ? undefined : parts.kit.getChannel(agentId);
    const handler = channel && handoffHandlerOf(channel);
    if (handler !== undefined) return handler;
  }
  let handler = handlers.get(parts);
  if (handler === undefined) handlers.set(parts, (handler = new HandoffHandler(parts.kit)));
  return handler;
}

function shown(room: Room): z.input<typeof State> {
  const state = getConversationState(room);
  return { state: state as z.input<typeof Conversation>, handledByHuman: isHandledByHuman(state) };
}
