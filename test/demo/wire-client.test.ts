import { describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { WireClient, type LineState, type WireEvent, type WireSocket } from '../../demo/wire-client.js';

describe('the demo’s wire client', () => {
  it('asks again for what lies between, and shows every event once and in order', async () => {
    const { line, seen } = await connected();
    line.event(0, -1);
    line.event(3, 1); // something between went missing
    expect(line.last()).toMatchObject({ type: 'subscribe', afterIndex: 0 });
    line.subscribed();
    line.event(1, 0);
    line.event(3, 1);
    line.event(3, 1);
    expect(seen).toEqual([0, 1, 3]);
  });

  it('does not take hidden events for loss', async () => {
    const { line, seen } = await connected();
    line.event(0, -1);
    const frames = line.sent.length;
    line.event(4, 0);
    expect(seen).toEqual([0, 4]);
    expect(line.sent).toHaveLength(frames);
  });

  it('comes back after a lost line with its last index, and repeats what was not acknowledged', async () => {
    const { wire, client, line, seen, states } = await connected();
    line.event(0, -1);
    const outcome = client.send('Hello');
    const first = line.last();
    line.drop(1006);
    expect(states.at(-1)?.name).toBe('waiting');
    wire.runTimers();
    await Promise.resolve();
    const next = wire.open();
    next.subscribed();
    expect(next.sent[1]).toMatchObject({ type: 'subscribe', afterIndex: 0 });
    expect(next.last()).toEqual(first);
    next.receive({ type: 'ack', id: first['id'], prev: 0, event: event(1), duplicate: true });
    expect(await outcome).toMatchObject({ duplicate: true, blocked: false });
    expect(seen).toEqual([0, 1]);
  });

  it('waits longer after each failure, and stops trying when it is not wanted', async () => {
    const { wire, line, states } = await connected();
    line.drop(1006);
    for (let attempt = 0; attempt < 4; attempt++) {
      wire.runTimers();
      await Promise.resolve();
      wire.current().drop(1006);
    }
    const waits = states.flatMap((state) => (state.name === 'waiting' ? [state.retryInMs] : []));
    expect(waits[4]).toBeGreaterThan((waits[0] ?? 0) * 4);
    wire.runTimers();
    await Promise.resolve();
    wire.open().drop(1008, 'unauthenticated');
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'unauthenticated' });
  });

  it('says why when its room is refused', async () => {
    const { line, states } = await connected();
    const { id } = line.sent.find((frame) => frame['type'] === 'subscribe') ?? {};
    line.receive({ type: 'error', id, code: 'room_not_found', message: 'There is no such room.', retryable: false });
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'There is no such room.' });
  });

  it('grows a stream by what fits, and lets its event take its place', async () => {
    const { line, seen, streams } = await connected();
    line.receive({ type: 'stream_start', streamId: 's', source: event(0).source });
    line.receive({ type: 'stream_chunk', streamId: 's', delta: 'Hello', offset: 0 });
    line.receive({ type: 'stream_chunk', streamId: 's', delta: 'late', offset: 2 });
    line.receive({ type: 'stream_chunk', streamId: 's', delta: ' you', offset: 5 });
    line.receive({ type: 'stream_end', streamId: 's', prev: -1, event: event(0) });
    expect(streams).toEqual(['', 'Hello', 'Hello you', 'end']);
    expect(seen).toEqual([0]);
  });

  it('begins with the newest events, and goes on from them', async () => {
    const { line, seen } = await connected({ readNewest: () => Promise.resolve([event(600), event(601)]) });
    expect(seen).toEqual(['resync', 600, 601]);
    expect(line.last()).toMatchObject({ type: 'subscribe', afterIndex: 601 });
    line.event(602, 601);
    expect(seen.at(-1)).toBe(602);
  });

  it('begins its view anew when too much was missed, and takes nothing twice meanwhile', async () => {
    verifies('WIRE-04', 'WIRE-05');
    let newest = [event(0)];
    const { line, seen } = await connected({ readNewest: () => Promise.resolve(newest) });
    newest = [event(600), event(601)];
    line.receive({ type: 'resync', roomId: 'r', fromIndex: 501 });
    line.event(602, 601); // live already, and of no use before the rest is there
    await settled();
    expect(seen).toEqual(['resync', 0, 'resync', 600, 601]);
    expect(line.last()).toMatchObject({ type: 'subscribe', afterIndex: 601 });
    line.subscribed();
    line.event(602, 601);
    expect(seen.at(-1)).toBe(602);
  });

  it('asks for a life sign after 35 seconds of silence, and gives the line up after five more', async () => {
    verifies('WIRE-11');
    const { wire, line } = await connected();
    expect(wire.waits).toContain(35_000);
    wire.runTimers();
    expect(line.last()).toEqual({ type: 'ping', t: 0 });
    expect(wire.waits).toEqual([5000]);
    line.receive({ type: 'pong', t: 0 });
    expect([wire.waits, line.closed]).toEqual([[35_000], false]);
    wire.runTimers();
    wire.runTimers();
    expect(line.closed).toBe(true);
  });

  it('renews its token before it ends', async () => {
    verifies('WIRE-12');
    let tokens = 0;
    const { line } = await connected({ token: () => Promise.resolve(`token-${++tokens}`) });
    expect(line.sent[0]).toMatchObject({ type: 'hello', token: 'token-1' });
    line.receive({ type: 'token_expiring', expiresAt: '2026-01-01T00:00:00.000Z' });
    await settled();
    expect(line.last()).toEqual({ type: 'auth', token: 'token-2' });
  });

  it('comes back with a new token when the old one has ended, and as late as it was asked to after a goodbye', async () => {
    verifies('WIRE-08', 'WIRE-13');
    let tokens = 0;
    const { line, wire, states } = await connected({ token: () => Promise.resolve(`token-${++tokens}`) });
    line.receive({ type: 'goodbye', reason: 'closing', reconnectAfterMs: 2000 });
    line.drop(1012, 'closing');
    const waiting = states.at(-1);
    expect(waiting?.name === 'waiting' && waiting.retryInMs).toBeGreaterThanOrEqual(1500);
    wire.runTimers();
    await settled();
    wire.open().drop(1008, 'token_expired');
    wire.runTimers();
    await settled();
    expect(wire.open().sent[0]).toMatchObject({ type: 'hello', token: 'token-3' });
  });

  it('sends again what was refused for the moment, and gives up what was refused for good', async () => {
    verifies('WIRE-14');
    const { line, wire, client } = await connected();
    const [early, wrong] = [client.send('early'), client.send('wrong')];
    const [first, second] = line.sent.slice(-2);
    line.receive({ type: 'error', id: first?.['id'], code: 'rate_limited', message: 'Too many frames.', retryable: true, retryAfterSeconds: 1 });
    line.receive({ type: 'error', id: second?.['id'], code: 'invalid', message: 'No.', retryable: false });
    expect(await wrong).toMatchObject({ blocked: true, reason: 'No.' });
    wire.runTimers();
    expect(line.sent.filter(({ id }) => id === first?.['id'])).toHaveLength(2);
    line.receive({ type: 'ack', id: first?.['id'], prev: -1, event: event(0) });
    expect(await early).toMatchObject({ blocked: false });
  });

  it('says that the room was lost', async () => {
    verifies('WIRE-12');
    const { line, states } = await connected();
    line.receive({ type: 'error', roomId: 'r', code: 'room_not_found', message: 'There is no such room for you.', retryable: false });
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'There is no such room for you.' });
  });
});

function event(index: number): WireEvent {
  return {
    id: `event-${index}`,
    roomId: 'r',
    index,
    type: 'message',
    status: 'delivered',
    source: { channelId: 'mia', channelType: 'ai' },
    content: { type: 'text', body: 'Hi' },
    visibility: 'all',
    chainDepth: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    metadata: {},
  };
}

class Line implements WireSocket {
  onopen: WireSocket['onopen'] = null;
  onmessage: WireSocket['onmessage'] = null;
  onclose: WireSocket['onclose'] = null;
  onerror: WireSocket['onerror'] = null;
  readonly sent: Record<string, unknown>[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  closed = false;
  close(): void {
    this.closed = true;
  }
  last(): Record<string, unknown> {
    return this.sent.at(-1) ?? {};
  }
  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  event(index: number, prev: number): void {
    this.receive({ type: 'event', roomId: 'r', prev, event: event(index) });
  }
  subscribed(): void {
    this.receive({ type: 'subscribed', id: 'x', roomId: 'r', latestIndex: 0 });
  }
  drop(code: number, reason = ''): void {
    this.onclose?.({ code, reason });
  }
}

/** The far end and the clock, played by the test. */
class Wire {
  readonly lines: Line[] = [];
  #timers: { readonly ms: number; readonly run: () => void }[] = [];

  readonly socket = (): WireSocket => {
    const line = new Line();
    this.lines.push(line);
    return line;
  };
  readonly setTimer = (ms: number, run: () => void): (() => void) => {
    const timer = { ms, run };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  };
  /** What is waited for now. */
  get waits(): number[] {
    return this.#timers.map(({ ms }) => ms);
  }
  current(): Line {
    return this.lines.at(-1) as Line; // a test that asks has opened one
  }
  /** Lets the newest line open and be welcomed. */
  open(): Line {
    this.current().onopen?.();
    this.current().receive({ type: 'welcome' });
    return this.current();
  }
  runTimers(): void {
    const due = this.#timers;
    this.#timers = [];
    for (const { run } of due) run();
  }
}

interface Connected {
  readonly wire: Wire;
  readonly client: WireClient;
  readonly line: Line;
  readonly seen: (number | string)[];
  readonly streams: string[];
  readonly states: LineState[];
}

/** Lets promises that are ready do what follows. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function connected(options: { readNewest?: () => Promise<WireEvent[]>; token?: () => Promise<string> } = {}): Promise<Connected> {
  const wire = new Wire();
  const seen: (number | string)[] = [];
  const streams: string[] = [];
  const states: LineState[] = [];
  const client = new WireClient(
    { roomId: 'r', open: wire.socket, setTimer: wire.setTimer, ...options },
    {
      onEvent: ({ index }) => seen.push(index),
      onStream: ({ text }) => streams.push(text),
      onStreamEnd: () => streams.push('end'),
      onResync: () => seen.push('resync'),
      onLine: (state) => states.push(state),
    },
  );
  client.start();
  await settled();
  const line = wire.open();
  await settled();
  line.subscribed();
  return { wire, client, line, seen, streams, states };
}
