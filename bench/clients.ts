/**
 * The other side of a connection, as a process of its own, so that what is measured is the server: many HTTP connections or
 * sockets that do as their parent says. Started by crowd.ts.
 */
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Order, Report } from './crowd.js';

let sockets: readonly WebSocket[] = [];
let lines: readonly Line[] = [];
let heard = 0;
let wanted = 0;

process.on('message', (order: Order) => {
  carryOut(order).then(tell, (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});

async function carryOut(order: Order): Promise<Report> {
  switch (order.do) {
    case 'open_lines':
      lines = await Promise.all(Array.from({ length: order.count }, () => Line.open(order.port)));
      return { done: order.do, count: lines.length };
    case 'request':
      return { done: order.do, count: await requestAll(Buffer.from(order.request), order.times) };
    case 'open_sockets':
      sockets = await openSockets(order);
      return { done: order.do, count: sockets.length };
    case 'send':
      return { done: order.do, count: await sendAll(order) };
    case 'listen':
      return { done: order.do, count: await hear(order.frames) };
    case 'end':
      for (const socket of sockets) socket.terminate();
      for (const line of lines) line.end();
      process.disconnect();
      return { done: order.do, count: 0 };
  }
}

function tell(report: Report): void {
  if (process.connected) process.send?.(report);
}

// --- HTTP --------------------------------------------------------------------------------------------------------------

/** One connection that is kept: a request, its answer, the next request. */
class Line {
  #received = '';
  #answer: ((status: number) => void) | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#received += chunk;
      const status = statusOf(this.#received);
      if (status === undefined) return;
      this.#received = '';
      this.#answer?.(status);
    });
  }

  static open(port: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Line(socket)));
      socket.once('error', reject);
    });
  }

  ask(request: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.socket.write(request);
    });
  }

  end(): void {
    this.socket.destroy();
  }
}

/** The status, once the whole answer is there. */
function statusOf(received: string): number | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.slice(0, end).toLowerCase();
  const length = /\ncontent-length: (\d+)/.exec(head)?.[1];
  const isWhole = length === undefined ? received.endsWith('0\r\n\r\n') : received.length >= end + 4 + Number(length);
  return isWhole ? Number(head.slice(9, 12)) : undefined;
}

/** As many of the answers as were good. */
async function requestAll(request: Buffer, times: number): Promise<number> {
  let left = times;
  let good = 0;
  await Promise.all(
    lines.map(async (line) => {
      while (left-- > 0) if ((await line.ask(request)) < 300) good++;
    }),
  );
  return good;
}

// --- sockets -----------------------------------------------------------------------------------------------------------

async function openSockets({ url, protocol, opening, ready }: Extract<Order, { do: 'open_sockets' }>): Promise<WebSocket[]> {
  const opened: WebSocket[] = [];
  // A few at a time: all at once they would wait for each other.
  for (let at = 0; at < opening.length; at += 50) {
    opened.push(...(await Promise.all(opening.slice(at, at + 50).map((frames) => openSocket(url, protocol, frames, ready)))));
  }
  return opened;
}

/** Sends its frames, each after an answer to the one before; open once it hears a frame of the given type. */
function openSocket(url: string, protocol: string | undefined, frames: readonly string[], ready: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocol === undefined ? [] : [protocol], { perMessageDeflate: false });
    socket.once('error', reject);
    const left = [...frames];
    const sendNext = (): void => {
      const frame = left.shift();
      if (frame !== undefined) socket.send(frame);
    };
    const look = (data: Buffer): void => {
      if (!data.toString().startsWith(`{"type":"${ready}"`)) return sendNext();
      socket.off('message', look);
      resolve(socket);
    };
    socket.once('open', () => {
      if (left.length === 0) return resolve(socket);
      socket.on('message', look);
      sendNext();
    });
  });
}

/** Each socket sends its message, waits for the answer to it, and sends the next; returns how many were answered. */
async function sendAll({ frame, times, answer, names }: Extract<Order, { do: 'send' }>): Promise<number> {
  const answers = await Promise.all(
    sockets.map(async (socket, position) => {
      let good = 0;
      for (let n = 0; n < times; n++) {
        const text = frame.replace('ROOM', names[position] ?? '').replace('NAME', `${position}-${n}-${process.hrtime.bigint()}`);
        const said = await new Promise<string>((resolve) => {
          const look = (data: Buffer): void => {
            const heard = data.toString();
            if (!heard.startsWith(`{"type":"${answer}"`)) return;
            socket.off('message', look);
            resolve(heard);
          };
          socket.on('message', look);
          socket.send(text);
        });
        JSON.parse(said);
        good++;
      }
      return good;
    }),
  );
  return answers.reduce((sum, good) => sum + good, 0);
}

/** Resolves once so many frames have come, over all sockets. */
function hear(frames: number): Promise<number> {
  heard = 0;
  wanted = frames;
  return new Promise((resolve) => {
    const count = (): void => {
      if (++heard === wanted) {
        for (const socket of sockets) socket.removeAllListeners('message');
        resolve(heard);
      }
    };
    for (const socket of sockets) socket.on('message', count);
    tell({ done: 'listening', count: 0 });
  });
}
