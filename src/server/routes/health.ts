/** Whether the server lives, whether it is ready for work, and how it is doing (AUTH-11, OPS-04, OPS-05). */
import { z } from 'zod';
import { sleepWith, type Clock } from '../../core/index.js';
import { scopeOf } from '../access.js';
import { metricsOf } from '../metrics.js';
import { OPEN_METRICS_TYPE } from '../open-metrics.js';
import { Refusal } from '../problem.js';
import { ok, route, type Route } from './route.js';

/** `/healthz` is open to all; the others to who asks from this machine. `isLocal` is asked only where it matters. */
export function isOpenRoute(path: string, isLocal: () => boolean): boolean {
  return path === '/healthz' || ((path === '/readyz' || path === '/metrics' || path === '/openapi.json') && isLocal());
}

/** Who asks asks often, and waits no longer. */
const STORE_SECONDS = 2;

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
    async handle({ parts: { kit, closing } }) {
      const { state, lanes, queued, breakers } = kit.stats();
      if (closing.aborted) throw new Refusal('not_ready', 'The server is closing.', { retryAfterSeconds: 5 });
      if (state !== 'open') throw new Refusal('not_ready', `The kit is ${state}.`, { retryAfterSeconds: 5 });
      try {
        await inTime(kit.clock, async () => kit.store.findRooms({ limit: 1 }));
      } catch (error) {
        throw new Refusal('not_ready', 'The store does not answer.', { cause: error, retryAfterSeconds: 5 });
      }
      return ok({ status: 'ready', lanes, queued, breakers });
    },
  }),

  route({
    id: 'getMetrics',
    method: 'get',
    path: '/metrics',
    tag: 'health',
    scope: 'principal',
    summary: 'Read the metrics of this process and its store.',
    description: 'In the OpenMetrics text format. Open to callers of the same machine; not told to clients, nor to callers of one organization.',
    answers: { 200: { description: 'Metrics.', schema: z.string(), mediaType: 'application/openmetrics-text' } },
    async handle({ parts: { kit }, principal }) {
      if (principal.kind === 'client' || scopeOf(kit, principal) !== undefined)
        throw new Refusal('forbidden', 'Metrics tell of all the kit serves. Ask with a service principal that is not bound to one organization.');
      const stats = kit.stats();
      const store = await inTime(kit.clock, () => kit.storeStats()).catch((error: unknown) => {
        kit.logger.warn('The store could not be asked for its metrics.', { error });
        return undefined;
      });
      return new Response(metricsOf(kit, stats, store), { headers: { 'content-type': OPEN_METRICS_TYPE } });
    },
  }),
];

/** Rejects when the answer takes too long. */
async function inTime<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  const patience = new AbortController();
  const tooLong = sleepWith(clock, STORE_SECONDS * 1000, patience.signal).then(() => {
    throw new Error(`There was no answer within ${STORE_SECONDS} s.`);
  });
  tooLong.catch(() => undefined); // the answer was faster
  try {
    return await Promise.race([ask(), tooLong]);
  } finally {
    patience.abort();
  }
}
