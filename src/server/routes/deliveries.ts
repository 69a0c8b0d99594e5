/** What became of the deliveries of a room's events. */
import { z } from 'zod';
import { reachRoom } from '../access.js';
import { requireService } from '../auth/principal.js';
import { checked } from '../body.js';
import type { ServerRoutes } from '../handler.js';
import type { ServerParts } from '../parts.js';
import { wholeNumber } from './query.js';

const DeliveriesQuery = z.object({
  channelId: z.string().min(1).max(255).optional(),
  eventId: z.string().min(1).max(255).optional(),
  state: z.enum(['queued', 'sending', 'sent', 'unknown', 'delivered', 'read', 'failed', 'expired', 'cancelled']).optional(),
  limit: wholeNumber(0, 1000).default(100),
});

export function deliveryRoutes(app: ServerRoutes, { kit }: ServerParts): void {
  app.get('/api/rooms/:roomId/deliveries', async (context) => {
    const { principal } = context.var;
    requireService(principal, 'operate');
    const query = checked(DeliveriesQuery, context.req.query());
    const { room } = await reachRoom(kit, principal, context.req.param('roomId'));
    return context.json({ deliveries: await kit.listDeliveries({ ...query, roomId: room.id }) });
  });
}
