/** Minting tokens for the people a host lets in (AUTH-05). */
import { z } from 'zod';
import { WebSocketChannel } from '../../channels/index.js';
import { ChannelNotRegisteredError } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { Refusal } from '../problem.js';
import { id, time } from '../schemas/common.js';
import { created, route, type Route } from './route.js';

export const clientTokenRoutes: readonly Route[] = [
  route({
    id: 'createClientToken',
    method: 'post',
    path: '/api/client-tokens',
    tag: 'client tokens',
    scope: 'operate',
    summary: "Make a token for one person's browser.",
    description: 'It is good for a few rooms, one channel, one participant and a short time.',
    body: z.strictObject({
      rooms: z.array(id).min(1).max(50),
      channelId: id,
      participantId: id,
      displayName: id.optional(),
      organizationId: id.optional(),
      scopes: z
        .array(z.enum(['read', 'write']))
        .min(1)
        .optional(),
      ttlSeconds: z.number().positive().max(86_400).optional(),
    }),
    answers: { 201: { description: 'The token. It is shown once.', schema: z.object({ token: z.string(), expiresAt: time }) } },
    refusals: ['room_not_found', 'channel_not_registered', 'not_supported'],
    async handle({ parts: { kit, clientTokens }, principal, body: asked }) {
      if (clientTokens === undefined)
        throw new Refusal('not_supported', 'This server makes no client tokens. Configure serve(kit, { clientTokens: { secrets: […] } }).');
      const organizationId = principal.organizationId ?? asked.organizationId;
      if (asked.organizationId !== undefined && asked.organizationId !== organizationId)
        throw new Refusal('forbidden', 'The caller makes tokens of its own organization only.');
      for (const roomId of asked.rooms) await reachRoom(kit, principal, roomId);
      if (!(kit.getChannel(asked.channelId) instanceof WebSocketChannel)) {
        throw new ChannelNotRegisteredError(
          asked.channelId,
          kit.listChannels().map(({ channelId }) => channelId),
          'WebSocket channel',
        );
      }
      const { displayName } = asked;
      if (displayName !== undefined) {
        for (const roomId of asked.rooms) await kit.ensureParticipant(roomId, asked.channelId, asked.participantId, { displayName });
      }
      return created(await clientTokens.mint({ ...asked, ...(organizationId !== undefined && { organizationId }) }));
    },
  }),
];
