/** Turns of agents (behaviour §17): queues, takeovers, closing, and what a crash leaves behind on each store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  AIChannel,
  getConversationState,
  InMemoryStore,
  MockAIProvider,
  RoomClosedError,
  ValidationError,
  type AIContext,
  type AITool,
  type AttachOptions,
  type ChannelOutput,
  type ConversationStore,
  type CreateRoomOptions,
  type ToolContext,
} from '../../src/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { MockTelemetryProvider } from '../../src/testing/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

const say = (content: string) => ({ channelId: 'a', senderId: 'u', content });

describe('what an agent keeps for its next turn', () => {
  it("is its own and the room's alone, and gone when a stored event was changed", async () => {
    verifies('CON-09', 'EDT-04');
    const { kit } = makeKit();
    const found: unknown[] = [];
    const agent = (id: string): TestAgent =>
      new TestAgent(id, (event, _context, { turn }) => {
        found.push(turn?.kept?.value);
        if (turn?.kept !== undefined) turn.kept.value = `${id} of ${textOf(event)}`;
        return undefined;
      });
    const channels = [new TestTransport('a'), agent('one'), agent('two')];
    const roomId = await openRoom(kit, channels);
    await kit.createRoom({ roomId: 'other' });
    for (const { channelId } of channels) await kit.attachChannel('other', channelId);
    const ask = async (words: string, room = roomId): Promise<unknown[]> => {
      await kit.processInbound({ ...say(words), externalId: words }, { roomId: room });
      return found.splice(0);
    };
    expect(await ask('x')).toEqual([undefined, undefined]);
    expect(await ask('y', 'other')).toEqual([undefined, undefined]);
    expect(await ask('z')).toEqual(['one of x', 'two of x']);
    const [, edited] = messagesOf(await gapless(kit, roomId));
    const content = { type: 'edit', targetEventId: edited?.id ?? '', newContent: { type: 'text', body: 'mended' } } as const;
    await kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId });
    found.length = 0;
    expect(await ask('w')).not.toContain('one of z');
    expect(await ask('v', 'other')).toEqual(['one of y', 'two of y']);
    await kit.close();
  });
});

describe('a message for an agent that is busy', () => {
  async function busy(room: CreateRoomOptions, agent: TestAgent, binding: AttachOptions = {}): Promise<Harness & { ask(): Promise<unknown[]> }> {
    const harness = makeKit();
    const { kit, clock } = harness;
    await kit.createRoom({ roomId: 'room', ...room });
    kit.registerChannel(new TestTransport('a'));
    kit.registerChannel(agent);
    await kit.attachChannel('room', 'a');
    await kit.attachChannel('room', agent.channelId, binding);
    return {
      ...harness,
      ask: async () => {
        const calls = ['1', '2', '3', '4'].map((content) => kit.processInbound(say(content), { roomId: 'room' }));
        await clock.advance(1000);
        return (await Promise.all(calls)).map(({ turns }) => turns[0]?.reason ?? turns[0]?.state);
      },
    };
  }

  const slow = (harness: () => Harness): TestAgent =>
    new TestAgent('bot', async () => {
      await harness().clock.sleep(100);
      return 'done';
    });

  it("waits in a queue whose length the binding, else the room, else the agent's own option says", async () => {
    verifies('COL-01', 'CON-11');
    const cases: [CreateRoomOptions, number | undefined, AttachOptions, unknown[]][] = [
      [{}, undefined, {}, ['committed', 'committed', 'committed', 'committed']],
      [{}, 2, {}, ['committed', 'committed', 'committed', 'turn_queue_full']],
      [{ collision: { maxQueued: 1 } }, 2, {}, ['committed', 'committed', 'turn_queue_full', 'turn_queue_full']],
      [{ collision: { maxQueued: 1 } }, 2, { collision: { maxQueued: 0 } }, ['committed', 'turn_queue_full', 'turn_queue_full', 'turn_queue_full']],
    ];
    for (const [room, maxQueued, binding, expected] of cases) {
      const agent = slow(() => harness);
      Object.assign(agent, maxQueued === undefined ? {} : { collision: { maxQueued } });
      const harness: Awaited<ReturnType<typeof busy>> = await busy(room, agent, binding);
      expect(await harness.ask()).toEqual(expected);
      expect(messagesOf(await gapless(harness.kit, 'room')).filter(({ source }) => source.channelId === 'a')).toHaveLength(4);
      await harness.kit.close();
    }
  });

  it('is turned away where the policy says so, unless another agent sent it', async () => {
    verifies('COL-05', 'COL-06');
    const agent = slow(() => harness);
    const other = new TestAgent('other', (event) => (event.source.channelId === 'a' ? 'what do you think?' : undefined));
    const harness: Awaited<ReturnType<typeof busy>> = await busy({ collision: { policy: 'reject' } }, agent);
    const { kit, clock } = harness;
    expect(await harness.ask()).toEqual(['committed', 'agent_busy', 'agent_busy', 'agent_busy']);
    kit.registerChannel(other);
    await kit.attachChannel('room', 'other');
    agent.asked.length = 0;
    const call = kit.processInbound(say('both of you'), { roomId: 'room' });
    await clock.advance(1000);
    await call;
    expect(agent.asked.map(textOf)).toEqual(['both of you', 'what do you think?']);
    await kit.close();
  });

  it('is never treated by a policy that does not exist: that is said when it is asked for', async () => {
    verifies('COL-01');
    const { kit } = makeKit();
    const agent = new TestAgent('bot');
    await openRoom(kit, [new TestTransport('a'), agent]);
    const wrong = { policy: 'stampede' } as never;
    await expect(kit.createRoom({ collision: wrong })).rejects.toThrow(/"stampede".*queue, burst, steer, interrupt, reject/);
    await expect(kit.attachChannel('room', 'bot', { collision: wrong })).rejects.toThrow(ValidationError);
    await expect(kit.createRoom({ collision: { maxQueued: -1 } })).rejects.toThrow(/collision.maxQueued is -1/);
    await expect(kit.createRoom({ collision: { debounceMs: 0.5 } })).rejects.toThrow(/collision.debounceMs is 0.5/);
    expect(() => new AIChannel('ai', { provider: new MockAIProvider(), collision: wrong })).toThrow(ValidationError);
    await kit.close();
  });
});

describe('an agent whose place changes while it answers', () => {
  it('is not heard when it was detached or muted by its own doing, before or inside its turn', async () => {
    verifies('TURN-06');
    for (const [reason, change] of [
      ['channel_detached', (harness: Harness) => harness.kit.detachChannel('room', 'bot')],
      ['source_muted', (harness: Harness) => harness.kit.mute('room', 'bot')],
      ['room_closed', (harness: Harness) => harness.kit.closeRoom('room')],
    ] as const) {
      const harness = makeKit();
      const { kit } = harness;
      const dropped: unknown[] = [];
      kit.on('event_dropped', (event) => void dropped.push(event.data['reason']));
      const b = new TestTransport('b');
      const agent = new TestAgent('bot', async () => {
        await change(harness);
        return 'may I still?';
      });
      await openRoom(kit, [new TestTransport('a'), b, agent]);
      const result = await kit.processInbound(say('x'), { roomId: 'room' });
      expect(result.turns).toMatchObject([{ state: 'cancelled', reason, replyEventIds: [] }]);
      expect(b.texts).toEqual(['x']);
      expect(messagesOf(await gapless(kit, 'room')).map(textOf)).toEqual(['x']);
      // A mute is seen before the reply is made an event; the others when it wants to become one.
      expect(dropped).toEqual(reason === 'source_muted' ? [] : [reason]);
      expect(await kit.store.getTurn(result.turns[0]?.turnId ?? '')).toMatchObject({ state: 'cancelled' });
      await kit.close();
    }
  });

  it('is not heard when the gate that judges its reply shows it out', async () => {
    verifies('TURN-06', 'LOCK-06', 'ROOM-04');
    for (const [reason, change] of [
      ['channel_detached', (harness: Harness) => harness.kit.detachChannel('room', 'bot')],
      ['room_closed', (harness: Harness) => harness.kit.closeRoom('room')],
    ] as const) {
      const harness = makeKit();
      const { kit } = harness;
      const b = new TestTransport('b');
      await openRoom(kit, [new TestTransport('a'), b, new TestAgent('bot')]);
      kit.hook('before_broadcast', { channelIds: ['bot'] }, async () => void (await change(harness)) as never);
      const result = await kit.processInbound(say('x'), { roomId: 'room' });
      expect(result.turns).toMatchObject([{ state: 'cancelled', reason }]);
      expect(b.texts).toEqual(['x']);
      await kit.close();
    }
  });

  it('is not even asked about what waited when a person took over: its tools do nothing any more', async () => {
    verifies('TURN-06', 'LOCK-07');
    const { kit, clock } = makeKit();
    const agent = new TestAgent('bot', async () => {
      await clock.sleep(100);
      return 'stale';
    });
    await openRoom(kit, [new TestTransport('a'), agent]);
    const calls = ['1', '2'].map((content) => kit.processInbound(say(content), { roomId: 'room' }));
    await clock.advance(50);
    await kit.setActiveAgent('room', null);
    await clock.advance(500);
    expect((await Promise.all(calls)).map(({ turns }) => [turns[0]?.state, turns[0]?.reason])).toEqual([
      ['cancelled', 'taken_over'],
      ['cancelled', 'taken_over'],
    ]);
    expect(agent.asked.map(textOf)).toEqual(['1']);
    await kit.close();
  });

  it('is the only one a takeover speaks of: a transport that reacts goes on', async () => {
    verifies('TURN-06', 'BC-02');
    const { kit } = makeKit();
    const source = { channelId: 'bridge', channelType: 'webhook', direction: 'inbound', rawPayload: {} } as const;
    const bridge = new TestTransport('bridge', {
      onEvent: async (event) => {
        if (textOf(event) !== 'ping') return {};
        await kit.setActiveAgent('room', null);
        return { responded: true, responseEvents: [{ source, content: { type: 'text', body: 'pong' } }] };
      },
    });
    const a = new TestTransport('a');
    await openRoom(kit, [a, bridge]);
    await kit.processInbound(say('ping'), { roomId: 'room' });
    expect(a.texts).toEqual(['pong']);
    await kit.close();
  });

  it('is not solicited while a person has the conversation, in a room without a router too', async () => {
    verifies('HND-04', 'CST-04');
    const { kit } = makeKit();
    const agent = new TestAgent('bot');
    await openRoom(kit, [new TestTransport('a'), agent]);
    await kit.setActiveAgent('room', null);
    expect((await kit.processInbound(say('for a person'), { roomId: 'room' })).turns).toEqual([]);
    await kit.processInbound({ ...say('for the bot'), addressedTo: ['bot'] }, { roomId: 'room' });
    await kit.setActiveAgent('room', 'bot');
    await kit.processInbound(say('for the bot again'), { roomId: 'room' });
    expect(agent.asked.map(textOf)).toEqual(['for the bot', 'for the bot again']);
    await kit.close();
  });

  it('is addressed by a list: a text would name whoever’s id is part of it', async () => {
    verifies('BC-03');
    const { kit } = makeKit();
    await openRoom(kit, [new TestTransport('a'), new TestAgent('bot'), new TestAgent('bot-2')]);
    for (const addressedTo of ['bot-2', [7]]) {
      await expect(kit.processInbound({ ...say('x'), addressedTo: addressedTo as never }, { roomId: 'room' })).rejects.toThrow(/addressedTo is/);
      await expect(kit.sendEvent('room', 'a', 'x', { addressedTo: addressedTo as never })).rejects.toThrow(ValidationError);
    }
    await kit.close();
  });

  it('can only be an agent of the room, and of one that is open', async () => {
    verifies('CST-04', 'ROOM-04');
    const { kit } = makeKit();
    await openRoom(kit, [new TestTransport('a'), new TestAgent('bot')]);
    await expect(kit.setActiveAgent('room', 'a')).rejects.toThrow(/'a' of room 'room' is a transport.*agents here: bot/);
    await expect(kit.setActiveAgent('room', 'bto')).rejects.toThrow(/not attached.*agents here: bot/);
    await kit.setActiveAgent('room', 'bot');
    const before = await kit.getTimeline('room');
    await kit.closeRoom('room');
    await expect(kit.setActiveAgent('room', null)).rejects.toThrow(RoomClosedError);
    expect(await kit.getTimeline('room')).toHaveLength(before.length + 1);
    expect(getConversationState(await kit.getRoom('room')).activeAgentId).toBe('bot');
    await kit.close();
  });
});

describe('the end of a turn', () => {
  it('is told in a context of its own, whatever began the lane', async () => {
    verifies('CON-09', 'TURN-07', 'SND-04');
    const { kit, clock } = makeKit();
    const told: unknown[] = [];
    kit.hook('on_error', async ({ turn_id }) => {
      const event = await kit.sendEvent('room', 'a', 'a note', { addressedTo: [] });
      told.push([turn_id !== undefined, kit.currentTurn()?.channelId, event.chainDepth]);
    });
    const second = new TestAgent('second', async () => {
      await clock.sleep(100);
      throw new Error('no');
    });
    // The first one's turn begins the second one's lane; what comes later is no part of that turn.
    const first = new TestAgent('first', async () => {
      await kit.sendEvent('room', 'a', 'help', { addressedTo: ['second'] });
      return undefined;
    });
    await openRoom(kit, [new TestTransport('a'), first, second]);
    const calls = [kit.processInbound({ ...say('1'), addressedTo: ['first'] }, { roomId: 'room' })];
    await clock.advance(50);
    calls.push(kit.processInbound({ ...say('2'), addressedTo: ['second'] }, { roomId: 'room' }));
    await clock.advance(1000);
    await Promise.all(calls);
    expect(told).toEqual([
      [true, undefined, 0],
      [true, undefined, 0],
    ]);
    await kit.close();
  });

  it('is recorded also when its last reply was refused: nothing is left to be taken up again', async () => {
    verifies('TURN-03', 'TURN-01');
    const { kit } = makeKit();
    const agent: TestAgent = new TestAgent('bot', () => ({
      responded: true,
      responseEvents: [
        agent.reply('one'),
        { source: agent.source, content: { type: 'edit', targetEventId: 'nothing', newContent: { type: 'text', body: 'x' } } },
      ],
    }));
    await openRoom(kit, [new TestTransport('a'), agent]);
    const { turns } = await kit.processInbound(say('x'), { roomId: 'room' });
    expect(turns).toMatchObject([{ state: 'committed' }]);
    expect(await kit.store.listTurns({ roomId: 'room', state: ['queued', 'running'] })).toEqual([]);
    expect(await kit.store.getTurn(turns[0]?.turnId ?? '')).toMatchObject({ state: 'committed', replyEventIds: turns[0]?.replyEventIds });
    await kit.close();
  });

  it('of an agent that answers and says that it failed is a failure, answer and all', async () => {
    verifies('TURN-07');
    const { kit } = makeKit();
    const error = { code: 'quota', message: 'The model of bot failed.', channelId: 'bot' };
    const agent: TestAgent = new TestAgent('bot', () => ({ responded: true, responseEvents: [agent.reply('half')], endReason: 'error', error }));
    await openRoom(kit, [new TestTransport('a'), agent]);
    const failed: unknown[] = [];
    kit.on('turn_failed', ({ data }) => void failed.push(data['code']));
    const { turns } = await kit.processInbound(say('x'), { roomId: 'room' });
    expect(turns).toMatchObject([{ state: 'failed', error }]);
    expect(await kit.store.getTurn(turns[0]?.turnId ?? '')).toMatchObject({ state: 'failed' });
    expect(failed).toEqual(['quota']);
    await kit.close();
  });

  it('is not known to work that was put in the background, whatever that does first', async () => {
    verifies('CON-10', 'CON-09');
    const { kit } = makeKit({ telemetry: { provider: new MockTelemetryProvider() } });
    const told: unknown[] = [];
    let background: Promise<void> | undefined;
    const agent = new TestAgent('bot', () => {
      background = kit.background(async () => {
        const { event } = await kit.processInbound({ ...say('note'), addressedTo: [] }, { roomId: 'room', wait: 'commit' });
        told.push([kit.currentTurn(), event?.chainDepth]);
        told.push((await kit.sendEvent('room', 'a', 'another', { addressedTo: [] })).chainDepth);
      });
      return undefined;
    });
    await openRoom(kit, [new TestTransport('a'), agent]);
    await kit.processInbound(say('1'), { roomId: 'room' });
    await background;
    expect(told).toEqual([[undefined, 0], 0]);
    await kit.close();
  });

  it('that was cancelled says so, streamed or not', async () => {
    verifies('STE-03');
    for (const streaming of [false, true]) {
      const { kit, clock } = makeKit();
      const channel = new AIChannel('bot', { provider: new MockAIProvider({ streaming, delayMs: 1000, clock }) });
      await openRoom(kit, [new TestTransport('a'), channel]);
      const call = kit.processInbound(say('x'), { roomId: 'room' });
      await clock.advance(500);
      expect(channel.steer({ type: 'cancel' }, { roomId: 'room' })).toBe(true);
      expect((await call).turns).toMatchObject([{ state: 'cancelled', endReason: 'cancelled' }]);
      expect((await call).error).toBeUndefined();
      await kit.close();
    }
  });
});

/** A store that outlives its kit: `again()` is the same data as the next process finds it. */
interface Disk {
  readonly store: ConversationStore;
  /** The process is gone: nothing it still does reaches the data. */
  crash(): Promise<void>;
  again(): Promise<Disk>;
}

const folder = mkdtempSync(join(tmpdir(), 'roomkit-turns-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function sqlite(path: string): Promise<Disk> {
  const store = await SqliteStore.open(path);
  return {
    store,
    crash: async () => {
      store.close();
      await Promise.resolve();
    },
    again: () => sqlite(path),
  };
}

/** In memory the data is an object that the next kit gets too; a crashed kit's writes are refused. */
function memory(later: boolean, kept: SurvivingStore = new SurvivingStore()): Disk {
  let gone = false;
  const store = new Proxy(kept, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        if (gone && key !== 'close') throw new Error('This process is gone.');
        const call = (): unknown => (value as (...args: unknown[]) => unknown).apply(target, given);
        return later && key !== 'close' ? Promise.resolve().then(call) : call();
      };
    },
  });
  return {
    store,
    crash: () => {
      gone = true;
      return Promise.resolve();
    },
    again: () => Promise.resolve(memory(later, kept)),
  };
}

class SurvivingStore extends InMemoryStore {
  override readonly persistent = true;
  override close(): void {
    // The next kit reads on.
  }
}

let files = 0;
const disks: [string, () => Promise<Disk>][] = [
  ['InMemoryStore', () => Promise.resolve(memory(false))],
  ['a store that answers later', () => Promise.resolve(memory(true))],
  ['SqliteStore', () => sqlite(join(folder, `${++files}.db`))],
];

/** A kit on this disk with `a`, `b` and the agent; the room is made by the first. */
async function boot(
  disk: Disk,
  agent: TestAgent | AIChannel,
  first = false,
  options: object = {},
): Promise<Harness & { b: TestTransport; events: unknown[] }> {
  const harness = makeKit({ store: disk.store, ...options });
  const { kit } = harness;
  const b = new TestTransport('b');
  const events: unknown[] = [];
  for (const type of ['turn_recovered', 'turn_expired', 'turn_failed'] as const) kit.on(type, ({ data }) => void events.push([type, data['code']]));
  kit.hook('on_error', ({ category, code }) => void events.push(['on_error', category, code]));
  for (const channel of [new TestTransport('a'), b, agent]) {
    kit.registerChannel(channel);
    if (first) {
      if (channel.channelId === 'a') await kit.createRoom({ roomId: 'room' });
      await kit.attachChannel('room', channel.channelId);
    }
  }
  return { ...harness, b, events };
}

const never = (): Promise<never> => new Promise(() => undefined);

/** Moves time until nothing is under way: what a file does takes real moments, and what was being sent is unknown for 30 s. */
async function quiet({ kit, clock }: Harness): Promise<void> {
  for (let round = 0; round < 500; round++) {
    await clock.advance(100);
    const open = await kit.store.listTurns({ state: ['queued', 'running'] });
    if (kit.stats().tasks === 0 && open.length === 0) return;
  }
  throw new Error(`Still under way: ${JSON.stringify(kit.stats())}`);
}

describe.each(disks)('after a crash, on %s', (_name, open) => {
  it('in mid-turn another process runs the turn again, once', async () => {
    verifies('TURN-03', 'TURN-01', 'F27c', 'OUT-08');
    const disk = await open();
    const one = await boot(disk, new TestAgent('bot', never), true);
    for (const content of ['1', '2']) void one.kit.processInbound(say(content), { roomId: 'room', wait: 'commit' });
    await one.clock.advance(10);
    await disk.crash();
    const next = await disk.again();
    const agent = new TestAgent('bot');
    const two = await boot(next, agent);
    await quiet(two);
    expect(agent.asked.map(textOf)).toEqual(['1', '2']);
    expect(agent.turns.map(({ turn }) => turn?.attempt)).toEqual([2, 1]);
    expect(two.events).toEqual([['turn_recovered', undefined]]);
    expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['1', '2', 're: 1', 're: 2']);
    expect(await next.store.listTurns({ state: ['queued', 'running'] })).toEqual([]);
    await two.clock.advance(60_000);
    expect(agent.asked).toHaveLength(2);
    await two.kit.close();
  });

  it('before or after the commit of the reply there is exactly one reply', async () => {
    verifies('TURN-03', 'F27c', 'STO-04');
    for (const moment of ['before', 'after'] as const) {
      const disk = await open();
      const one = await boot(
        disk,
        new TestAgent('bot', async () => {
          if (moment === 'before') await disk.crash();
          return 'answer';
        }),
        true,
      );
      one.kit.onCommitted((event) => {
        if (moment === 'after' && event.source.channelId === 'bot') void disk.crash();
      });
      void one.kit.processInbound(say('x'), { roomId: 'room' }).catch(() => undefined);
      await one.clock.advance(100);
      const next = await disk.again();
      const agent = new TestAgent('bot', () => 'answer');
      const two = await boot(next, agent);
      await two.clock.advance(60_000);
      expect(agent.asked, moment).toHaveLength(moment === 'before' ? 1 : 0);
      expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['x', 'answer']);
      // What the first process committed and did not deliver goes out now.
      expect(two.b.texts).toContain('answer');
      await two.kit.close();
    }
  });

  it('between two replies of a turn only the missing one is committed', async () => {
    verifies('TURN-03', 'STO-04');
    const disk = await open();
    const twice = (): TestAgent => {
      const agent: TestAgent = new TestAgent('bot', (): ChannelOutput => ({
        responded: true,
        responseEvents: [agent.reply('one'), agent.reply('two')],
      }));
      return agent;
    };
    const one = await boot(disk, twice(), true);
    one.kit.onCommitted((event) => void (textOf(event) === 'one' && disk.crash()));
    void one.kit.processInbound(say('x'), { roomId: 'room' }).catch(() => undefined);
    await one.clock.advance(100);
    const next = await disk.again();
    const two = await boot(next, twice());
    await quiet(two);
    expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['x', 'one', 'two']);
    expect(await next.store.listTurns({ roomId: 'room' })).toMatchObject([{ state: 'committed', attempts: 2 }]);
    await two.kit.close();
  });

  it('of both attempts the turn has failed, and says so', async () => {
    verifies('TURN-03', 'TURN-07');
    let disk = await open();
    for (const attempt of [1, 2]) {
      const { kit, clock } = await boot(disk, new TestAgent('bot', never), attempt === 1);
      if (attempt === 1) void kit.processInbound(say('x'), { roomId: 'room', wait: 'commit' });
      await clock.advance(10);
      await disk.crash();
      disk = await disk.again();
    }
    const agent = new TestAgent('bot');
    const { kit, clock, events } = await boot(disk, agent);
    await clock.advance(60_000);
    expect(agent.asked).toEqual([]);
    expect(events).toEqual([
      ['turn_failed', 'crashed'],
      ['on_error', 'turn', 'crashed'],
    ]);
    expect(await disk.store.listTurns({ roomId: 'room' })).toMatchObject([{ state: 'failed', attempts: 2, error: { code: 'crashed' } }]);
    await kit.close();
  });

  it('that lasted too long the turn expires without a reply', async () => {
    verifies('TURN-05');
    const disk = await open();
    const one = await boot(disk, new TestAgent('bot', never), true, { turnTtlSeconds: 60 });
    for (const content of ['1', '2']) void one.kit.processInbound(say(content), { roomId: 'room', wait: 'commit' });
    await one.clock.advance(10);
    await disk.crash();
    const next = await disk.again();
    const agent = new TestAgent('bot');
    const two = await boot(next, agent);
    two.clock.jump(3600_000);
    await quiet(two);
    expect(agent.asked).toEqual([]);
    expect(two.events.filter((event) => Array.isArray(event) && event[0] === 'turn_expired')).toHaveLength(2);
    expect((await next.store.listTurns({ roomId: 'room' })).map(({ state }) => state)).toEqual(['expired', 'expired']);
    expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['1', '2']);
    await two.kit.close();
  });

  it('a room that had nothing left behind takes the first message, whatever the policy', async () => {
    verifies('COL-05', 'COL-01');
    for (const collision of [{ policy: 'reject' }, { maxQueued: 0 }] as const) {
      const disk = await open();
      const one = await boot(disk, Object.assign(new TestAgent('bot'), { collision }), true);
      const call = one.kit.processInbound(say('1'), { roomId: 'room' });
      await quiet(one);
      expect((await call).turns).toMatchObject([{ state: 'committed' }]);
      await one.kit.close();
      const next = await disk.again();
      const two = await boot(next, Object.assign(new TestAgent('bot'), { collision }));
      const again = two.kit.processInbound(say('2'), { roomId: 'room' });
      await quiet(two);
      expect((await again).turns).toMatchObject([{ state: 'committed' }]);
      await two.kit.close();
    }
  });

  it('every turn that had been accepted is run, however many are allowed to wait', async () => {
    verifies('TURN-03', 'COL-01');
    const disk = await open();
    const one = await boot(disk, new TestAgent('bot', never), true);
    for (let n = 0; n < 6; n++) void one.kit.processInbound(say(`${n}`), { roomId: 'room', wait: 'commit' });
    await one.clock.advance(10);
    await disk.crash();
    const next = await disk.again();
    const agent = Object.assign(new TestAgent('bot'), { collision: { maxQueued: 1 } });
    const two = await boot(next, agent);
    await quiet(two);
    expect(agent.asked.map(textOf)).toEqual(['0', '1', '2', '3', '4', '5']);
    await two.kit.close();
  });

  it('a tool that is not idempotent and had started is not run again, and the model is told', async () => {
    verifies('TURN-04', 'F27d');
    const disk = await open();
    const keys: string[] = [];
    const ran: string[] = [];
    const tool = (name: string, idempotent: boolean, run: () => unknown): AITool => ({
      name,
      description: '',
      idempotent,
      handler: (_args, context: ToolContext) => {
        ran.push(name);
        keys.push(context.idempotencyKey);
        return run();
      },
    });
    const provider = (): MockAIProvider =>
      new MockAIProvider({
        responder: (context: AIContext) =>
          context.messages.some(({ role }) => role === 'tool')
            ? 'I could not find out.'
            : {
                content: '',
                toolCalls: [
                  { id: '1', name: 'charge', arguments: { amount: 5, to: 'x' } },
                  { id: '2', name: 'look', arguments: { a: 1, b: 2 } },
                ],
              },
      });
    const one = await boot(
      disk,
      new AIChannel('bot', { provider: provider(), tools: [tool('charge', false, never), tool('look', true, never)] }),
      true,
    );
    void one.kit.processInbound(say('x'), { roomId: 'room', wait: 'commit' });
    await one.clock.advance(10);
    expect(ran.sort()).toEqual(['charge', 'look']);
    await disk.crash();
    const next = await disk.again();
    const model = provider();
    const two = await boot(
      next,
      new AIChannel('bot', { provider: model, tools: [tool('charge', false, () => 'paid'), tool('look', true, () => 'found')] }),
    );
    await quiet(two);
    expect(ran).toEqual(['charge', 'look', 'look']);
    expect(keys[2]).toBe(keys.find((key) => key.includes(':look:')));
    const results = model.calls[1]?.messages.findLast(({ role }) => role === 'tool')?.content;
    expect(results).toMatchObject([{ isError: true, result: expect.stringContaining('outcome is unknown') as string }, { result: 'found' }]);
    expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['x', 'I could not find out.']);
    await two.kit.close();
  });

  it('or closing in mid-turn, the answer comes after the next start', async () => {
    verifies('TURN-03', 'KIT-05');
    const disk = await open();
    const one = await boot(disk, new TestAgent('bot', never), true);
    const call = one.kit.processInbound(say('x'), { roomId: 'room' });
    await one.clock.advance(10);
    const closing = one.kit.close();
    await one.clock.advance(15_000);
    await closing;
    expect((await call).turns).toMatchObject([{ state: 'queued', reason: 'kit_closed' }]);
    expect(one.events).toEqual([]);
    const next = await disk.again();
    const two = await boot(next, new TestAgent('bot'));
    await quiet(two);
    expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['x', 're: x']);
    await two.kit.close();
  });
});
