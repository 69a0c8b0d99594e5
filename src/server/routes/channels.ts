/** The kit's channels, and how they take part in rooms. */
import { z } from 'zod';
import { ChannelCategory, ChannelDirection, ChannelNotFoundError } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { access, Binding, Channel, RateLimit, RetryPolicy } from '../schemas/channels.js';
import { id, metadata, metadataPatch, text } from '../schemas/common.js';
import { Collision } from '../schemas/rooms.js';
import { created, NOTHING, ok, route, type Route } from './route.js';

const visibility = text(10_000)
  .regex(/\S/, 'says nothing')
  .meta({ description: '`all`, `none`, `transport`, `intelligence`, `internal`, or channel ids with commas.' });
const OneBinding = z.object({ binding: Binding });
const AttachBody = z.strictObject({
  category: z.enum(ChannelCategory).optional(),
  direction: z.enum(ChannelDirection).optional(),
  access: access.optional(),
  visibility: visibility.optional(),
  muted: z.boolean().optional(),
  outputMuted: z.boolean().optional(),
  participantId: id.optional(),
  rateLimit: RateLimit.strict().optional(),
  retryPolicy: RetryPolicy.strict().nullable().optional(),
  collision: Collision.strict().optional(),
  metadata: metadata.optional(),
});

export const channelRoutes: readonly Route[] = [
  route({
    id: 'listChannels',
    method: 'get',
    path: '/api/channels',
    tag: 'channels',
    scope: 'operate',
    summary: 'List the channels of the kit, what they can carry and how they are doing.',
    answers: { 200: { description: 'In the order of their registration.', schema: z.object({ channels: z.array(Channel) }) } },
    async handle({ parts: { kit } }) {
      const { breakers } = kit.stats();
      const sources = kit.listSources();
      return ok({
        channels: kit.listChannels().map((channel) => ({
          channelId: channel.channelId,
          channelType: channel.channelType,
          category: channel.category,
          direction: channel.direction,
          ...(channel.providerName !== undefined && { provider: channel.providerName }),
          durable: channel.durable !== false,
          ready: channel.ready?.() !== false,
          ...(breakers[channel.channelId] !== undefined && { breaker: breakers[channel.channelId] }),
          ...(sources[channel.channelId] !== undefined && { source: sources[channel.channelId] }),
          capabilities: channel.capabilities,
        })),
      });
    },
  }),

  route({
    id: 'listBindings',
    method: 'get',
    path: '/api/rooms/{roomId}/channels',
    tag: 'channels',
    scope: 'operate',
    summary: 'List the channels of a room and what each may do there.',
    answers: { 200: { description: 'In the order they were attached.', schema: z.object({ bindings: z.array(Binding) }) } },
    refusals: ['room_not_found'],
    async handle({ parts, principal, params }) {
      return ok({ bindings: (await reachRoom(parts.kit, principal, params.roomId)).bindings });
    },
  }),

  route({
    id: 'attachChannel',
    method: 'put',
    path: '/api/rooms/{roomId}/channels/{channelId}',
    tag: 'channels',
    scope: 'operate',
    summary: 'Let a registered channel take part in a room.',
    description: 'Attached already: only the given fields change.',
    body: AttachBody,
    answers: {
      201: { description: 'It is attached now.', schema: OneBinding },
      200: { description: 'It was attached; the binding as it is now.', schema: OneBinding },
    },
    refusals: ['room_not_found', 'channel_not_registered', 'room_closed', 'not_supported'],
    async handle({ parts: { kit }, principal, params: { roomId, channelId }, body }) {
      const { bindings } = await reachRoom(kit, principal, roomId);
      const binding = await kit.attachChannel(roomId, channelId, body);
      return created({ binding }, !bindings.some((bound) => bound.channelId === channelId));
    },
  }),

  route({
    id: 'changeBinding',
    method: 'patch',
    path: '/api/rooms/{roomId}/channels/{channelId}',
    tag: 'channels',
    scope: 'operate',
    summary: 'Mute or unmute a channel, change whom it reaches, what it may do, or its metadata.',
    description: 'Each change leaves its own entry in the timeline. Metadata is merged, and `null` removes a key.',
    body: z.strictObject({
      muted: z.boolean().optional(),
      visibility: visibility.optional(),
      access: access.optional(),
      metadata: metadataPatch.optional(),
    }),
    answers: { 200: { description: 'The binding as it is now.', schema: OneBinding } },
    refusals: ['room_not_found', 'channel_not_found', 'room_closed'],
    async handle({ parts: { kit }, principal, params: { roomId, channelId }, body }) {
      const { bindings } = await reachRoom(kit, principal, roomId);
      let binding = bindings.find((bound) => bound.channelId === channelId);
      if (binding === undefined) throw notBound(roomId, channelId, bindings);
      if (body.muted !== undefined) binding = await (body.muted ? kit.mute(roomId, channelId) : kit.unmute(roomId, channelId));
      if (body.visibility !== undefined) binding = await kit.setVisibility(roomId, channelId, body.visibility);
      if (body.access !== undefined) binding = await kit.setAccess(roomId, channelId, body.access);
      if (body.metadata !== undefined) binding = await kit.updateBindingMetadata(roomId, channelId, body.metadata);
      return ok({ binding });
    },
  }),

  route({
    id: 'detachChannel',
    method: 'delete',
    path: '/api/rooms/{roomId}/channels/{channelId}',
    tag: 'channels',
    scope: 'operate',
    summary: 'Take a channel out of a room. Its deliveries that wait are cancelled.',
    answers: { 204: { description: 'It is detached.' } },
    refusals: ['room_not_found', 'channel_not_found', 'room_closed'],
    async handle({ parts: { kit }, principal, params: { roomId, channelId } }) {
      const { bindings } = await reachRoom(kit, principal, roomId);
      if (!(await kit.detachChannel(roomId, channelId))) throw notBound(roomId, channelId, bindings);
      return NOTHING;
    },
  }),
];

function notBound(roomId: string, channelId: string, bindings: readonly { readonly channelId: string }[]): ChannelNotFoundError {
  return new ChannelNotFoundError(
    roomId,
    channelId,
    bindings.map((bound) => bound.channelId),
  );
}
