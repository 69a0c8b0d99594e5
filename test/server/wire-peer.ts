/** A client of the wire protocol over a real socket, for tests: it collects frames and says how the line ended. */
import { WebSocket, type ClientOptions } from 'ws';

export type Frame = Record<string, unknown>;

export class WirePeer {
  readonly frames: Frame[] = [];
  readonly ended: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<() => void>();

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      for (const look of [...this.#waiting]) look();
    });
    this.ended = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('error', () => undefined);
  }

  /** Opens a socket; rejects with the status when the upgrade is refused. */
  static async open(url: string, options: ClientOptions = {}, protocols: string[] = ['roomkit.v1']): Promise<WirePeer> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, protocols, options);
    const peer = new WirePeer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('unexpected-response', (_request, response) => {
        reject(new UpgradeRefused(response.statusCode ?? 0, response.headers['content-type'] ?? ''));
        response.resume();
        socket.terminate();
      });
      socket.once('error', reject);
    });
    return peer;
  }

  /** Opens a socket, says hello and waits for the welcome. */
  static async connect(url: string, token?: string, options: ClientOptions = {}): Promise<WirePeer> {
    const peer = await WirePeer.open(url, options);
    peer.says({ type: 'hello', version: 1, ...(token !== undefined && { token }) });
    await peer.frame((frame) => frame['type'] === 'welcome');
    return peer;
  }

  says(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The first frame that is so, among those that came and will come. */
  frame(isSo: (frame: Frame) => boolean): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.frames.find(isSo);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      void this.ended.then(({ code, reason }) => reject(new Error(`The line ended with ${code} ${reason}.`)));
      look();
    });
  }

  async subscribe(roomId: string, afterIndex?: number): Promise<Frame> {
    const id = `subscribe-${roomId}-${this.frames.length}`;
    this.says({ type: 'subscribe', id, roomId, ...(afterIndex !== undefined && { afterIndex }) });
    return this.frame((frame) => frame['id'] === id);
  }

  async send(roomId: string, content: string, id = `send-${this.frames.length}`): Promise<Frame> {
    this.says({ type: 'send', id, roomId, content });
    return this.frame((frame) => frame['id'] === id);
  }

  /** What was said, as this client saw it. */
  texts(): string[] {
    return this.frames.filter(({ type }) => type === 'event').map((frame) => ((frame['event'] as Frame)['content'] as { body: string }).body);
  }

  /** The indexes of the events it saw, in the order they came. */
  indexes(): number[] {
    return this.frames.filter(({ type }) => type === 'event').map((frame) => (frame['event'] as { index: number }).index);
  }

  close(): void {
    this.socket.close(1000);
  }
}

export class UpgradeRefused extends Error {
  constructor(
    readonly status: number,
    readonly contentType: string,
  ) {
    super(`The upgrade was answered with ${status}.`);
  }
}
