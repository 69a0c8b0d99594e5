/**
 * The help desk on several processes behind one port: node:cluster hands each connection to one of them, and this process has
 * the emulated vendors, starts again what dies, and lets them end one after another.
 */
import { randomBytes } from 'node:crypto';
import cluster, { type Worker } from 'node:cluster';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { refunds } from './agents/orders.js';
import { linesAsData, openLines, type Lines } from './lines.js';
import { CannotStart, PORTS_TO_TRY, type RunningServer } from './server.js';
import type { SharedStorage } from './storage.js';
import type { FromWorker, WorkerOrder } from './worker.js';

export interface ProcessesOptions extends SharedStorage {
  readonly port: number;
  readonly processes: number;
  /** Whether what happens is shown in the terminal. */
  readonly printsLines: boolean;
}

export interface RunningProcesses extends RunningServer {
  /** Of the processes that serve now. */
  readonly pids: readonly number[];
}

/** How soon one that has died is started again. */
const AGAIN_MS = 500;

/** Throws CannotStart for a port or a database that cannot be used. */
export async function startProcesses(options: ProcessesOptions): Promise<RunningProcesses> {
  const lines = await openLines();
  const devices = await serveDevices(lines);
  const slots: Slot[] = [];
  const stop = async (): Promise<void> => {
    for (const slot of slots) await slot.stop();
    await lines.settled();
    devices.closeAllConnections();
    devices.close();
    await lines.close();
  };
  try {
    const port = await freePort(options.port);
    const { port: devicesPort } = devices.address() as AddressInfo;
    const order: Omit<WorkerOrder, 'readsMail'> = {
      postgres: options.postgres,
      redis: options.redis,
      port,
      tokenSecret: randomBytes(32).toString('hex'),
      lines: linesAsData(lines),
      devicesUrl: `http://127.0.0.1:${devicesPort}`,
      printsLines: options.printsLines,
    };
    const address = `http://127.0.0.1:${port}`;
    lines.callAt(address);
    cluster.setupPrimary({ exec: fileURLToPath(new URL('worker.js', import.meta.url)), args: [] });
    // The first one makes the rooms, and the others find them.
    for (let number = 0; number < options.processes; number++) {
      const slot = new Slot({ ...order, readsMail: number === 0 });
      slots.push(slot);
      await slot.start();
    }
    return {
      address,
      port,
      lines,
      stop,
      get pids() {
        return slots.flatMap(({ pid }) => pid ?? []);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A place for one process after another. */
class Slot {
  #worker: Worker | undefined;
  #isStopping = false;

  constructor(private readonly order: WorkerOrder) {}

  get pid(): number | undefined {
    return this.#worker?.process.pid;
  }

  /** Resolves when it serves. Throws CannotStart with what the worker has said. */
  start(): Promise<void> {
    const worker = (this.#worker = cluster.fork({ ROOMKIT_DEMO_WORKER: JSON.stringify(this.order) }));
    return new Promise((resolve, reject) => {
      let serves = false;
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'refund') refunds.push(message.refund);
        else if (message.kind === 'failed') reject(new CannotStart(message.message));
        else {
          serves = true;
          resolve();
        }
      });
      worker.once('exit', (code, signal) => {
        if (!serves) return reject(new CannotStart(`A process of the help desk ended with ${String(signal ?? code)} before it could serve.`));
        if (this.#isStopping) return;
        console.error(`A process of the help desk has died (${String(signal ?? code)}); another one takes its place.`);
        this.#again();
      });
    });
  }

  /** It finishes what is under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const worker = this.#worker;
    if (worker === undefined || worker.isDead()) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.process.kill('SIGTERM');
    await ended;
  }

  #again(): void {
    setTimeout(() => {
      if (this.#isStopping) return;
      this.start().catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        this.#again();
      });
    }, AGAIN_MS);
  }
}

/** The devices of the vendors, for the processes to show. */
async function serveDevices({ devices }: Lines): Promise<Server> {
  const server = createHttpServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const { method = 'GET', url = '/' } = incoming;
      const headers = { 'content-type': incoming.headers['content-type'] ?? 'application/json' };
      const body = method === 'POST' ? Buffer.concat(chunks).toString('utf8') : null;
      const answer = await devices(new Request(`http://127.0.0.1${url}`, { method, headers, body }));
      outgoing.writeHead(answer?.status ?? 404, { 'content-type': answer?.headers.get('content-type') ?? 'text/plain' });
      outgoing.end((await answer?.text()) ?? '');
    })().catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** This port, or the next one that is free. */
async function freePort(port: number): Promise<number> {
  const last = Math.min(port + PORTS_TO_TRY, 65_535);
  for (let candidate = port; candidate <= last; candidate++) {
    const found = await new Promise<number | undefined>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(undefined));
      probe.listen(candidate, '127.0.0.1', () => {
        const { port: given } = probe.address() as AddressInfo;
        probe.close(() => resolve(given));
      });
    });
    if (found !== undefined) return found;
  }
  throw new CannotStart(`All ports from ${port} to ${last} are in use. Give another one with --port NUMBER.`);
}
