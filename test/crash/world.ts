/** One file, one life after another: starts the process, puts it under load, kills it, starts the next on what is left. */
import { fork, type ChildProcess } from 'node:child_process';
import { Outside } from './outside.js';
import { AGENTS, GATHERING, POINTS, VENDORS, type FromChild, type Open, type Say, type ToChild } from './protocol.js';
import { Random } from './random.js';

export interface WorldOptions {
  readonly seed: number;
  readonly program: string;
  readonly path: string;
  readonly synchronous: 'full' | 'normal';
}

/** What was asked for, and what the process has said of it. */
export interface Said extends Say {
  eventId?: string;
  index?: number;
  isBlocked?: boolean;
  refusal?: string;
}

/** How a life ends: by its own hand at a named step, or from outside. */
type Death =
  | { readonly by: 'point'; readonly die: NonNullable<Open['die']> }
  | { readonly by: 'time'; readonly afterMs: number }
  /** While it starts and recovers. */
  | { readonly by: 'early'; readonly afterMs: number }
  /** At its nth question of a kind: the world has acted (`answered`), or not, and the process never hears of it. */
  | { readonly by: 'question'; readonly what: 'send' | 'tool' | 'lookup'; readonly nth: number; readonly acted: boolean }
  | { readonly by: 'acknowledgement'; readonly nth: number };

const ROOMS = ['north', 'south', 'west'];
const SPEED = 200;
/** Whatever else is to kill it: no process lives longer than this, once it is ready. */
const LIFE_MS = 300;
/** Messages under way at a time, and in one life. */
const WINDOW = 5;
const MOST_PER_LIFE = 12;
const MATTERS = ['', '', 'slow ', 'forbidden ', 'rewrite ', 'note ', 'aside ', 'aside note slow ', 'long '];

export class World {
  readonly rooms = ROOMS;
  readonly outside: Outside;
  /** By key, in the order they were first said. */
  readonly said = new Map<string, Said>();
  readonly deaths: Record<string, number> = {};
  readonly #random: Random;
  readonly #startedAt = Date.now();
  /** A process has once made and filled the rooms. */
  #isFurnished = false;
  /** The next process, started while the last one still runs: it waits for its order. */
  #next: Life | undefined;

  constructor(private readonly options: WorldOptions) {
    this.#random = new Random(options.seed);
    this.outside = new Outside(this.#random);
  }

  /** One life that is cut short. */
  async live(): Promise<void> {
    const death = this.#choose();
    this.deaths[death.by === 'point' ? death.die.at : death.by] = (this.deaths[death.by === 'point' ? death.die.at : death.by] ?? 0) + 1;
    const life = this.#take();
    await life.warm;
    this.#next = this.#start();
    await this.#run(life, death);
    this.outside.disconnect();
  }

  /** The last life: says no more, and comes to rest by itself. */
  async rest(): Promise<void> {
    const life = this.#take();
    await life.warm;
    await this.#run(life, undefined);
  }

  /** Ends what still runs, when a test fails in between. */
  abandon(): void {
    this.#next?.kill();
  }

  #start(): Life {
    return new Life(this.options.program);
  }

  #take(): Life {
    const life = this.#next ?? this.#start();
    this.#next = undefined;
    return life;
  }

  #order(death: Death | undefined, first: readonly Say[]): Open {
    const { path, synchronous } = this.options;
    const clock = { startedAt: this.#startedAt, speed: SPEED };
    const last = this.outside.last(ROOMS);
    return { kind: 'open', path, synchronous, rooms: ROOMS, last, clock, first, ...(death?.by === 'point' && { die: death.die }) };
  }

  #choose(): Death {
    const random = this.#random;
    const kind = random.between(0, 9);
    if (kind < 4) return { by: 'point', die: { at: random.pick(POINTS), nth: random.between(1, 40) } };
    if (kind < 6) return { by: 'time', afterMs: random.between(20, 300) };
    if (kind < 7) return { by: 'early', afterMs: random.between(0, 40) };
    if (kind < 9) {
      return { by: 'question', what: random.pick(['send', 'send', 'tool', 'lookup']), nth: random.between(1, 60), acted: random.chance(0.7) };
    }
    return { by: 'acknowledgement', nth: random.between(1, 20) };
  }

  async #run(life: Life, death: Death | undefined): Promise<void> {
    const { outside } = this;
    const isLast = death === undefined;
    const waiting = this.#unanswered();
    let left = isLast ? 0 : MOST_PER_LIFE;
    // Once the rooms are there, the first come with the start: nothing of what was left may be overtaken by them.
    const first = this.#isFurnished ? waiting.splice(0, WINDOW) : [];
    while (this.#isFurnished && first.length < WINDOW && left > 0) {
      first.push(this.#think());
      left--;
    }
    let underWay = first.length;
    let isReady = false;
    let questions = 0;
    let acknowledgements = 0;
    let timer: NodeJS.Timeout | undefined;
    const kill = (): void => life.kill();
    const say = (): void => {
      while (isReady && underWay < WINDOW) {
        const next = waiting.shift() ?? (left-- > 0 ? this.#think() : undefined);
        if (next === undefined) break;
        underWay++;
        life.send(next);
      }
      if (isLast && isReady && underWay === 0) {
        isReady = false;
        life.send({ kind: 'finish' });
      }
    };
    life.listen((message) => {
      switch (message.kind) {
        case 'warm':
          return;
        case 'ready':
          isReady = true;
          this.#isFurnished = true;
          if (!isLast) timer ??= setTimeout(kill, death.by === 'time' ? death.afterMs : LIFE_MS);
          return say();
        case 'ask': {
          const { question } = message;
          const isMoment = death?.by === 'question' && question.what === death.what && ++questions === death.nth;
          if (isMoment && !death.acted) return kill();
          const value = outside.answer(question);
          if (isMoment) return kill();
          return life.send({ kind: 'answer', id: message.id, value });
        }
        case 'committed': {
          const said = this.said.get(message.key);
          if (said === undefined) return void outside.faults.push(`Nobody said ${message.key}.`);
          if (said.eventId !== undefined && said.eventId !== message.eventId) outside.faults.push(`${message.key} is two events.`);
          Object.assign(said, { eventId: message.eventId, index: message.index, isBlocked: message.blocked });
          underWay--;
          if (death?.by === 'acknowledgement' && ++acknowledgements === death.nth) return kill();
          return say();
        }
        case 'refused': {
          const said = this.said.get(message.key);
          if (said !== undefined) said.refusal = message.reason;
          outside.faults.push(`${message.key} was refused: ${message.reason}`);
          underWay--;
          return say();
        }
        case 'event':
          return outside.see(message);
        case 'preview':
          return outside.preview(message);
        case 'fault':
          outside.faults.push(message.message);
          return kill();
        case 'finished':
          return;
      }
    });
    life.send(this.#order(death, first));
    if (death?.by === 'early') timer = setTimeout(kill, death.afterMs);
    const code = await life.ended;
    clearTimeout(timer);
    if (isLast && code !== 0) outside.faults.push(`The last process ended with ${String(code)}.`);
    if (!isLast && code !== 'SIGKILL') outside.faults.push(`A process ended by itself, with ${String(code)}.`);
  }

  /** What was said and never acknowledged is said again, in the order it was said first. */
  #unanswered(): Said[] {
    return [...this.said.values()].filter((said) => said.eventId === undefined && said.refusal === undefined);
  }

  #think(): Said {
    const random = this.#random;
    const key = `k${this.said.size}`;
    const roomId = random.pick(ROOMS);
    const matter = random.pick(MATTERS);
    const to = random.chance(0.6) ? [random.pick([...AGENTS, ...GATHERING])] : [];
    const channelId = random.chance(0.6) ? 'web' : random.pick(Object.keys(VENDORS));
    const isTool = to.length > 0 && random.chance(0.5);
    let text = `${key} ${matter}${isTool ? 'tool ' : ''}message`;
    if (matter === 'long ') text = Array.from({ length: 12 }, (_, n) => `${text} ${n}`).join('. ');
    const said: Said = { kind: 'say', key, roomId, channelId, senderId: `${roomId}-${channelId}`, text, to };
    const own = [...this.said.values()].filter(
      (one) =>
        one.roomId === roomId && one.channelId === channelId && one.eventId !== undefined && one.isBlocked === false && one.edits === undefined,
    );
    const target = random.chance(0.06) ? own.at(-1) : undefined;
    const final = target?.eventId === undefined ? said : { ...said, text: `${target.key} message, corrected`, to: [], edits: target.eventId };
    this.said.set(key, final);
    return final;
  }
}

/** A process, from its start to its end. */
class Life {
  readonly warm: Promise<void>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  readonly #process: ChildProcess;
  #listener: ((message: FromChild) => void) | undefined;

  constructor(program: string) {
    const child = fork(program, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process = child;
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    this.warm = new Promise((resolve, reject) => {
      child.on('message', (message: FromChild) => {
        if (message.kind === 'warm') resolve();
        else this.#listener?.(message);
      });
      child.once('exit', (code) =>
        reject(new Error(`The process ended with ${String(code)} before it was asked anything. Run 'npm run build' first.`)),
      );
    });
    this.warm.catch(() => undefined); // told to whoever waits for it
    child.on('error', () => undefined); // it was killed while we wrote to it
  }

  listen(listener: (message: FromChild) => void): void {
    this.#listener = listener;
  }

  send(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
