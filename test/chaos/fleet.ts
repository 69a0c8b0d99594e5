/** The processes: started, stopped, killed and started again, each with lines of its own to the servers. */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../servers/free-port.js';
import type { Client, FromProcess, Order, ToProcess } from './protocol.js';
import { TcpProxy } from './tcp-proxy.js';

export interface FleetOptions {
  readonly processes: number;
  readonly program: string;
  /** Where each process writes what it has to say. */
  readonly folder: string;
  readonly postgres: { readonly port: number; readonly url: string };
  readonly redis: { readonly port: number } | undefined;
  readonly order: Omit<Order, 'port' | 'postgresUrl' | 'redisUrl'>;
}

/** What a process has used when it was so old. */
export interface Usage {
  readonly ageMs: number;
  /** Resident memory. */
  readonly bytes: number;
  /** Of the heap, after a collection: only now and then. */
  readonly keptBytes?: number;
  readonly cpuMs: number;
}

/** How long a process may take to end after SIGTERM. */
const FAREWELL_MS = 30_000;
/** How soon one that could not start, or ended, is started again. */
const AGAIN_MS = 500;

export class Fleet {
  readonly faults: string[] = [];
  /** Of every life that has ended or still goes on. */
  readonly lives: { readonly name: string; readonly samples: Usage[] }[] = [];
  starts = 0;

  private constructor(readonly members: readonly Member[]) {}

  static async open(options: FleetOptions): Promise<Fleet> {
    const members: Member[] = [];
    const fleet = new Fleet(members);
    for (let number = 0; number < options.processes; number++) {
      const postgres = await TcpProxy.open(options.postgres.port);
      const redis = options.redis === undefined ? undefined : await TcpProxy.open(options.redis.port);
      const url = new URL(options.postgres.url);
      url.port = String(postgres.port);
      const order: Order = {
        ...options.order,
        port: await freePort(),
        postgresUrl: url.href,
        redisUrl: redis === undefined ? undefined : `redis://127.0.0.1:${redis.port}`,
      };
      members.push(new Member(fleet, number, options, order, { postgres, redis }));
    }
    await Promise.all(members.map((member) => member.start()));
    return fleet;
  }

  async furnish(rooms: readonly string[]): Promise<void> {
    await this.members[0]?.ask({ kind: 'furnish', rooms }, 'furnished');
  }

  async mint(clients: readonly Client[]): Promise<readonly string[]> {
    const minted = await this.members[0]?.ask({ kind: 'mint', clients }, 'minted');
    return minted?.kind === 'minted' ? minted.tokens : [];
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }
}

export class Member {
  #child: ChildProcess | undefined;
  #isClosed = false;
  /** Something is done to it; nothing else is meanwhile. */
  isBusy = false;

  constructor(
    private readonly fleet: Fleet,
    readonly number: number,
    private readonly options: FleetOptions,
    private readonly order: Order,
    readonly lines: { readonly postgres: TcpProxy; readonly redis: TcpProxy | undefined },
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.order.port}`;
  }

  /** Resolves when it serves; one that cannot start, because a server is away, is started again as a supervisor would. */
  async start(): Promise<void> {
    while (!this.#isClosed && !(await this.#startOnce())) await pause(AGAIN_MS);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** As a rolling deploy does it. */
  async terminate(): Promise<void> {
    const late = setTimeout(() => {
      this.fleet.faults.push(`Process ${this.number} did not end within ${FAREWELL_MS} ms of SIGTERM.`);
      this.#child?.kill('SIGKILL');
    }, FAREWELL_MS);
    await this.#end('SIGTERM');
    clearTimeout(late);
  }

  ask(question: ToProcess, answer: FromProcess['kind']): Promise<FromProcess> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      if (child === undefined) return reject(new Error(`Process ${this.number} is not there.`));
      const onMessage = (message: FromProcess): void => {
        if (message.kind === 'fault') reject(new Error(message.message));
        if (message.kind !== answer) return;
        child.off('message', onMessage);
        resolve(message);
      };
      child.on('message', onMessage);
      child.send(question);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.thaw();
    await this.terminate();
    await this.lines.postgres.close();
    await this.lines.redis?.close();
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
  }

  #startOnce(): Promise<boolean> {
    const { fleet, number, options } = this;
    const name = `process-${number}.${++fleet.starts}`;
    const log = openSync(join(options.folder, `${name}.log`), 'w');
    const child = fork(options.program, [JSON.stringify(this.order)], { execArgv: ['--expose-gc'], stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    this.#child = child;
    const samples: Usage[] = [];
    const startedAt = performance.now();
    fleet.lives.push({ name, samples });
    return new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(false);
        // Nobody has ended it: that is a fault of its own.
        if (isServing && signal === null && code !== 0 && !this.#isClosed)
          fleet.faults.push(`${name} ended by itself with ${String(code)}; see its log.`);
      });
      let isServing = false;
      child.on('message', (message: FromProcess) => {
        if (message.kind === 'ready') {
          isServing = true;
          resolve(true);
        } else if (message.kind === 'usage') {
          const { kind: _kind, ...usage } = message;
          samples.push({ ageMs: performance.now() - startedAt, ...usage });
        } else if (message.kind === 'fault') fleet.faults.push(`${name}: ${message.message}`);
      });
    });
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
