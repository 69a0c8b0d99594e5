/** Saying something in a room: as somebody who writes over a channel, or as a channel of the host. */
import { z } from 'zod';
import { wireEvent } from '../../channels/index.js';
import { clientContent, clientMetadata } from '../../channels/wire/parse.js';
import { EventType, RoomNotFoundError, ValidationError, type InboundMessage, type InboundResult, type RoomState } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { isClient, type ClientPrincipal } from '../auth/principal.js';
import { checked } from '../body.js';
import { Refusal } from '../problem.js';
import { eventMetadata, id, text } from '../schemas/common.js';
import { contentInput } from '../schemas/content.js';
import { MessageResult } from '../schemas/events.js';
import { created, route, type Call, type HeaderDescription, type Route } from './route.js';

const IdempotencyKey = z.string().min(1).max(255);
const idempotency: HeaderDescription = {
  name: 'idempotency-key',
  description: 'Names this message. A repeat in the same room is answered with what came of the first.',
  schema: IdempotencyKey,
};
const wait = z
  .enum(['commit', 'cascade'])
  .default('commit')
  .meta({ description: '`commit`: answer once it is in the timeline. `cascade`: once deliveries and answers it caused have settled, too.' });
const ids = z.array(id).max(100);
const visibility = text(10_000).min(1);
const said = {
  201: { description: 'It is in the timeline.', schema: MessageResult },
  200: { description: 'It was blocked (`blocked`), or had been said before (`duplicate`).', schema: MessageResult },
};

export const messageRoutes: readonly Route[] = [
  route({
    id: 'sendMessage',
    method: 'post',
    path: '/api/rooms/{roomId}/messages',
    tag: 'messages',
    scope: 'write',
    summary: 'Say something as somebody who writes over a channel.',
    description:
      'It goes the way of every inbound message: identity, hooks, agents. A client names neither channel nor sender: both are in its token. Programs of the host name both.',
    headers: [idempotency],
    body: z.strictObject({
      content: contentInput,
      channelId: id.optional().meta({ description: 'Required of programs of the host; a client names none.' }),
      senderId: id.optional().meta({ description: 'Required of programs of the host; a client names none.' }),
      parentEventId: id.optional(),
      externalId: id.optional(),
      metadata: eventMetadata.optional(),
      wait,
    }),
    answers: said,
    refusals: ['room_not_found', 'channel_not_registered', 'room_closed'],
    async handle(call) {
      const { parts, principal, params } = call;
      const state = await reachRoom(parts.kit, principal, params.roomId);
      const message = isClient(principal) ? clientMessage(principal, state, call) : hostMessage(call);
      const result = await parts.kit.processInbound(message, { roomId: state.room.id, wait: call.body.wait });
      return created(shown(result, state, isClient(principal)), !result.blocked && !result.duplicate);
    },
  }),

  route({
    id: 'sendEvent',
    method: 'post',
    path: '/api/rooms/{roomId}/events',
    tag: 'messages',
    scope: 'operate',
    summary: 'Say something as one of the channels of a room.',
    description: 'The host speaks: no sender is looked up. Visibility and the agents who are to answer can be named.',
    headers: [idempotency],
    body: z.strictObject({
      channelId: id,
      content: contentInput,
      eventType: z.enum(EventType).optional(),
      participantId: id.optional(),
      visibility: visibility.optional(),
      responseVisibility: visibility.optional(),
      addressedTo: ids.optional(),
      parentEventId: id.optional(),
      metadata: eventMetadata.optional(),
      wait,
    }),
    answers: said,
    refusals: ['room_not_found', 'channel_not_found', 'room_closed'],
    async handle({ parts: { kit }, principal, params: { roomId }, body, header }) {
      const state = await reachRoom(kit, principal, roomId);
      const { channelId, content, ...options } = body;
      const key = keyOf(header);
      const result = await kit.sendEventResult(roomId, channelId, content, { ...options, ...(key !== undefined && { idempotencyKey: key }) });
      return created(shown(result, state, false), !result.blocked && !result.duplicate);
    },
  }),
];

type MessageCall = Pick<
  Call<
    '/api/rooms/{roomId}/messages',
    undefined,
    Pick<InboundMessage, 'content' | 'parentEventId' | 'externalId' | 'metadata'> & {
      readonly channelId?: string | undefined;
      readonly senderId?: string | undefined;
    }
  >,
  'body' | 'header'
>;

/** Channel and sender are the token's, never what was sent (PERM-08). */
function clientMessage(principal: ClientPrincipal, { room, bindings }: RoomState, { body, header }: MessageCall): InboundMessage {
  for (const name of ['channelId', 'senderId', 'externalId'] as const)
    if (body[name] !== undefined) throw new Refusal('forbidden', `${name} is not a client's to say. Leave it out.`);
  // Speaking never attaches the channel to a room it is not in.
  if (!bindings.some(({ channelId }) => channelId === principal.channelId)) throw new RoomNotFoundError(room.id);
  const key = keyOf(header, 64);
  return {
    channelId: principal.channelId,
    senderId: principal.participantId,
    content: clientContent(body.content),
    ...(body.parentEventId !== undefined && { parentEventId: body.parentEventId }),
    ...(body.metadata !== undefined && { metadata: clientMetadata(body.metadata) }),
    // As over the socket, so that a message may be sent again by either way (WIRE-07).
    ...(key !== undefined && { idempotencyKey: `${principal.participantId}:${key}` }),
  };
}

function hostMessage({ body, header }: MessageCall): InboundMessage {
  const { channelId, senderId } = body;
  if (channelId === undefined || senderId === undefined) {
    throw new ValidationError(
      `${channelId === undefined ? 'channelId' : 'senderId'} is missing. Say over which channel the message came, and from whom.`,
    );
  }
  const key = keyOf(header);
  const message: { -readonly [Name in keyof InboundMessage]: InboundMessage[Name] } = { channelId, senderId, content: body.content };
  if (body.parentEventId !== undefined) message.parentEventId = body.parentEventId;
  if (body.externalId !== undefined) message.externalId = body.externalId;
  if (body.metadata !== undefined) message.metadata = body.metadata;
  if (key !== undefined) message.idempotencyKey = key;
  return message;
}

function keyOf(header: (name: string) => string | undefined, most = 255): string | undefined {
  const key = header(idempotency.name);
  return key === undefined ? undefined : checked(IdempotencyKey.max(most), key, 'Idempotency-Key');
}

/** A client is told what came of its own message, and nothing of how it was delivered. */
function shown(result: InboundResult, { participants }: RoomState, isForClient: boolean): object {
  const { event, blocked, duplicate, reason } = result;
  const isShown = event !== undefined && !(isForClient && blocked);
  const nameOf = (participantId: string): string | undefined => participants.find((participant) => participant.id === participantId)?.displayName;
  // What is undefined is left out of the JSON.
  return {
    event: isShown ? wireEvent(event, nameOf) : undefined,
    blocked,
    duplicate,
    reason,
    deliveryResults: isForClient ? undefined : result.deliveryResults,
    turns: isForClient ? undefined : result.turns,
  };
}
