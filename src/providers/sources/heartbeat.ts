/** Asks the other end of a socket from time to time whether it is there. */
import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../../core/clock.js';

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** 0: never. */
  readonly pingIntervalSeconds: number;
  readonly pingTimeoutSeconds: number;
}

export class Heartbeat {
  #timer: Timer | undefined;

  constructor(
    private readonly options: HeartbeatOptions,
    private readonly socket: WebSocket,
    private readonly onSilence: () => void,
  ) {}

  begin(): void {
    if (this.options.pingIntervalSeconds === 0) return;
    this.socket.on('pong', () => this.#rest());
    this.#rest();
  }

  end(): void {
    this.#timer?.cancel();
  }

  #rest(): void {
    this.#set(this.options.pingIntervalSeconds, () => {
      this.socket.ping();
      this.#await();
    });
  }

  /** While the kit is busy the socket is not read, and the answer may lie in it: that is no silence. */
  #await(): void {
    this.#set(this.options.pingTimeoutSeconds, () => (this.socket.isPaused ? this.#await() : this.onSilence()));
  }

  #set(seconds: number, then: () => void): void {
    this.#timer?.cancel();
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.#timer = this.options.clock.setTimer(seconds * 1000, then);
  }
}
