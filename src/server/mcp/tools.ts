/** What an assistant can do in rooms: each tool is one call of a route, with its scope and its checks. */
import { z } from 'zod';
import { Access, ApprovalState, ChannelType, RoomStatus, TaskStatus } from '../../core/index.js';
import { isClient, type Principal, type Scope } from '../auth/principal.js';
import { json } from '../schemas/common.js';
import type { CallRoute } from './call.js';

/** A tool of the MCP server. */
export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The route it calls: who may not call that does not see the tool. */
  readonly route: string;
  /** What the caller needs besides: an assistant may do less than a person whose token it has. */
  readonly scope?: Scope;
  readonly input: z.ZodObject;
  readonly annotations: { readonly readOnlyHint: boolean; readonly destructiveHint?: boolean; readonly idempotentHint?: boolean };
  run(call: CallRoute, given: Readonly<Record<string, unknown>>, principal: Principal): Promise<unknown>;
}

const id = z.string().min(1).max(255);
const roomId = id.describe('The room.');
const channelId = id.describe('The channel, as list_channels of the room names it.');
const reason = z.string().max(4000);
const visibility = z.string().min(1).describe("Who hears it: 'all', 'none', 'transport', 'intelligence', 'internal', or channel ids with commas.");

const READS = { readOnlyHint: true } as const;
const ADDS = { readOnlyHint: false, destructiveHint: false } as const;
const SETS = { readOnlyHint: false, destructiveHint: false, idempotentHint: true } as const;
const ENDS = { readOnlyHint: false, destructiveHint: true, idempotentHint: true } as const;

function tool<Input extends z.ZodObject>(
  definition: Omit<McpTool, 'input' | 'run'> & {
    readonly input: Input;
    readonly run: (call: CallRoute, given: z.output<Input>, principal: Principal) => Promise<unknown>;
  },
): McpTool {
  const { run } = definition;
  // The SDK hands over what the schema made of the arguments.
  return { ...definition, run: (call, given, principal) => run(call, given as z.output<Input>, principal) };
}

export const MCP_TOOLS: readonly McpTool[] = [
  tool({
    name: 'list_rooms',
    title: 'List rooms',
    description: 'Lists the rooms there are for you, newest first.',
    route: 'listRooms',
    annotations: READS,
    input: z.strictObject({ status: z.enum(RoomStatus).optional(), limit: z.number().int().min(1).max(200).optional() }),
    run: (call, query) => call('listRooms', { query }),
  }),
  tool({
    name: 'get_room',
    title: 'Look into a room',
    description: 'Shows a room with its channels, its people, and how far the conversation is.',
    route: 'getRoom',
    annotations: READS,
    input: z.strictObject({ roomId }),
    run: (call, params) => call('getRoom', { params }),
  }),
  tool({
    name: 'read_timeline',
    title: 'Read a timeline',
    description: 'Reads what was said in a room, the newest first unless afterIndex is given. Go on with the index of the last event you have.',
    route: 'listEvents',
    annotations: READS,
    input: z.strictObject({
      roomId,
      afterIndex: z.number().int().min(-1).optional().describe('Only events after this index, oldest first.'),
      beforeIndex: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(1000).optional().describe('Default 50.'),
      as: id.optional().describe('Only what this channel may see.'),
    }),
    run: (call, { roomId, ...query }) => call('listEvents', { params: { roomId }, query: { ...query, newestFirst: query.afterIndex === undefined } }),
  }),
  tool({
    name: 'search_messages',
    title: 'Search messages',
    description: 'Finds events by their words, newest first, in one room or in all.',
    route: 'searchEvents',
    annotations: READS,
    input: z.strictObject({ text: z.string().min(1).max(500), roomId: id.optional(), limit: z.number().int().min(1).max(200).optional() }),
    run: (call, query) => call('searchEvents', { query }),
  }),
  tool({
    name: 'send_message',
    title: 'Send a message',
    description:
      'Says something in a room. With a client token you speak as yourself. Else name the channel to speak as; with senderId the message counts as one that this person sent over the channel.',
    route: 'sendMessage',
    annotations: ADDS,
    input: z.strictObject({
      roomId,
      content: z.union([z.string(), z.looseObject({ type: z.string() })]).describe('A text, or content such as { type: "rich", body: "**Hi**" }.'),
      channelId: channelId.optional(),
      senderId: id.optional().describe('The person who sent it over the channel.'),
      participantId: id.optional().describe('Who in the channel speaks, when the host speaks.'),
      visibility: visibility.optional(),
      addressedTo: z.array(id).max(100).optional().describe('Exactly these agents are to answer; empty: nobody.'),
      parentEventId: id.optional(),
      idempotencyKey: id.optional().describe('A repeat with the same key is answered with the first message.'),
      waitForAnswers: z.boolean().optional().describe('Answer only once deliveries and the answers of agents have settled.'),
    }),
    run(call, { roomId, idempotencyKey, waitForAnswers, senderId, ...said }, principal) {
      const given = { params: { roomId }, headers: { 'idempotency-key': idempotencyKey } };
      const wait = waitForAnswers === true ? 'cascade' : 'commit';
      if (!isClient(principal) && senderId === undefined) return call('sendEvent', { ...given, body: { ...said, wait } });
      return call('sendMessage', { ...given, body: { ...said, wait, ...(senderId !== undefined && { senderId }) } });
    },
  }),
  tool({
    name: 'list_participants',
    title: 'List participants',
    description: 'Lists everybody a room knows.',
    route: 'listParticipants',
    annotations: READS,
    input: z.strictObject({ roomId }),
    run: (call, params) => call('listParticipants', { params }),
  }),
  tool({
    name: 'list_channels',
    title: 'List channels',
    description: 'Lists the channels of a room and what each may do there; without a room, those of the kit.',
    route: 'listBindings',
    annotations: READS,
    input: z.strictObject({ roomId: roomId.optional() }),
    run: (call, { roomId }) => (roomId === undefined ? call('listChannels', {}) : call('listBindings', { params: { roomId } })),
  }),
  tool({
    name: 'attach_channel',
    title: 'Attach a channel',
    description: 'Lets a channel of the kit take part in a room. Attached already: only the given fields change.',
    route: 'attachChannel',
    annotations: SETS,
    input: z.strictObject({
      roomId,
      channelId,
      access: z.enum(Access).optional(),
      visibility: visibility.optional(),
      participantId: id.optional(),
      metadata: json.optional().describe("Such as the recipient's address."),
    }),
    run: (call, { roomId, channelId, ...body }) => call('attachChannel', { params: { roomId, channelId }, body }),
  }),
  tool({
    name: 'detach_channel',
    title: 'Detach a channel',
    description: 'Takes a channel out of a room. Deliveries that wait there are cancelled.',
    route: 'detachChannel',
    annotations: ENDS,
    input: z.strictObject({ roomId, channelId }),
    run: (call, params) => call('detachChannel', { params }),
  }),
  tool({
    name: 'mute_channel',
    title: 'Mute or unmute a channel',
    description: 'Nothing a muted channel says is heard; it still listens.',
    route: 'changeBinding',
    annotations: SETS,
    input: z.strictObject({ roomId, channelId, muted: z.boolean().optional().describe('Default true; false unmutes.') }),
    run: (call, { roomId, channelId, muted = true }) => call('changeBinding', { params: { roomId, channelId }, body: { muted } }),
  }),
  tool({
    name: 'set_visibility',
    title: 'Set visibility',
    description: 'Says who hears what a channel says.',
    route: 'changeBinding',
    annotations: SETS,
    input: z.strictObject({ roomId, channelId, visibility }),
    run: (call, { roomId, channelId, visibility }) => call('changeBinding', { params: { roomId, channelId }, body: { visibility } }),
  }),
  tool({
    name: 'set_access',
    title: 'Set access',
    description: 'Says what a channel may do in a room: read, write, both or neither.',
    route: 'changeBinding',
    annotations: SETS,
    input: z.strictObject({ roomId, channelId, access: z.enum(Access) }),
    run: (call, { roomId, channelId, access }) => call('changeBinding', { params: { roomId, channelId }, body: { access } }),
  }),
  tool({
    name: 'update_room_metadata',
    title: 'Update room metadata',
    description: "Merges keys into a room's metadata; null removes a key.",
    route: 'changeRoom',
    annotations: SETS,
    input: z.strictObject({ roomId, metadata: json }),
    run: (call, { roomId, metadata }) => call('changeRoom', { params: { roomId }, body: { metadata } }),
  }),
  tool({
    name: 'close_room',
    title: 'Close a room',
    description: 'Closes a room: it takes no more messages until it is reopened.',
    route: 'closeRoom',
    annotations: ENDS,
    input: z.strictObject({ roomId }),
    run: (call, params) => call('closeRoom', { params }),
  }),
  tool({
    name: 'create_task',
    title: 'Create a task',
    description: 'Leaves something to be done in a room.',
    route: 'createTask',
    annotations: ADDS,
    input: z.strictObject({
      roomId,
      title: z.string().min(1).max(1000),
      description: z.string().max(20_000).optional(),
      assignedTo: id.optional(),
      metadata: json.optional(),
    }),
    run: (call, { roomId, ...body }) => call('createTask', { params: { roomId }, body }),
  }),
  tool({
    name: 'update_task',
    title: 'Update a task',
    description: 'Changes a task, for example when it is done.',
    route: 'changeTask',
    annotations: SETS,
    input: z.strictObject({
      roomId,
      taskId: id,
      status: z.enum(TaskStatus).optional(),
      title: z.string().min(1).max(1000).optional(),
      description: z.string().max(20_000).optional(),
      assignedTo: id.optional(),
    }),
    run: (call, { roomId, taskId, ...body }) => call('changeTask', { params: { roomId, taskId }, body }),
  }),
  tool({
    name: 'list_approvals',
    title: 'List approvals',
    description: 'Lists calls of tools that wait, or have waited, for a person.',
    route: 'listApprovals',
    annotations: READS,
    input: z.strictObject({ roomId: roomId.optional(), state: z.enum(ApprovalState).optional() }),
    run: (call, query) => call('listApprovals', { query }),
  }),
  tool({
    name: 'resolve_approval',
    title: 'Pass on the answer to an approval',
    description: 'Passes on what a person has decided about a call that waits. Never decide it yourself: `by` is the person who did.',
    route: 'resolveApproval',
    scope: 'operate',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input: z.strictObject({
      approvalId: id,
      approve: z.boolean(),
      by: id.describe('Who has decided: a participant of the room, or a name of the host.'),
      reason: reason.optional(),
      arguments: json.optional().describe('What is to run in place of what was asked for.'),
    }),
    run: (call, { approvalId, ...body }) => call('resolveApproval', { params: { approvalId }, body }),
  }),
  tool({
    name: 'list_tasks',
    title: 'List tasks',
    description: 'Lists the tasks of a room.',
    route: 'listTasks',
    annotations: READS,
    input: z.strictObject({ roomId, status: z.enum(TaskStatus).optional() }),
    run: (call, { roomId, ...query }) => call('listTasks', { params: { roomId }, query }),
  }),
  tool({
    name: 'add_observation',
    title: 'Add an observation',
    description: 'Says what you noticed about a conversation; it is kept beside it, and nobody in the room hears it.',
    route: 'addObservation',
    annotations: ADDS,
    input: z.strictObject({
      roomId,
      content: z.string().min(1).max(20_000),
      channelId: id.optional().describe('Who noticed it; default the system.'),
      category: id.optional(),
      confidence: z.number().min(0).max(1).optional(),
    }),
    run: (call, { roomId, ...body }) => call('addObservation', { params: { roomId }, body }),
  }),
  tool({
    name: 'find_identity',
    title: 'Find an identity',
    description: 'Finds whom an address belongs to.',
    route: 'findIdentity',
    annotations: READS,
    input: z.strictObject({ channelType: z.enum(ChannelType), address: z.string().min(1).max(320) }),
    run: (call, query) => call('findIdentity', { query }),
  }),
  tool({
    name: 'resolve_identity',
    title: 'Resolve an identity',
    description: 'Says which identity a participant of a room is.',
    route: 'resolveParticipant',
    annotations: SETS,
    input: z.strictObject({ roomId, participantId: id, identityId: id }),
    run: (call, { roomId, participantId, identityId }, principal) =>
      call('resolveParticipant', { params: { roomId, participantId }, body: { identityId, resolvedBy: principal.id } }),
  }),
  tool({
    name: 'hand_over',
    title: 'Hand the conversation over',
    description: "Hands the conversation over to an agent of the room, or to 'human'.",
    route: 'handOver',
    annotations: SETS,
    input: z.strictObject({
      roomId,
      target: id.describe("The channel id of an agent in the room, or 'human'."),
      reason,
      summary: reason.optional().describe('What the next one must know.'),
      nextPhase: id.optional(),
    }),
    run: (call, { roomId, ...body }) => call('handOver', { params: { roomId }, body }),
  }),
  tool({
    name: 'escalate_to_human',
    title: 'Escalate to a human',
    description: 'Gives the conversation to a person: no agent answers until one is put in charge again.',
    route: 'handOver',
    annotations: SETS,
    input: z.strictObject({ roomId, reason, summary: reason.optional().describe('What the person must know.') }),
    run: (call, { roomId, ...body }) => call('handOver', { params: { roomId }, body: { ...body, target: 'human' } }),
  }),
  tool({
    name: 'list_deliveries',
    title: 'List deliveries',
    description: "Lists what became of a room's deliveries to phones, mailboxes and the like.",
    route: 'listDeliveries',
    annotations: READS,
    input: z.strictObject({
      roomId,
      state: z.enum(['queued', 'sending', 'sent', 'unknown', 'delivered', 'read', 'failed', 'expired', 'cancelled']).optional(),
      limit: z.number().int().min(1).max(1000).optional(),
    }),
    run: (call, { roomId, ...query }) => call('listDeliveries', { params: { roomId }, query }),
  }),
  tool({
    name: 'retry_delivery',
    title: 'Retry a delivery',
    description: 'Tries a delivery again that ended without success.',
    route: 'retryDelivery',
    annotations: ADDS,
    input: z.strictObject({ roomId, deliveryId: id }),
    run: (call, params) => call('retryDelivery', { params }),
  }),
];
