/** Two rooms, their channels and a kit that things happen to; a process that crashes is followed by the next on the same data. */
import {
  HookResult,
  RoomKit,
  RoomKitError,
  silentLogger,
  type CommitResult,
  type ConversationStore,
  type EventCommit,
  type InboundResult,
  type RoomEvent,
} from '../../src/core/index.js';
import type { ConnectionFrame, StreamFrame } from '../../src/channels/index.js';
import { FaultLockManager, FaultStore, MockTelemetryProvider, TestClock, type StoreMethod } from '../../src/testing/index.js';
import { CHANNELS, makeCast, ROOMS, Script, textOf, type Cast } from './cast.js';
import { Record, wordsIn, type Call } from './record.js';
import type { Event, Fate, Step } from './steps.js';

export interface WorldOptions {
  readonly inner: ConversationStore;
  /** Whether rows outlive a process: only then does one follow another. */
  readonly persistent: boolean;
}

/** One process. */
interface Life {
  readonly number: number;
  readonly clock: TestClock;
  readonly store: FaultStore;
  readonly locks: FaultLockManager;
  readonly telemetry: MockTelemetryProvider;
  readonly kit: RoomKit;
  readonly script: Script;
  readonly cast: Cast;
}

interface Said {
  readonly roomId: string;
  readonly channelId: string;
  readonly word: string;
  readonly key: string | undefined;
  readonly say: (signal?: AbortSignal) => Promise<InboundResult>;
  eventId?: string;
}

const PARTICIPANT = 'ada';

/** The store, with what it takes written down: also what nobody is told of, because the answer got lost. */
function recording(store: ConversationStore, record: Record): ConversationStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'commitEvent') return (value as (...given: unknown[]) => unknown).bind(target);
      const keep = (result: CommitResult): CommitResult => {
        if (!result.duplicate) record.stored.set(result.event.id, result.event);
        return result;
      };
      return (commit: EventCommit) => {
        const result = target.commitEvent(commit);
        return result instanceof Promise ? result.then(keep) : keep(result); // a promise, or what it is a promise of
      };
    },
  });
}

export class World {
  readonly record = new Record();
  /** Idempotency keys of rows that a host has put back: they may come after what is newer. */
  readonly redelivered = new Set<string>();
  readonly #fates = new Map<string, Fate>();
  readonly #said: Said[] = [];
  /** The last index each room's client has. */
  readonly #seen = new Map<string, number>();
  readonly #previews = new Map<string, Set<string>>();
  #life: Life;

  constructor(private readonly options: WorldOptions) {
    this.#life = this.#begin(0, new TestClock());
  }

  get life(): Life {
    return this.#life;
  }

  get store(): ConversationStore {
    return this.options.inner;
  }

  async open(): Promise<void> {
    const { kit } = this.#life;
    for (const roomId of ROOMS) {
      const opening = kit.createRoom({ roomId, agentResponsePolicy: roomId === 'red' ? 'agent_chain' : 'addressed_only' });
      await this.#life.clock.advance(0);
      await opening;
      for (const channelId of CHANNELS) {
        const attaching = kit.attachChannel(roomId, channelId);
        await this.#life.clock.advance(0);
        await attaching;
      }
    }
    this.#connect();
    await this.#life.clock.advance(0);
  }

  async run(step: Step): Promise<void> {
    const { event, gap } = step;
    this.#do(event);
    // Calls are not waited for: what comes next comes in between.
    if (event.do === 'wait') await this.#life.clock.advance(event.ms);
    else if (gap === 'all') await this.#life.clock.advance(0);
    else for (let turn = 0; turn < gap; turn++) await Promise.resolve();
    if (this.#life.store.crashed) await this.#restart();
  }

  /** Nothing goes wrong any more; time passes until nothing is under way. */
  async rest(): Promise<void> {
    this.#fates.clear();
    if (this.#life.store.crashed) await this.#restart(); // a store on a disk crashes in its own time: after the last step, too
    let { store, locks, script, clock, kit } = this.#life;
    store.clear();
    locks.clear();
    for (let round = 0; round < 400; round++) {
      if (store.crashed) {
        await this.#restart();
        ({ store, locks, script, clock, kit } = this.#life);
      }
      store.resume();
      locks.resume();
      script.relax();
      await clock.advance(round < 20 ? 100 : 5000);
      if (round % 10 === 0 && (await this.#isQuiet())) break;
    }
    if (!(await this.#isQuiet())) {
      const open = this.record.calls.filter((call) => call.state === 'open');
      const rows = await this.store.listRows({ state: ['queued', 'sending', 'unknown'] });
      const turns = await this.store.listTurns({ state: ['queued', 'running'] });
      this.record.faults.push(`It does not come to rest: ${JSON.stringify({ stats: kit.stats(), open, rows, turns })}`);
    }
    this.#connect(); // whoever missed something while the binding was away asks once more
    await clock.advance(1000);
  }

  /** Closes twice; what is left then is left for ever. */
  async close(): Promise<void> {
    const { kit, clock, locks } = this.#life;
    let isClosed = false;
    const closing = Promise.all([kit.close(), kit.close()]).then(() => (isClosed = true));
    // A store on a disk answers in its own time: what close waits for next may begin after the clock has moved.
    for (let round = 0; round < 100 && !isClosed; round++) await clock.advance(round === 0 ? 60_000 : 5000);
    if (!isClosed) this.record.faults.push(`It does not close: ${JSON.stringify(kit.stats())}`);
    else await closing;
    if (clock.pendingTimers > 0) this.record.faults.push(`${clock.pendingTimers} timers are left after close.`);
    if (kit.stats().tasks > 0) this.record.faults.push(`${kit.stats().tasks} tasks are left after close.`);
    const held = (locks.inner as { size?: number }).size ?? 0;
    if (held > 0) this.record.faults.push(`${held} rooms are still locked after close.`);
  }

  /** Previews that were begun and not ended. */
  openPreviews(): string[] {
    return [...this.#previews.values()].flatMap((open) => [...open]);
  }

  // --- a process -----------------------------------------------------------------------------------------------------

  #begin(number: number, clock: TestClock): Life {
    const { inner, persistent } = this.options;
    const script = new Script();
    const store = new FaultStore(recording(inner, this.record), { clock, persistent, ownsStore: false });
    const locks = new FaultLockManager(undefined, { clock });
    const telemetry = new MockTelemetryProvider();
    const kit = new RoomKit({
      clock,
      store,
      lockManager: locks,
      logger: silentLogger,
      telemetry: { provider: telemetry },
      maxChainDepth: 3,
      processTimeoutSeconds: 30,
      hookTimeoutSeconds: 10,
      deliveryTimeoutSeconds: 20,
      turnTimeoutSeconds: 60,
      turnTtlSeconds: 1_000_000,
      outboxTtlSeconds: 1_000_000,
    });
    const cast = makeCast({ life: number, clock, script, record: this.record });
    for (const channel of cast.channels) kit.registerChannel(channel);
    this.#hook(kit, clock, script);
    kit.onCommitted((event) => {
      if (!script.dead) this.#committed(event);
    });
    return { number, clock, store, locks, telemetry, kit, script, cast };
  }

  /** The process is gone, its clock stands still; the next one finds what was committed. */
  async #restart(): Promise<void> {
    const old = this.#life;
    old.script.dead = true;
    for (const call of this.record.calls) if (call.state === 'open') call.state = 'lost';
    this.#previews.clear();
    for (const span of old.telemetry.spans) if (span.ends > 1) this.record.faults.push(`Span ${span.name} ended ${span.ends} times.`);
    this.#life = this.#begin(old.number + 1, new TestClock(old.clock.now()));
    this.#connect();
    await this.#life.clock.advance(0);
  }

  async #isQuiet(): Promise<boolean> {
    const { tasks, lanes } = this.#life.kit.stats();
    if (tasks + lanes > 0 || this.record.calls.some((call) => call.state === 'open')) return false;
    const rows = await this.store.listRows({ state: ['queued', 'sending', 'unknown'], limit: 1 });
    const turns = await this.store.listTurns({ state: ['queued', 'running'], limit: 1 });
    return rows.length + turns.length === 0;
  }

  // --- what happens --------------------------------------------------------------------------------------------------

  #do(step: Event): void {
    const { kit, script, store, locks } = this.#life;
    switch (step.do) {
      case 'wait':
        return;
      case 'say': {
        const word = this.#newWord(step.fate);
        const key = step.keyed ? `key-${word}` : undefined;
        const message = {
          channelId: step.channel,
          senderId: PARTICIPANT,
          content: `${word} said`,
          ...(key !== undefined && { idempotencyKey: key }),
          ...(step.visibility !== undefined && { visibility: step.visibility }),
          ...(step.addressedTo !== undefined && { addressedTo: step.addressedTo }),
          ...(step.responseVisibility !== undefined && { responseVisibility: step.responseVisibility }),
        };
        const options = { roomId: step.room, wait: step.patient ? ('cascade' as const) : ('commit' as const) };
        const said: Said = {
          roomId: step.room,
          channelId: step.channel,
          word,
          key,
          say: (signal) => this.#life.kit.processInbound(message, { ...options, ...(signal && { signal }) }),
        };
        this.#said.push(said);
        return this.#say(said, step.abortAfterMs);
      }
      case 'repeat': {
        const keyed = this.#said.filter((one) => one.key !== undefined);
        const said = keyed[step.which % Math.max(1, keyed.length)];
        if (said !== undefined) this.#say(said, undefined);
        return;
      }
      case 'send': {
        const word = this.#newWord(step.fate);
        return this.#call(
          'send',
          step.room,
          () => kit.sendEventResult(step.room, step.channel, `${word} sent`, { participantId: PARTICIPANT }),
          word,
        );
      }
      case 'edit':
      case 'delete': {
        const done = this.#said.filter((one) => one.eventId !== undefined);
        const target = done[step.which % Math.max(1, done.length)];
        if (target?.eventId === undefined) return;
        const { roomId, channelId, eventId } = target;
        const word = this.#newWord(undefined);
        const content =
          step.do === 'edit'
            ? ({ type: 'edit', targetEventId: eventId, newContent: { type: 'text', body: `${word} edited` } } as const)
            : ({ type: 'delete', targetEventId: eventId } as const);
        const senderId = step.own ? PARTICIPANT : 'mallory';
        return this.#call(step.do, roomId, () => kit.processInbound({ channelId, senderId, content }, { roomId, wait: 'commit' }), word);
      }
      case 'attach':
        return this.#call('attach', step.room, () => kit.attachChannel(step.room, step.channel));
      case 'detach':
        return this.#call('detach', step.room, () => kit.detachChannel(step.room, step.channel));
      case 'mute':
        return this.#call('mute', step.room, () => kit.mute(step.room, step.channel));
      case 'unmute':
        return this.#call('unmute', step.room, () => kit.unmute(step.room, step.channel));
      case 'access':
        return this.#call('access', step.room, () => kit.setAccess(step.room, step.channel, step.access));
      case 'visibility':
        return this.#call('visibility', step.room, () => kit.setVisibility(step.room, step.channel, step.visibility));
      case 'close':
        return this.#call('close', step.room, () => kit.closeRoom(step.room));
      case 'reopen':
        return this.#call('reopen', step.room, () => kit.reopenRoom(step.room));
      case 'mood':
        return script.plan(step.channel, step.mood);
      case 'away':
        script.away.add(step.channel);
        return;
      case 'back':
        script.away.delete(step.channel);
        return;
      case 'resume':
        store.resume();
        return script.resume();
      case 'storeFault': {
        const method = step.method as StoreMethod | '*'; // one of the names above
        const timing = { nth: step.nth, times: step.times, when: step.when };
        if (step.kind === 'fail') return store.fail(method, timing);
        return step.kind === 'delay' ? store.delay(method, 2000, timing) : store.hang(method, timing);
      }
      case 'lockFault':
        if (step.what === 'acquire_fails') return locks.fail('acquire');
        return step.what === 'acquire_delays' ? locks.delay('acquire', 2000) : locks.fail('release', { when: 'after' });
      case 'crash':
        if (this.options.persistent) store.crash(step.method, { nth: step.nth, when: step.when });
        return;
      case 'redeliver':
      case 'cancel':
        return this.#call(step.do, ROOMS[0], async () => {
          const rows = await this.store.listRows({ state: step.do === 'redeliver' ? 'failed' : 'queued' });
          const row = rows[step.which % Math.max(1, rows.length)];
          if (row === undefined) return;
          if (step.do === 'redeliver') this.redelivered.add(row.idempotencyKey);
          await (step.do === 'redeliver' ? kit.redeliver(row.id) : kit.cancelDelivery(row.id));
        });
    }
  }

  #newWord(fate: Fate | undefined): string {
    const word = this.record.newWord();
    if (fate !== undefined) this.#fates.set(word, fate);
    return word;
  }

  #say(said: Said, abortAfterMs: number | undefined): void {
    const controller = abortAfterMs === undefined ? undefined : new AbortController();
    if (controller !== undefined) this.#life.clock.setTimer(abortAfterMs ?? 0, () => controller.abort());
    this.#call('say', said.roomId, () => said.say(controller?.signal), said.word, said.key);
  }

  /** Calls and does not wait; what becomes of it is written down. */
  #call(what: string, roomId: string, run: () => Promise<unknown>, word?: string, key?: string): void {
    const { number } = this.#life;
    const call: Call = {
      at: this.record.now(),
      life: number,
      what,
      roomId,
      state: 'open',
      ...(word !== undefined && { word }),
      ...(key !== undefined && { key }),
    };
    this.record.calls.push(call);
    void (async () => {
      try {
        const result = await run();
        if (call.state === 'lost') return;
        call.state = 'settled';
        if (what === 'say' || what === 'send' || what === 'edit' || what === 'delete') call.result = result as InboundResult; // what these return
        const said = this.#said.find((one) => one.word === word);
        if (said !== undefined && call.result?.event?.status === 'delivered') said.eventId = call.result.event.id;
      } catch (error) {
        if (call.state === 'lost') return;
        call.state = 'rejected';
        call.error = error;
        if (!(error instanceof RoomKitError)) this.record.faults.push(`${what} threw ${String(error)}`);
      }
    })();
  }

  #committed(event: RoomEvent): void {
    if (this.record.announcedAt.has(event.id)) this.record.faults.push(`${event.id} was announced twice.`);
    this.record.announcedAt.set(event.id, this.record.now());
  }

  // --- gates and observers -------------------------------------------------------------------------------------------

  #hook(kit: RoomKit, clock: TestClock, script: Script): void {
    const fateOf = (event: RoomEvent): Fate | undefined => {
      for (const word of wordsIn(textOf(event))) {
        const fate = this.#fates.get(word);
        if (fate !== undefined) return fate;
      }
      return undefined;
    };
    kit.hook('before_broadcast', { name: 'open', priority: 1 }, async (event, { room }) => {
      switch (fateOf(event)) {
        case 'block':
          return HookResult.block('no');
        case 'modify':
          return HookResult.modify({ ...event, content: { type: 'text', body: `${textOf(event)} (modified)` } });
        case 'throw':
          throw new Error('A gate that throws.');
        case 'hang':
          await script.hang();
          return HookResult.allow();
        case 'slow':
          await clock.sleep(4000);
          return HookResult.allow();
        case 'aside':
          await kit.sendEvent(room.id, 'mail', `${this.record.newWord()} aside`, { addressedTo: [] });
          return HookResult.allow();
        case 'inject':
          return HookResult.allow({
            injectedEvents: [{ event: { content: `${this.record.newWord()} injected` }, targetChannelIds: ['sms', 'web', 'aide'] }],
            tasks: [{ title: 'a task' }],
          });
        case 'mute_source':
          await kit.mute(room.id, event.source.channelId);
          return HookResult.allow();
        case 'wrong':
          return 'nothing of the kind' as never;
        default:
          return HookResult.allow();
      }
    });
    kit.hook('before_broadcast', { name: 'closed', priority: 2, failure: 'closed' }, async (event) => {
      const fate = fateOf(event);
      if (fate === 'throw_closed') throw new Error('A gate that throws.');
      if (fate === 'hang_closed') await script.hang();
      return HookResult.allow();
    });
    // Whoever only watches may do as badly as he likes (INV-14).
    kit.hook('after_broadcast', () => {
      throw new Error('An observer that throws.');
    });
    kit.hook('on_error', async () => {
      await clock.sleep(500);
      throw new Error('An observer that throws late.');
    });
    for (const type of ['event_processed', 'delivery_failed', 'turn_failed', 'hook_error'] as const) {
      kit.on(type, () => {
        throw new Error('A listener that throws.');
      });
    }
  }

  // --- the client of the live channel --------------------------------------------------------------------------------

  /** Goes on after the last event it has, as a client does whose connection was lost. */
  #connect(): void {
    for (const roomId of ROOMS) this.#connectTo(roomId);
  }

  #connectTo(roomId: string): void {
    const { cast, script, number } = this.#life;
    const id = `${roomId}-${number}`;
    this.#previews.set(roomId, new Set());
    let isOld = false;
    const lost = (): void => {
      if (isOld) return;
      isOld = true;
      queueMicrotask(() => {
        if (!script.dead && this.#life.script === script) this.#connectTo(roomId);
      });
    };
    const take = (event: RoomEvent, prev: number): void => {
      const last = this.#seen.get(roomId) ?? -1;
      if (event.index <= last) this.record.faults.push(`The client of ${roomId} got ${event.index} again.`);
      else if (prev !== last) {
        // Something is missing, or what it has was taken back (then the prev is less): it asks from where it is (WIRE-05).
        lost();
      } else {
        this.#seen.set(roomId, event.index);
        this.record.told.push({ at: this.record.now(), life: number, channelId: 'web', roomId, event, key: undefined, taken: true });
      }
    };
    cast.web
      .registerConnection(
        id,
        (frame: ConnectionFrame) => {
          if (script.dead || isOld) return;
          if (frame.type === 'event') take(frame.event, frame.prev);
          else this.record.faults.push(`The client of ${roomId} was sent away.`);
        },
        {
          roomIds: [roomId],
          afterIndex: this.#seen.get(roomId) ?? -1,
          streamSend: (frame: StreamFrame) => {
            if (!script.dead && !isOld) this.#preview(roomId, frame, take);
          },
        },
      )
      .catch(() => {
        // It could not be read to it; it asks again when it is time.
        isOld = true;
        this.#life.clock.setTimer(1000, () => {
          if (!script.dead && this.#life.script === script && !cast.web.roomsOf(id).includes(roomId)) this.#connectTo(roomId);
        });
      });
  }

  #preview(roomId: string, frame: StreamFrame, take: (event: RoomEvent, prev: number) => void): void {
    const open = this.#previews.get(roomId) ?? new Set<string>();
    this.#previews.set(roomId, open);
    if (frame.type === 'stream_start' ? open.has(frame.streamId) : !open.has(frame.streamId))
      this.record.faults.push(`A client of ${roomId} got ${frame.type} of ${frame.streamId} out of turn.`);
    if (frame.type === 'stream_start') open.add(frame.streamId);
    else if (frame.type !== 'stream_chunk') {
      open.delete(frame.streamId);
      if (frame.event !== undefined) take(frame.event, frame.prev ?? -1);
    }
  }
}
