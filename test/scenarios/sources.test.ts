/** Sources as the kit runs them: the order of what they bring, what is not taken, how they end, when they are started again. */
import { describe, expect, it } from 'vitest';
import type { AttachSourceOptions, InboundResult, SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../src/core/index.js';
import { ProviderError } from '../../src/core/index.js';
import { verifies } from '../requirements.js';
import { makeKit, messagesOf, openRoom, TestTransport, textOf, type Harness } from '../support/harness.js';

/** Does what each of its starts is told; the last one also for those that follow. */
class ToldSource implements SourceProvider {
  readonly name = 'told';
  readonly status = 'connected';
  readonly starts: SourceStartOptions[] = [];
  emit: SourceEmit = () => Promise.reject(new Error('not started'));

  constructor(
    private readonly runs: readonly ((emit: SourceEmit, options: SourceStartOptions) => Promise<void>)[],
    private readonly whenStopped: () => void | Promise<void> = () => undefined,
  ) {}

  async start(emit: SourceEmit, options: SourceStartOptions): Promise<void> {
    this.emit = emit;
    this.starts.push(options);
    await this.runs[Math.min(this.starts.length, this.runs.length) - 1]?.(emit, options);
  }
  stop(): void | Promise<void> {
    return this.whenStopped();
  }
  healthcheck(): SourceHealth {
    return { status: this.status, messagesReceived: 0, metadata: {} };
  }
}

const says = (senderId: string, content: string) => ({ channelId: 'a', senderId, content });

/** A kit with one room and a channel whose messages each need their own time. */
async function scene(slow: Readonly<Record<string, number>> = {}): Promise<Harness & { roomId: string; inWork: () => number; most: () => number }> {
  const { kit, clock } = makeKit();
  let [inWork, most] = [0, 0];
  const channel = new TestTransport('a', {
    handleInbound: async (message) => {
      most = Math.max(most, ++inWork);
      await clock.sleep(slow[String(message.content)] ?? 10);
      inWork--;
      return {
        source: { channelId: 'a', channelType: 'sms', direction: 'inbound', participantId: message.senderId, rawPayload: {} },
        content: { type: 'text', body: String(message.content) },
      };
    },
  });
  const roomId = await openRoom(kit, [channel]);
  return { kit, clock, roomId, inWork: () => inWork, most: () => most };
}

describe('what a source brings', () => {
  it('keeps the order of arrival within a room, whoever says it and however long one of them takes', async () => {
    verifies('SRC-02');
    const { kit, clock, roomId } = await scene({ first: 500, third: 300 });
    const results: InboundResult[] = [];
    const source = new ToldSource([
      async (emit) => {
        const said = [says('ada', 'first'), says('bob', 'second'), says('ada', 'third'), says('eve', 'fourth')];
        results.push(...(await Promise.all(said.map((message) => emit(message)))));
      },
    ]);
    await kit.attachSource('a', source);
    await clock.advance(5000);
    expect(messagesOf(await kit.getTimeline(roomId)).map(textOf)).toEqual(['first', 'second', 'third', 'fourth']);
    expect(results.map(({ event }) => event?.index)).toEqual([...results.map(({ event }) => event?.index)].sort());
    await kit.close();
  });

  it('keeps order and number also when the source was started again while some was still in work', async () => {
    verifies('SRC-02');
    const { kit, clock, roomId, most } = await scene({ slow: 20_000 });
    const source = new ToldSource([
      async (emit) => {
        for (const word of ['slow', 'next', 'last']) emit(says('ada', word)).catch(() => undefined);
        throw new Error('lost');
      },
      async (emit) => void (await emit(says('ada', 'after'))),
    ]);
    await kit.attachSource('a', source, { maxConcurrentEmits: 1, restartDelaySeconds: 1 });
    await clock.advance(60_000);
    expect(messagesOf(await kit.getTimeline(roomId)).map(textOf)).toEqual(['slow', 'next', 'last', 'after']);
    expect(most()).toBe(1);
    expect(source.starts.map(({ maxConcurrentEmits }) => maxConcurrentEmits)).toEqual([1, 1]);
    await kit.close();
  });

  it('is refused to the source when the kit cannot take it, and the others go on', async () => {
    verifies('SRC-02', 'SRC-03');
    const { kit, clock, roomId } = await scene();
    const attempts: unknown[] = [];
    kit.on('source_error', ({ data }) => void attempts.push(data['attempt']));
    const source = new ToldSource([
      async (emit) => {
        await emit({ ...says('ada', 'x'), channelId: 'nowhere' });
      },
      async (emit) => {
        const refused = emit({ ...says('ada', 'x'), channelId: 'nowhere' });
        await emit(says('ada', 'good'));
        await refused;
      },
    ]);
    await kit.attachSource('a', source, { maxRestartAttempts: 2, restartDelaySeconds: 1 });
    await clock.advance(2000);
    // What was not taken is no delivery that would make up for the failures before; what was taken is.
    expect(attempts).toEqual([1, 1]);
    expect(messagesOf(await kit.getTimeline(roomId)).map(textOf)).toEqual(['good']);
    await kit.close();
  });

  it('is not taken any more once the source is detached', async () => {
    verifies('SRC-04');
    const { kit, clock, roomId } = await scene();
    const source = new ToldSource([(_emit, { signal }) => clock.sleep(1e9, signal).catch(() => undefined)]);
    await kit.attachSource('a', source);
    await clock.advance(10);
    await kit.detachSource('a');
    await expect(source.emit(says('ada', 'late'))).rejects.toMatchObject({ code: 'aborted' });
    expect(messagesOf(await kit.getTimeline(roomId))).toEqual([]);
    await kit.close();
  });
});

describe('the end of a source', () => {
  it('waits five seconds for a stop that never ends, and five for a start that does not hear', async () => {
    verifies('SRC-04');
    const { kit, clock } = await scene();
    const never = new Promise<void>(() => undefined);
    const deaf = new ToldSource([() => never], () => never);
    await kit.attachSource('a', deaf);
    let isOver = false;
    const detaching = kit.detachSource('a').then(() => (isOver = true));
    await clock.advance(4999);
    expect(deaf.starts[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deaf.starts[0]?.signal.aborted).toBe(true);
    await clock.advance(4999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await detaching;
    expect(kit.listSources()).toEqual({});
    await kit.close();
  });

  it('is the detaching also when stop() throws, and while it waits to be started again', async () => {
    verifies('SRC-04', 'SRC-07');
    const { kit, clock } = await scene();
    const source = new ToldSource([() => Promise.reject(new Error('lost'))], () => Promise.reject(new Error('wss://x?token=abc')));
    await kit.attachSource('a', source);
    await clock.advance(1000);
    const detaching = kit.detachSource('a');
    await clock.advance(0);
    await detaching;
    await clock.advance(100_000);
    expect(source.starts).toHaveLength(1);
    expect(clock.pendingTimers).toBeLessThan(5);
    await kit.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a source that failed', () => {
  it('comes back when the other side asks for it, later each time', async () => {
    verifies('SRC-03');
    const { kit, clock } = await scene();
    const startedAt: number[] = [];
    const source = new ToldSource([
      async () => {
        startedAt.push(clock.monotonic());
        throw new ProviderError('Try again later.', { provider: 'told', retryAfterSeconds: 0.5 });
      },
    ]);
    await kit.attachSource('a', source, { maxRestartDelaySeconds: 2 });
    await clock.advance(9000);
    expect(startedAt).toEqual([0, 500, 1500, 3500, 5500, 7500]);
    await kit.close();
  });

  it.each<[AttachSourceOptions, string]>([
    [{ autoRestrt: false } as never, "attachSource has no option 'autoRestrt'. Did you mean 'autoRestart'?"],
    [{ restartDelaySeconds: -1 }, 'Option restartDelaySeconds of attachSource is -1. Give seconds of 0 or more.'],
    [{ maxRestartDelaySeconds: Number.NaN }, 'maxRestartDelaySeconds of attachSource is NaN'],
    [{ maxRestartAttempts: 1.5 }, 'maxRestartAttempts of attachSource is 1.5'],
    [{ maxConcurrentEmits: 0 }, 'Option maxConcurrentEmits of attachSource is 0. Give a whole number above 0.'],
  ])('is not attached with %j', async (options, message) => {
    verifies('KIT-07', 'SRC-01');
    const { kit } = await scene();
    await expect(kit.attachSource('a', new ToldSource([]), options)).rejects.toThrow(message);
    expect(kit.listSources()).toEqual({});
    await kit.close();
  });
});
