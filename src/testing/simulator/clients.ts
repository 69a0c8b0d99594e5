/** People at sockets: connected to one process, to another when that is gone, and told only what they have not had. */
import type { WebSocketChannel } from '../../channels/websocket.js';
import type { ConnectionFrame, StreamFrame } from '../../channels/websocket/frames.js';
import type { SeededRandom } from './random.js';
import type { SimulatedProcess } from './process.js';
import type { World } from './world.js';

const AGAIN_MS = [100, 3000] as const;

/** One person who hears one room. */
export class SimulatedClient {
  /** Indexes of the events it was shown, in their order. */
  readonly shown: number[] = [];
  /** The newest index it has. */
  last = -1;
  /** Replies that it sees being written (WS-05). */
  readonly previews = new Set<string>();
  /** Words of replies it saw while they were written. */
  previewed = 0;
  #process: SimulatedProcess | undefined;
  #connections = 0;

  constructor(
    private readonly world: World,
    private readonly random: SeededRandom,
    readonly name: string,
    readonly channelId: string,
    readonly roomId: string,
  ) {}

  /** Connects to any process that runs, from where it has come to. */
  connect(): void {
    const running = this.random.pick(this.world.running);
    const channel = running?.kit.getChannel(this.channelId);
    if (running === undefined || channel === undefined) return this.#again();
    const { process } = running;
    this.#process = process;
    const id = `${this.name}-${++this.#connections}`;
    const isCurrent = (): boolean => this.#process === process && id === `${this.name}-${this.#connections}`;
    const lost = (): void => {
      if (isCurrent()) this.#again();
    };
    // The scenario says that this channel is one of sockets.
    const sockets = channel as WebSocketChannel;
    process.arrive(() => {
      const { stage } = this.world;
      let arrivesAt = 0;
      const send = (frame: ConnectionFrame | StreamFrame): void => {
        // One connection brings its frames in their order.
        arrivesAt = Math.max(arrivesAt, stage.now + this.random.between(0.1, 2));
        stage.after(arrivesAt - stage.now, () => {
          if (isCurrent()) this.#hear(frame);
        });
      };
      sockets
        .registerConnection(id, send, { roomIds: [this.roomId], afterIndex: this.last, streamSend: send, roomLost: lost, ended: lost })
        .catch(lost);
    });
  }

  /** Its process has died. */
  left(process: SimulatedProcess): void {
    if (this.#process === process) this.#again();
  }

  #again(): void {
    this.#process = undefined;
    this.previews.clear();
    this.world.stage.after(this.random.between(...AGAIN_MS), () => {
      if (this.#process === undefined) this.connect();
    });
  }

  #hear(frame: ConnectionFrame | StreamFrame): void {
    switch (frame.type) {
      case 'stream_start':
        if (this.previews.has(frame.streamId)) throw new Error(`${this.name} was told twice that ${frame.streamId} begins.`);
        this.previews.add(frame.streamId);
        return;
      case 'stream_chunk':
        this.previewed++;
        return;
      case 'stream_end':
      case 'stream_error':
        if (!this.previews.delete(frame.streamId)) throw new Error(`${this.name} was told of the end of ${frame.streamId}, which has not begun.`);
        if (frame.event !== undefined) this.#take(frame.event.index, frame.prev ?? -1);
        return;
      case 'event':
        this.#take(frame.event.index, frame.prev);
        return;
      case 'resync':
    }
  }

  #take(index: number, prev: number): void {
    if (index <= this.last) return; // it has that already
    if (prev > this.last) return this.#again(); // something is missing in between: it asks from where it has come to
    this.last = index;
    this.shown.push(index);
  }
}
