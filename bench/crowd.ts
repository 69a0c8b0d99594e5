/** Many clients in a process of their own (clients.ts), and how a scenario tells them what to do. */
import { fork, type ChildProcess } from 'node:child_process';

/** What the clients are told. */
export type Order =
  | { readonly do: 'open_lines'; readonly port: number; readonly count: number }
  /** All lines together make so many of this request. */
  | { readonly do: 'request'; readonly request: string; readonly times: number }
  /** One socket per entry; each sends its frames, and is open once it hears a frame of the type `ready`. */
  | {
      readonly do: 'open_sockets';
      readonly url: string;
      readonly protocol?: string;
      readonly opening: readonly (readonly string[])[];
      readonly ready: string;
    }
  /** Each socket sends so many frames, one after the other's answer; ROOM is replaced by the socket's name, NAME by a new one. */
  | { readonly do: 'send'; readonly frame: string; readonly times: number; readonly answer: string; readonly names: readonly string[] }
  /** Reports `listening` at once, and again when so many frames have come. */
  | { readonly do: 'listen'; readonly frames: number }
  | { readonly do: 'end' };

export interface Report {
  readonly done: Order['do'] | 'listening';
  readonly count: number;
}

export class Crowd {
  readonly #child: ChildProcess;

  constructor() {
    const isSource = import.meta.url.endsWith('.ts');
    this.#child = fork(new URL(isSource ? './clients.ts' : './clients.js', import.meta.url), { execArgv: isSource ? ['--import', 'tsx'] : [] });
    this.#child.setMaxListeners(0);
  }

  /** Resolves with the count of the report; rejects when the clients failed. */
  tell(order: Order): Promise<number> {
    const answer = this.next(order.do);
    this.#child.send(order);
    return answer;
  }

  /** The next report of this. */
  next(done: Report['done']): Promise<number> {
    return new Promise((resolve, reject) => {
      const failed = (code: number | null): void => reject(new Error(`The clients ended with ${code}.`));
      const look = (report: Report): void => {
        if (report.done !== done) return;
        this.#child.off('message', look);
        this.#child.off('exit', failed);
        resolve(report.count);
      };
      this.#child.on('message', look);
      this.#child.once('exit', failed);
    });
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ do: 'end' } satisfies Order);
    await ended;
  }
}
