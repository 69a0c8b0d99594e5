/** Minting tokens for the people a host lets in (AUTH-05). */
import { z } from 'zod';
import { WebSocketChannel } from '../../channels/index.js';
import { ChannelNotRegisteredError } from '../../core/index.js';
import { reachRoom } from '../access.js';
import { requireService } from '../auth/principal.js';
import { readBody } from '../body.js';
import type { ServerRoutes } from '../handler.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';

const id = z.string().min(1).max(255);

const TokenRequest = z.strictObject({
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
});

export function clientTokenRoutes(app: ServerRoutes, { kit, clientTokens, limits }: ServerParts): void {
  app.post('/api/client-tokens', async (context) => {
    const { principal } = context.var;
    requireService(principal, 'operate');
    if (clientTokens === undefined)
      throw new Refusal('not_supported', 'This server makes no client tokens. Configure serve(kit, { clientTokens: { secrets: […] } }).');
    const asked = await readBody(context.req.raw, TokenRequest, limits, kit.clock);
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
    if (asked.displayName !== undefined) {
      for (const roomId of asked.rooms) await kit.ensureParticipant(roomId, asked.channelId, asked.participantId, { displayName: asked.displayName });
    }
    return context.json(await clientTokens.mint({ ...asked, ...(organizationId !== undefined && { organizationId }) }), 201);
  });
}
