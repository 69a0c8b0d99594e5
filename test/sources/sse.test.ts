/** SSESource in front of real servers: how it goes on where it broke off, what it takes for an end, what it bears. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { InMemoryStore, ValidationError } from '../../src/core/index.js';
import { SSESource, type SSESourceOptions } from '../../src/providers/sources/index.js';
import { FaultStore, TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { eventServer, sseSourceOf, stream, type EventServer } from './open-sse.js';
import { jsonOf, SECRET } from './open-websocket.js';
import { kitWith } from './scene.js';
import { soon, turnsOfTheLoop } from './soon.js';
import { startWithoutKit } from './started.js';

const closing: (() => unknown)[] = [];
const started = startWithoutKit(closing);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serving(...given: Parameters<typeof eventServer>): Promise<EventServer> {
  const server = await eventServer(...given);
  closing.push(() => server.close());
  return server;
}

const lastIdOf = (request: IncomingMessage | undefined): unknown => request?.headers['last-event-id'];
const eventOf = (n: number, more = ''): string => `${more}id: ${n}\ndata: ${jsonOf({ senderId: 'ada', text: `m${n}`, externalId: `x-${n}` })}\n\n`;
const upTo = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n + 1}`);

/** Has `count` events, and tells each reader what comes after the last one it had; `breakOff` says after how many bytes it breaks. */
function journal(count: number, breakOff: (nth: number) => number): (request: IncomingMessage, response: ServerResponse, nth: number) => void {
  return (request, response, nth) => {
    const after = Number(lastIdOf(request) ?? 0);
    if (after >= count) {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const rest = Array.from({ length: count - after }, (_, n) => eventOf(after + n + 1)).join('');
    response.write(rest.slice(0, breakOff(nth)), () => response.destroy());
  };
}

describe('an SSESource', () => {
  it.each<[Partial<SSESourceOptions>, string]>([
    [{ url: 7 as never }, "SSESource has no url. Pass { url: 'https://chat.example.com/events' }."],
    [{ url: `wss://x?token=${SECRET}` }, "begins with 'wss:'. Use http: or https:"],
    [{ lastEventId: 'a\nb' }, 'The lastEventId of SSESource is no id that a server gives.'],
    [{ fetch: 'fetch' as never }, 'The fetch of SSESource is a string.'],
    [{ lastEventID: 'x' } as never, "Did you mean 'lastEventId'?"],
    [{ maxSizeBytes: 1.5 }, 'The maxSizeBytes of SSESource is 1.5.'],
  ])('refuses %j, and says how to mend it', (wrong, message) => {
    verifies('SRC-05', 'SRC-07');
    const make = (): unknown => new SSESource({ url: 'https://x', channelId: 'feed', ...wrong });
    expect(make).toThrow(ValidationError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(SECRET);
  });

  it('loses nothing and says nothing twice, wherever the stream breaks', async () => {
    verifies('SRC-05', 'SRC-03');
    let nth = 0;
    const breaks = [3, 40, 90, 171, 250, 500, 701, 90, 1000, 333, 2000];
    const server = await serving(journal(60, () => breaks[nth++ % breaks.length] ?? 1));
    const { kit, clock, events, textsIn } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sseSourceOf(server.port, { clock }), { restartDelaySeconds: 0.001 });
    const isOver = (): boolean =>
      events.some(([type, data]) => type === 'source_disconnected' && data['reason'] === 'ended') || kit.listSources()['feed'] === 'stopped';
    await soon(async () => (await clock.advance(10_000), isOver()));
    expect(await textsIn()).toEqual(upTo(60));
    expect(server.requests.length).toBeGreaterThan(5);
    // Where it breaks at once, not even the answer's head may have come.
    const codes = new Set(events.filter(([type]) => type === 'source_error').map(([, { code }]) => code));
    expect([...codes].filter((code) => code !== 'network_error')).toEqual(['stream_interrupted']);
    expect((await kit.sourceHealth('feed'))?.metadata).toMatchObject({ last_event_id: '60' });
  });

  it('asks for what comes after the last event before which the kit has taken all', async () => {
    verifies('SRC-05');
    const server = await serving();
    const source = sseSourceOf(server.port);
    const free: (() => void)[] = [];
    const first = started(source, { maxConcurrentEmits: 4, take: () => new Promise<void>((resolve) => free.push(resolve)) });
    await soon(() => first.connected() === 1);
    server.response().write([1, 2, 3, 4].map((n) => eventOf(n)).join(''));
    await soon(() => free.length === 4);
    for (const n of [0, 1, 3]) free[n]?.(); // the third is still in work
    await turnsOfTheLoop(5);
    expect(source.healthcheck().metadata).toMatchObject({ last_event_id: '2' });
    server.response().destroy();
    await turnsOfTheLoop(20);
    expect(first.end()).toBeUndefined(); // it waits for what is under way
    first.abort();
    await soon(() => first.end() !== undefined);

    const second = started(source);
    await soon(() => second.connected() === 1);
    expect(server.requests.map(lastIdOf)).toEqual([undefined, '2']);
  });

  it('is started again for what the kit could not take, until it does', async () => {
    verifies('SRC-05', 'SRC-02');
    const server = await serving(journal(5, () => Number.POSITIVE_INFINITY));
    const faults = new FaultStore(new InMemoryStore());
    const { kit, clock, events, textsIn } = await kitWith({ store: faults });
    closing.push(() => kit.close());
    faults.fail('commitEvent', { nth: 2, times: 3 });
    faults.fail('commitEvent', { nth: 6, when: 'after' }); // it is there, and nobody knows: the repetition is no second message
    await kit.attachSource('feed', sseSourceOf(server.port, { clock }), { maxConcurrentEmits: 1 });
    await soon(async () => (await clock.advance(1000), (await textsIn()).length === 5));
    expect(await textsIn()).toEqual(upTo(5));
    expect(events.some(([, data]) => data['code'] === 'not_taken')).toBe(true);
  });

  it('is not brought again what the kit has, though something before it was not taken', async () => {
    verifies('SRC-05', 'SRC-02');
    // Without ids of their own, the messages are told apart by nothing but their place in the stream.
    const said = (n: number): string => `id: ${n}\ndata: ${jsonOf({ senderId: 'ada', text: `m${n}` })}\n\n`;
    const server = await serving((request, response) => {
      stream(request, response);
      const after = Number(lastIdOf(request) ?? 0);
      response.write(
        [1, 2, 3, 4, 5]
          .filter((n) => n > after)
          .map(said)
          .join(''),
      );
    });
    const source = sseSourceOf(server.port);
    const refuse = async ({ content }: { content: unknown }, nth: number): Promise<void> => {
      if (content === 'm2' && nth < 7) {
        await turnsOfTheLoop(20); // the others are taken first
        throw new Error('The store is away.');
      }
    };
    const runs = [];
    for (const brought of [['m1', 'm2', 'm3', 'm4', 'm5'], ['m2'], ['m2']]) {
      const nth = runs.length * 5;
      const one = started(source, { maxConcurrentEmits: 5, take: (message, count) => refuse(message, nth + count) });
      runs.push(one);
      await soon(() => one.end() !== undefined || source.healthcheck().metadata['last_event_id'] === '5');
      expect(one.texts()).toEqual(brought);
    }
    expect(runs.map(({ end }) => end()?.error?.code)).toEqual(['not_taken', 'not_taken', undefined]);
    expect(server.requests.map(lastIdOf)).toEqual([undefined, '1', '1']);
  });

  it('knows a message that came too late for its limit as one that was not taken', async () => {
    verifies('SRC-05');
    const server = await serving(journal(2, () => Number.POSITIVE_INFINITY));
    const late = { blocked: true, duplicate: false, reason: 'process_timeout', deliveryResults: {}, turns: [] };
    const source = started(sseSourceOf(server.port), { take: (_message, nth) => (nth === 1 ? late : undefined) });
    await soon(() => source.end() !== undefined);
    expect(source.end()?.error?.code).toBe('not_taken');
  });

  it('waits as long as the server asks, and begins where it is told to', async () => {
    verifies('SRC-05', 'SRC-03');
    const server = await serving((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(eventOf(Number(lastIdOf(request)) + 1, 'retry: 1500\n'));
    });
    const { kit, clock, textsIn } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sseSourceOf(server.port, { clock, lastEventId: '41' }));
    await soon(async () => (await textsIn()).length === 1 && kit.listSources()['feed'] === 'error');
    await turnsOfTheLoop(5);
    await clock.advance(1499);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    await soon(async () => (await textsIn()).length === 2);
    expect(server.requests.map(lastIdOf)).toEqual(['41', '42']);
    expect(await textsIn()).toEqual(['m42', 'm43']);
  });

  it('follows an id that comes without an event, and gives ids back byte by byte', async () => {
    verifies('SRC-05');
    const server = await serving();
    const source = sseSourceOf(server.port);
    const first = started(source);
    await soon(() => first.connected() === 1);
    server.response().write(`${eventOf(1)}id: ü-🙂\n\n`);
    await soon(() => source.healthcheck().metadata['last_event_id'] === 'ü-🙂');
    server.response().end();
    await soon(() => first.end() !== undefined);
    const second = started(source);
    await soon(() => second.connected() === 1);
    expect(Buffer.from(String(lastIdOf(server.requests[1])), 'latin1').toString('utf8')).toBe('ü-🙂');
  });

  it('reads the events that are called message, msg or chat, or have no name', async () => {
    verifies('SRC-06');
    const server = await serving();
    const source = sseSourceOf(server.port);
    const { texts, connected } = started(source, { maxConcurrentEmits: 1 });
    await soon(() => connected() === 1);
    for (const event of ['message', 'price', 'msg', 'Message', 'chat', 'error', ''])
      server.response().write(`${event === '' ? '' : `event: ${event}\n`}data: ${jsonOf({ senderId: 'ada', text: event })}\n\n`);
    await soon(() => texts().length === 4);
    expect(texts()).toEqual(['message', 'msg', 'chat', '']);
    expect(source.healthcheck().metadata).toMatchObject({ messages_ignored: 3 });
  });

  it('ends for good with 204', async () => {
    verifies('SRC-05');
    const server = await serving((_request, response) => response.writeHead(204).end());
    const { kit, clock, events } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sseSourceOf(server.port, { clock }));
    await soon(() => server.requests.length === 1 && kit.listSources()['feed'] === 'stopped');
    await clock.advance(1_000_000);
    expect(server.requests).toHaveLength(1);
    expect(events.map(([type]) => type)).toEqual(['source_attached']);
  });

  it.each<[number, Record<string, string>, string]>([
    [401, {}, 'auth_error'],
    [404, {}, 'http_404'],
    [429, { 'retry-after': '7' }, 'rate_limit'],
    [503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 'http_503'],
    [302, { location: 'http://127.0.0.1:1/elsewhere' }, 'http_302'],
    [200, { 'content-type': 'text/html' }, 'invalid_response'],
    [200, { 'content-type': 'text/event-streams' }, 'invalid_response'],
  ])('fails at an answer of %i %j', async (status, headers, code) => {
    verifies('SRC-05', 'SRC-07');
    const server = await serving((_request, response) => response.writeHead(status, headers).end(`about ${SECRET}`));
    const source = started(sseSourceOf(server.port, { url: `http://127.0.0.1:${server.port}/?token=${SECRET}`, clock: new TestClock() }));
    await soon(() => source.end() !== undefined);
    const error = source.end()?.error;
    expect([error?.code, error?.retryAfterSeconds, source.connected()]).toEqual([code, 'retry-after' in headers ? 7 : undefined, 0]);
    expect(error?.message).not.toContain(SECRET);
  });

  it('does not wait forever for an answer', async () => {
    verifies('SRC-05');
    const server = await serving(() => undefined);
    const clock = new TestClock();
    const source = started(sseSourceOf(server.port, { clock }));
    await soon(() => server.openConnections() === 1);
    await clock.advance(29_999);
    expect(source.end()).toBeUndefined();
    await clock.advance(1);
    await soon(() => source.end() !== undefined && server.openConnections() === 0);
    expect(source.end()?.error?.code).toBe('timeout');
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks with its own fetch, with headers and the credentials of its url, and follows no redirect', async () => {
    verifies('SRC-05', 'SRC-07');
    const asked: [string, RequestInit | undefined][] = [];
    const own: typeof fetch = (input, init) => {
      asked.push([input as string, init]);
      return Promise.reject(Object.assign(new Error(`no ${String(input)}`), { code: `ESECRET${SECRET}` }));
    };
    const url = `https://ada:${SECRET}@chat.example.com/events?token=${SECRET}`;
    const source = new SSESource({ url, channelId: 'feed', headers: { 'X-Key': 'k' }, fetch: own });
    const { end } = started(source);
    await soon(() => end() !== undefined);
    expect(source.name).toBe('sse:chat.example.com');
    expect(asked[0]?.[0]).toBe(`https://chat.example.com/events?token=${SECRET}`);
    expect(asked[0]?.[1]).toMatchObject({
      redirect: 'manual',
      headers: { 'x-key': 'k', accept: 'text/event-stream', authorization: `Basic ${Buffer.from(`ada:${SECRET}`).toString('base64')}` },
    });
    expect(end()?.error?.message).toBe("Source 'sse:chat.example.com' cannot reach its server. Check its address, and what lies between.");
  });

  it('leaves an event that is too long, and a line that never ends', async () => {
    verifies('SRC-05');
    for (const text of [`data: ${'x'.repeat(1001)}\n\n`, `data: ${'x'.repeat(2000)}`, 'data: 0123456789\n'.repeat(200)]) {
      const server = await serving();
      const source = started(sseSourceOf(server.port, { maxSizeBytes: 1000 }));
      await soon(() => source.connected() === 1);
      server.response().write(eventOf(1).repeat(20));
      server.response().write(text);
      await soon(() => source.end() !== undefined);
      expect(source.end()?.error?.code).toBe('message_too_large');
      expect(source.emitted).toHaveLength(20);
      await soon(() => server.openConnections() === 0);
    }
  });

  it('keeps what it cannot hand over with the server: memory stays bounded', async () => {
    verifies('SRC-02');
    const server = await serving();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const source = started(sseSourceOf(server.port), { take: () => held, maxConcurrentEmits: 4 });
    await soon(() => source.connected() === 1);
    const text = 'x'.repeat(64 * 1024);
    for (let n = 0; n < 1000; n++) server.response().write(`data: ${jsonOf({ senderId: 'ada', text })}\n\n`);
    await soon(() => source.emitted.length === 4);
    let before = -1;
    while (before !== server.response().writableLength) {
      before = server.response().writableLength;
      await turnsOfTheLoop(500);
    }
    expect(server.response().writableLength).toBeGreaterThan(40 * 1024 * 1024);
    expect(source.emitted).toHaveLength(4);
    release();
    await soon(() => source.emitted.length === 1000);
  });

  it('bears whatever a server may send', async () => {
    verifies('SRC-06', 'SRC-05');
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(
        'data:',
        'id: x\n',
        'id: \0\n',
        'retry: 99999999999999999999\n',
        'event: msg\n',
        '\n\n',
        '\r',
        '\uFEFF',
        ': \n',
        `data: {"sender_id":"eve"}\n\n`,
      ),
      fc.jsonValue().map((value) => `data: ${JSON.stringify(value)}\n\n`),
    );
    const server = await serving((_request, response) => stream(_request, response));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const source = sseSourceOf(server.port);
        const one = started(source);
        await soon(() => one.connected() === 1);
        for (const part of pieces) server.response().write(part);
        server.response().end(`\n\n\n\n${eventOf(1)}`);
        await soon(() => one.end() !== undefined);
        expect(one.end()?.error?.code).toBe('stream_interrupted');
        expect(one.texts().at(-1)).toBe('m1');
        for (const { senderId, content } of one.emitted) expect([typeof senderId, typeof content]).toEqual(['string', 'string']);
      }),
      { numRuns: 60 },
    );
  });
});
