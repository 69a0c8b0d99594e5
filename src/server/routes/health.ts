/** Whether the server lives and whether it is ready for work (AUTH-11). */
import type { ServerRoutes } from '../handler.js';
import type { ServerParts } from '../parts.js';
import { Refusal } from '../problem.js';

/** `/healthz` is open to all, `/readyz` to who asks from this machine; `isLocal` is asked only where it matters. */
export function isOpenRoute(path: string, isLocal: () => boolean): boolean {
  return path === '/healthz' || (path === '/readyz' && isLocal());
}

export function healthRoutes(app: ServerRoutes, { kit }: ServerParts): void {
  app.get('/healthz', (context) => context.json({ status: 'ok' }));

  app.get('/readyz', async (context) => {
    const { state, lanes, queued, breakers } = kit.stats();
    if (state !== 'open') throw new Refusal('not_ready', `The kit is ${state}.`, { retryAfterSeconds: 5 });
    try {
      await kit.store.findRooms({ limit: 1 });
    } catch (error) {
      throw new Refusal('not_ready', 'The store does not answer.', { cause: error, retryAfterSeconds: 5 });
    }
    return context.json({ status: 'ready', lanes, queued, breakers });
  });
}
