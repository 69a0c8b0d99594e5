/** What agents have used. */
import { z } from 'zod';
import { organizationOf, reachRoom, scopeOf } from '../access.js';
import { counts, id, time } from '../schemas/common.js';
import { ok, route, type Route } from './route.js';

const total = {
  generations: z.number().int(),
  tokens: counts.meta({ description: 'By kind; input_tokens are without those read from a cache.' }),
  ms: z.number(),
  cost: z.number().optional().meta({ description: 'In the currency of the host’s prices, of those that have one; absent when none has.' }),
  unpriced: z.number().int().meta({ description: 'How many generations have no price and are not in cost.' }),
};

const Usage = z
  .object({
    ...total,
    byAgent: z.record(z.string(), z.object(total)),
    byModel: z.record(z.string(), z.object(total)),
    rows: z.array(z.object({ agentId: z.string(), provider: z.string(), model: z.string(), ...total })),
  })
  .meta({ id: 'Usage', description: 'What generations have used.' });

export const usageRoutes: readonly Route[] = [
  route({
    id: 'getUsage',
    method: 'get',
    path: '/api/usage',
    tag: 'kit',
    scope: 'operate',
    summary: 'See what agents have used, in tokens and, with prices, in money.',
    description: 'A caller of one organization is told of its rooms alone; one with a fixed list of rooms asks by room.',
    query: z.object({
      roomId: id.optional(),
      agentId: id.optional(),
      from: time.optional().meta({ format: 'date-time', description: 'Inclusive.' }),
      to: time.optional().meta({ format: 'date-time', description: 'Exclusive.' }),
    }),
    answers: { 200: { description: 'Sums, of all, by agent, by model and by both.', schema: Usage } },
    refusals: ['room_not_found', 'invalid_input'],
    async handle({ parts: { kit }, principal, query }) {
      const { roomId, agentId, from, to } = query;
      if (roomId !== undefined) await reachRoom(kit, principal, roomId);
      const organizationId = roomId === undefined ? (scopeOf(kit, principal) ?? organizationOf(kit, principal)) : undefined;
      const report = await kit.getUsage({
        ...(roomId !== undefined && { roomId }),
        ...(agentId !== undefined && { agentId }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(organizationId !== undefined && { organizationId }),
      });
      return ok({ ...report, rows: [...report.rows] });
    },
  }),
];
