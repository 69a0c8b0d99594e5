/** Hooks: order, verdicts, filters, failures (behaviour §8). */
import { describe, expect, it } from 'vitest';
import { HookResult, HookTrigger, TimeoutError, TRIGGERS, ValidationError, type HookOptions } from '../../src/core/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const text = (body: string) => ({ type: 'text', body }) as const;

describe('gates', () => {
  it('run by priority, global before room hooks, and each sees what the one before made of the payload', async () => {
    verifies('HK-01', 'HK-02', 'HK-05', 'HK-11');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const order: string[] = [];
    const add = (name: string, priority: number, room = false) => {
      const handler = (event: Parameters<typeof textOf>[0]) => {
        order.push(name);
        return HookResult.modify({ ...event, content: text(`${textOf(event)}${name}`) });
      };
      if (room) kit.addRoomHook(roomId, 'before_broadcast', { name, priority }, handler);
      else kit.hook('before_broadcast', { name, priority }, handler);
    };
    add('room', 0, true);
    add('late', 10);
    add('first', -5);
    add('second', 0);
    let observed = '';
    let frozen = false;
    kit.hook('before_broadcast', { execution: 'async', name: 'observer' }, (event) => {
      observed = textOf(event);
      frozen = Object.isFrozen(event);
    });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: '>' }, { roomId });
    expect(order).toEqual(['first', 'second', 'room', 'late']);
    expect(b.texts).toEqual(['>firstsecondroomlate']);
    expect(observed).toBe('>firstsecondroomlate');
    expect(frozen).toBe(true);
    await kit.close();
  });

  it('that block stop the chain, keep the side effects so far, and name themselves', async () => {
    verifies('HK-04', 'INB-12', 'INB-15', 'INJ-01', 'INJ-03');
    const { kit, clock } = makeKit();
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a, new TestTransport('b')]);
    const later: string[] = [];
    kit.hook('before_broadcast', { name: 'notes' }, (event) =>
      event.chainDepth > 0
        ? HookResult.allow()
        : HookResult.allow({ observations: [{ content: 'seen' }], metadata: { mood: 'angry', _internal: 1 } }),
    );
    kit.hook('before_broadcast', {}, (event) =>
      textOf(event) === 'stop'
        ? HookResult.block('rude', {
            tasks: [{ title: 'review' }],
            injectedEvents: [{ event: { content: 'Please be polite.' }, targetChannelIds: ['a'] }],
          })
        : HookResult.allow(),
    );
    kit.hook('before_broadcast', { priority: 5 }, (event) => {
      later.push(textOf(event));
      return HookResult.allow();
    });
    const told: string[] = [];
    kit.hook('on_task_created', (event) => void told.push(`task ${String(event.metadata['task_title'])}`));
    kit.hook('on_observation', () => void told.push('observation'));
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'stop' }, { roomId });
    await clock.advance(0);
    expect(result).toMatchObject({ blocked: true, reason: 'rude', event: { blockedBy: 'rude' } });
    expect(later).toEqual([]);
    expect(a.texts).toEqual(['Please be polite.']);
    expect(await kit.listTasks(roomId)).toMatchObject([{ title: 'review' }]);
    expect(await kit.listObservations(roomId)).toMatchObject([{ content: 'seen', channelId: 'a', confidence: 1 }]);
    expect((await kit.getRoom(roomId)).metadata).toEqual({ mood: 'angry' });
    expect(told.sort()).toEqual(['observation', 'task review']);
    expect(messagesOf(await gapless(kit, roomId)).map((event) => [textOf(event), event.status])).toEqual([
      ['stop', 'blocked'],
      ['Please be polite.', 'delivered'],
    ]);
    await kit.close();
  });

  it('are built with a reason to block and a payload to modify', () => {
    verifies('HK-05');
    expect(() => HookResult.block('')).toThrow(ValidationError);
    expect(() => HookResult.modify(undefined)).toThrow(ValidationError);
    expect(HookResult.modify('').payload).toBe('');
  });

  it('F46 hooks', async () => {
    verifies('F46', 'HK-06', 'HK-07', 'HK-08', 'CON-08');
    for (const [failure, expected] of [
      ['open', undefined],
      ['closed', 'hook_failed'],
    ] as const) {
      for (const [name, handler] of Object.entries<(event: Parameters<typeof textOf>[0]) => unknown>({
        throws: () => {
          throw new Error('broken');
        },
        rejects: async () => {
          await Promise.resolve();
          throw new Error('broken later');
        },
        'times out inside': () => {
          throw new TimeoutError('a look-up took too long');
        },
        hangs: () => new Promise(() => undefined),
        'returns nothing': () => undefined,
        'returns another thing': () => ({ action: 'block' }),
        'changes the id': (event) => HookResult.modify({ ...event, id: 'other' }),
        'changes the sender': (event) => HookResult.modify({ ...event, source: { ...event.source, participantId: 'somebody' } }),
        'gives a string': () => HookResult.modify('text' as never),
        'gives bad content': (event) => HookResult.modify({ ...event, content: { type: 'text' } as never }),
      })) {
        const { kit, clock } = makeKit({ hookTimeoutSeconds: 3 });
        const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
        const failures: unknown[] = [];
        kit.on('hook_error', (event) => void failures.push(event.data['hook']));
        kit.on('hook_timeout', (event) => void failures.push([event.data['hook'], event.data['timeout_seconds']]));
        kit.hook('before_broadcast', { name, failure } as HookOptions<'sync'>, handler as never);
        const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
        await clock.advance(3000);
        const result = await call;
        expect(result.reason, `${failure}: ${name}`).toBe(expected);
        expect(failures, name).toEqual(name === 'hangs' ? [[name, 3]] : [name]);
        await kit.close();
      }
    }
  });

  it('get a signal that is aborted when their time is up', async () => {
    verifies('HK-07');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    let aborted = false;
    kit.hook('before_broadcast', { timeoutSeconds: 1 }, async (_event, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await new Promise(() => undefined);
      return HookResult.block('too late');
    });
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(1000);
    expect((await call).blocked).toBe(false);
    expect(aborted).toBe(true);
    await kit.close();
  });

  it('that wait each have a time of their own, and the next one is asked in the room as if nothing had happened', async () => {
    verifies('HK-07', 'HK-10');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const timeouts: unknown[] = [];
    kit.on('hook_timeout', (event) => void timeouts.push([event.data['hook'], clock.now()]));
    const begin = clock.now();
    const concerned = (event: Parameters<typeof textOf>[0]): boolean => textOf(event) === 'x';
    const hang = async (event: Parameters<typeof textOf>[0]): Promise<HookResult> => {
      if (concerned(event)) await new Promise(() => undefined);
      return HookResult.allow();
    };
    kit.hook('before_broadcast', { name: 'slow', timeoutSeconds: 10 }, async (event) => {
      if (concerned(event)) await clock.sleep(7000);
      return HookResult.allow();
    });
    kit.hook('before_broadcast', { name: 'hangs', timeoutSeconds: 10 }, hang);
    kit.hook('before_broadcast', { name: 'hangs shorter', timeoutSeconds: 2 }, hang);
    kit.hook('before_broadcast', { name: 'calls' }, async (event, { room }) => {
      // It joins the section that is open: with a lock of its own it would wait for itself.
      if (concerned(event)) await kit.sendEvent(room.id, 'a', 'said by the gate');
      return HookResult.allow();
    });
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    await clock.advance(7000 + 10_000 + 2000);
    expect((await call).blocked).toBe(false);
    expect(timeouts).toEqual([
      ['hangs', begin + 17_000],
      ['hangs shorter', begin + 19_000],
    ]);
    expect(b.texts).toEqual(['said by the gate', 'x']);
    await kit.close();
  });

  it('match by what the event came from, and can be removed', async () => {
    verifies('HK-03', 'HK-09');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('sms'), new TestTransport('web', { channelType: 'websocket' })]);
    const hits: string[] = [];
    const count = (name: string) => () => {
      hits.push(name);
      return HookResult.allow();
    };
    kit.hook('before_broadcast', { channelTypes: ['sms'] }, count('type'));
    kit.hook('before_broadcast', { channelIds: ['web'] }, count('id'));
    kit.hook('before_broadcast', { directions: ['outbound'] }, count('direction'));
    kit.hook('before_broadcast', { channelTypes: ['sms'], channelIds: ['web'] }, count('both'));
    const twice = count('twice');
    kit.hook('before_broadcast', { name: 't' }, twice);
    const stop = kit.hook('before_broadcast', twice);
    kit.addRoomHook(roomId, 'before_broadcast', { name: 'here' }, count('here'));
    await kit.processInbound({ channelId: 'sms', senderId: 'u', content: 'x' }, { roomId });
    expect(hits.splice(0)).toEqual(['type', 'twice', 'twice', 'here']);
    stop();
    expect([kit.removeHook('t'), kit.removeHook('t'), kit.removeRoomHook(roomId, 'here'), kit.removeRoomHook('elsewhere', 'here')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    await kit.processInbound({ channelId: 'web', senderId: 'u', content: 'x' }, { roomId });
    expect(hits).toEqual(['id']);
    expect(() => kit.hook('before_everything' as never, () => undefined as never)).toThrow(/before_broadcast/);
    expect(() => kit.hook('after_broadcast', { failure: 'closed' }, () => undefined)).toThrow(/notice/);
    await kit.close();
  });

  it('cost nothing when nobody listens', async () => {
    verifies('HK-12', 'INB-04');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    const { store } = kit;
    let reads = 0;
    const listEvents = store.listEvents.bind(store);
    store.listEvents = (...args) => {
      reads++;
      return listEvents(...args);
    };
    for (let n = 0; n < 3; n++) await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(reads).toBe(0);
    const windows: number[] = [];
    kit.hook('before_broadcast', (_event, { recentEvents }) => {
      windows.push(recentEvents.length);
      return HookResult.allow();
    });
    for (let n = 0; n < 60; n++) await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(reads).toBe(1);
    expect(windows.slice(0, 3)).toEqual([4, 5, 6]);
    expect(windows.at(-1)).toBe(50);
    await kit.close();
  });
});

describe('notices', () => {
  it('come after the fact, outside the lock, and change nothing whatever they do', async () => {
    verifies('HK-01', 'HK-08', 'INB-16', 'INV-14');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    const seen: unknown[] = [];
    kit.hook('after_broadcast', () => {
      throw new Error('a failing observer');
    });
    kit.hook('after_broadcast', async (event) => {
      if (event.chainDepth > 0 || textOf(event) !== 'hi') return;
      seen.push([textOf(event), b.texts.length]);
      // Outside the lock: the call does not join anything, and ends.
      await kit.sendEvent(roomId, 'a', 'from a notice');
    });
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'hi' }, { roomId });
    expect(result.blocked).toBe(false);
    expect(seen).toEqual([['hi', 1]]);
    expect(b.texts).toEqual(['hi', 'from a notice']);
    const messages = messagesOf(await gapless(kit, roomId));
    expect(messages.map((event) => event.chainDepth)).toEqual([0, 1]);
    await kit.close();
  });

  it('F54 observers_fail', async () => {
    verifies('F54', 'INV-14');
    const run = async (failing: boolean): Promise<unknown> => {
      const boom = () => {
        throw new Error('observer');
      };
      const { kit, clock } = makeKit({
        telemetry: failing ? { provider: { name: 'bad', startSpan: boom, endSpan: boom, setAttribute: boom, recordMetric: boom } } : {},
      });
      const b = new TestTransport('b');
      const roomId = await openRoom(kit, [new TestTransport('a'), b, new TestAgent('bot')]);
      if (failing) {
        for (const trigger of Object.values(HookTrigger)) if (TRIGGERS[trigger].kind === 'notice') kit.hook(trigger, boom as never);
        kit.hook('before_broadcast', { execution: 'async' }, boom);
        for (const type of ['event_processed', 'delivery_succeeded', 'channel_registered'] as const) kit.on(type, boom);
        kit.onCommitted(boom);
      }
      const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x', idempotencyKey: 'k' }, { roomId });
      await clock.advance(100);
      const events = (await gapless(kit, roomId)).map((event) => [event.index, event.type, event.status, textOf(event)]);
      await kit.close();
      return { blocked: result.blocked, deliveries: result.deliveryResults, turns: result.turns.length, events, heard: b.texts };
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it('of life in the room get a context that shows the change', async () => {
    verifies('HK-15');
    const { kit } = makeKit();
    const seen: unknown[] = [];
    kit.hook(
      'on_channel_attached',
      (_event, { bindings, room, trigger, organizationId }) => void seen.push([bindings.length, room.latestIndex, trigger, organizationId]),
    );
    await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
    expect(seen).toEqual([
      [1, 0, 'on_channel_attached', undefined],
      [2, 1, 'on_channel_attached', undefined],
    ]);
    await kit.close();
  });

  it("of vendors' protocols wait for a room that is not there yet", async () => {
    verifies('HK-16');
    const { kit, clock } = makeKit();
    const services: Parameters<NonNullable<TestTransport['connect' & keyof TestTransport]>>[0][] = [];
    const a = new TestTransport('a', {
      connect: (given) => void services.push(given as never),
      resolveTraceRoom: (sessionId) => (sessionId === 's' ? 'r' : undefined),
    });
    kit.registerChannel(a);
    const heard: unknown[] = [];
    kit.hook('on_protocol_trace', (trace) => void heard.push([trace.summary, trace.roomId]));
    const trace = (summary: string, more: object) =>
      ({ channelId: 'a', direction: 'inbound', protocol: 'sip', summary, timestamp: '2026-01-01T00:00:00.000Z', ...more }) as const;
    const emit = (services[0] as unknown as { emitTrace(trace: unknown): void }).emitTrace;
    for (let n = 0; n < 150; n++) emit(trace(`${n}`, { roomId: 'r' }));
    emit(trace('nowhere', {}));
    await clock.advance(0);
    expect(heard).toEqual([]);
    await kit.createRoom({ roomId: 'r' });
    await kit.attachChannel('r', 'a');
    await clock.advance(0);
    expect(heard).toHaveLength(100);
    expect(heard[0]).toEqual(['0', 'r']);
    emit(trace('by session', { sessionId: 's' }));
    await clock.advance(0);
    expect(heard.at(-1)).toEqual(['by session', 'r']);
    emit(trace('old', { roomId: 'later' }));
    await clock.advance(61_000);
    await kit.createRoom({ roomId: 'later' });
    await kit.attachChannel('later', 'a');
    await clock.advance(0);
    expect(heard.some((entry) => (entry as string[])[0] === 'old')).toBe(false);
    await kit.close();
  });
});

describe('the table of triggers', () => {
  it('has all of the README, each a gate or a notice', () => {
    verifies('HK-13', 'CON-02');
    const readme =
      `BEFORE_BROADCAST AFTER_BROADCAST ON_ROOM_CREATED ON_ROOM_PAUSED ON_ROOM_CLOSED ON_CHANNEL_ATTACHED ON_CHANNEL_DETACHED ON_CHANNEL_MUTED
      ON_CHANNEL_UNMUTED ON_IDENTITY_AMBIGUOUS ON_IDENTITY_UNKNOWN ON_PARTICIPANT_IDENTIFIED ON_SPEECH_START ON_SPEECH_END ON_TRANSCRIPTION
      ON_PARTIAL_TRANSCRIPTION ON_VAD_SILENCE ON_VAD_AUDIO_LEVEL ON_INPUT_AUDIO_LEVEL ON_OUTPUT_AUDIO_LEVEL BEFORE_TTS AFTER_TTS ON_TTS_CANCELLED ON_BARGE_IN
      ON_SPEAKER_CHANGE ON_DTMF ON_TURN_COMPLETE ON_TURN_INCOMPLETE ON_BACKCHANNEL ON_RECORDING_STARTED ON_RECORDING_STOPPED ON_REALTIME_TOOL_CALL
      ON_REALTIME_TEXT_INJECTED ON_PHASE_TRANSITION ON_HANDOFF ON_HANDOFF_REJECTED ON_TASK_CREATED ON_DELIVERY_STATUS ON_ERROR ON_OBSERVATION ON_PROTOCOL_TRACE`.split(
        /\s+/,
      );
    expect(readme).toHaveLength(41);
    for (const name of readme) expect(HookTrigger, name).toHaveProperty(name, name.toLowerCase());
    expect(Object.keys(TRIGGERS).sort()).toEqual(Object.values(HookTrigger).sort());
    expect(TRIGGERS.on_transcription).toMatchObject({ kind: 'gate', failure: 'closed' });
    expect(TRIGGERS.before_broadcast).toMatchObject({ kind: 'gate', failure: 'open' });
    expect(TRIGGERS.on_input_audio_level).toMatchObject({ kind: 'notice', detached: true });
  });
});
