/** Whether the server lives and whether it is ready for work (AUTH-11). */
import { z } from 'zod';
import { Refusal } from '../problem.js';
import { ok, route, type Route } from './route.js';

/** `/healthz` is open to all; `/readyz` and `/openapi.json` to who asks from this machine. `isLocal` is asked only where it matters. */
export function isOpenRoute(path: string, isLocal: () => boolean): boolean {
  return path === '/healthz' || ((path === '/readyz' || path === '/openapi.json') && isLocal());
}

export const healthRoutes: readonly Route[] = [
  route({
    id: 'getHealth',
    method: 'get',
    path: '/healthz',
    tag: 'health',
    scope: 'open',
    summary: 'See whether the server lives.',
    answers: { 200: { description: 'It does.', schema: z.object({ status: z.literal('ok') }) } },
    handle: () => ok({ status: 'ok' }),
  }),

  route({
    id: 'getReadiness',
    method: 'get',
    path: '/readyz',
    tag: 'health',
    scope: 'principal',
    summary: 'See whether the server is ready for work.',
    description: 'Open to callers of the same machine.',
    answers: {
      200: {
        description: 'It is.',
        schema: z.object({
          status: z.literal('ready'),
          lanes: z.number().int(),
          queued: z.number().int(),
          breakers: z.record(z.string(), z.string()),
        }),
      },
    },
    refusals: ['not_ready'],
    async handle({ parts: { kit } }) {
      const { state, lanes, queued, breakers } = kit.stats();
      if (state !== 'open') throw new Refusal('not_ready', `The kit is ${state}.`, { retryAfterSeconds: 5 });
      try {
        await kit.store.findRooms({ limit: 1 });
      } catch (error) {
        throw new Refusal('not_ready', 'The store does not answer.', { cause: error, retryAfterSeconds: 5 });
      }
      return ok({ status: 'ready', lanes, queued, breakers });
    },
  }),
];
