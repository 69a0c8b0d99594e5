/** A page of the timeline is bounded in bytes: it ends early, says where it goes on, and nothing is left out. */
import { describe, expect, it } from 'vitest';
import type { RoomKit } from 'roomkit';
import { type RoomEvent } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';
import { silentLogger } from '../../../src/core/logger.js';
import { MAX_PAGE_BYTES } from '../../../src/server/routes/timeline-page.js';
import { verifies } from '../../requirements.js';
import { AskedServer } from '../served-kit.js';

interface Page {
  readonly events: readonly Pick<RoomEvent, 'index'>[];
  readonly latestIndex: number;
  readonly nextAfterIndex?: number;
  readonly nextBeforeIndex?: number;
}

/** So many events of so many kibibytes, every third of them hidden from `web`. */
async function fill(kit: RoomKit, count: number, kibibytes: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await kit.sendEvent('acme-1', 'desk', '€'.repeat((kibibytes * 1024) / 3), { ...(n % 3 === 0 && { visibility: 'internal' }), wait: 'commit' });
}

async function readAll(server: AskedServer, query: string, go: 'nextAfterIndex' | 'nextBeforeIndex'): Promise<{ pages: Page[]; bytes: number[] }> {
  const pages: Page[] = [];
  const bytes: number[] = [];
  let from = '';
  for (;;) {
    const { status, text, json } = await server.ask({ key: 'acme' }, 'GET', `/api/rooms/acme-1/events?limit=1000${query}${from}`);
    expect(status).toBe(200);
    const page = json as unknown as Page;
    pages.push(page);
    bytes.push(Buffer.byteLength(text));
    const next = page[go];
    if (next === undefined) return { pages, bytes };
    from = `&${go === 'nextAfterIndex' ? 'afterIndex' : 'beforeIndex'}=${next}`;
  }
}

describe('a page of large events', () => {
  it.each([
    ['oldest first', '', 'nextAfterIndex'],
    ['newest first', '&newestFirst=true', 'nextBeforeIndex'],
    ['as a channel sees them', '&as=web', 'nextAfterIndex'],
  ] as const)('ends early and goes on without gap or double, %s', async (_name, query, go) => {
    verifies('AUTH-13');
    const server = await AskedServer.open({}, { store: await SqliteStore.open(':memory:'), logger: silentLogger });
    await fill(server.kit, 30, 300);
    const { pages, bytes } = await readAll(server, query, go);
    expect(pages.length).toBeGreaterThan(1);
    for (const size of bytes) expect(size).toBeLessThan(MAX_PAGE_BYTES + 100);
    const whole = await server.kit.getTimeline('acme-1', {
      limit: 1000,
      newestFirst: go === 'nextBeforeIndex',
      ...(query === '&as=web' && { as: 'web' }),
    });
    expect(pages.flatMap(({ events }) => events.map(({ index }) => index))).toEqual(whole.map(({ index }) => index));
    // Room for one more would have been used.
    for (const size of bytes.slice(0, -1)) expect(size).toBeGreaterThan(MAX_PAGE_BYTES - 310 * 1024);
    await server.kit.close();
  });

  it('that is full by its limit, or whole, says nothing of going on', async () => {
    verifies('AUTH-14');
    const server = await AskedServer.open({}, { logger: silentLogger });
    await fill(server.kit, 250, 1);
    for (const [limit, count] of [
      [0, 0],
      [1, 1],
      [100, 100],
      [101, 101],
      [1000, (await server.kit.getRoom('acme-1')).eventCount],
    ] as const) {
      const { json } = await server.ask({ key: 'acme' }, 'GET', `/api/rooms/acme-1/events?limit=${limit}`);
      expect(Object.keys(json).sort(), String(limit)).toEqual(['events', 'latestIndex']);
      expect(json['events'], String(limit)).toHaveLength(count);
    }
    await server.kit.close();
  });

  it('holds at least one event, however large it is', async () => {
    verifies('AUTH-13');
    const server = await AskedServer.open({}, { logger: silentLogger });
    const large = await server.kit.sendEvent('acme-1', 'desk', 'x', { wait: 'commit' });
    // No way of a message leads to one so large; a store that was filled elsewhere may hold it.
    const getTimeline = server.kit.getTimeline.bind(server.kit);
    server.kit.getTimeline = async (...query) =>
      (await getTimeline(...query)).map((event) =>
        event.id === large.id ? { ...event, content: { type: 'text', body: 'x'.repeat(MAX_PAGE_BYTES + 1) } } : event,
      );
    const { pages } = await readAll(server, '', 'nextAfterIndex');
    expect(pages.map(({ events }) => events.length)).toEqual([large.index, 1]);
    await server.kit.close();
  });
});
