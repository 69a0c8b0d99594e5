/** A second process (fellow.ts), and how a scenario tells it what to do. */
import { fork, type ChildProcess } from 'node:child_process';
import type { Place } from './shared-kit.js';

export type FellowOrder =
  /** With `hangs`, its vendor takes what it is given and never answers; the fellow reports `hanging`. */
  | { readonly do: 'open_kit'; readonly place: Place; readonly leaseSeconds: number; readonly hangs?: boolean }
  /** One task for each room, each with so many messages. */
  | { readonly do: 'say'; readonly rooms: number; readonly each: number }
  | { readonly do: 'say_one'; readonly roomId: string }
  | { readonly do: 'open_plain'; readonly place: Place }
  | { readonly do: 'insert'; readonly rooms: number; readonly each: number }
  /** On our backend, or on the bare engine. */
  | { readonly do: 'listen'; readonly engine: 'postgres' | 'redis'; readonly bare: boolean; readonly place: Place; readonly channel: string }
  /** Reports `heard` when so many more have come. */
  | { readonly do: 'await'; readonly messages: number }
  | { readonly do: 'end' };

export interface FellowReport {
  readonly done: FellowOrder['do'] | 'hanging' | 'heard';
}

export class Fellow {
  readonly #child: ChildProcess;

  constructor() {
    const isSource = import.meta.url.endsWith('.ts');
    this.#child = fork(new URL(isSource ? './fellow.ts' : './fellow.js', import.meta.url), { execArgv: isSource ? ['--import', 'tsx'] : [] });
    this.#child.setMaxListeners(0);
  }

  /** Resolves when it is done; rejects when the process ended instead. */
  tell(order: FellowOrder): Promise<void> {
    const done = this.next(order.do);
    this.#child.send(order);
    return done;
  }

  /** Its next report of this. */
  next(done: FellowReport['done']): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#child.off('message', look);
        this.#child.off('exit', failed);
      };
      const failed = (code: number | null): void => reject(new Error(`The other process ended with ${code}.`));
      const look = (report: FellowReport): void => {
        if (report.done !== done) return;
        stop();
        resolve();
      };
      this.#child.on('message', look);
      this.#child.once('exit', failed);
    });
  }

  /** As when the machine loses its power. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ do: 'end' } satisfies FellowOrder);
    await ended;
  }
}
