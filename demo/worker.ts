/** One of several processes of the help desk, started by processes.ts: the same kit over the same database, on the same port. */
import { RoomKitError } from 'roomkit';
import { serve } from 'roomkit/server';
import { chooseModel } from './agents/models.js';
import { onRefund, type Refund } from './agents/orders.js';
import { openHelpDesk } from './help-desk.js';
import type { LinesByChannel } from './lines.js';
import { printLiveLines } from './live-lines.js';
import { PAGE } from './server.js';
import { openShared, type SharedStorage } from './storage.js';

/** In the environment, as JSON. */
export interface WorkerOrder extends SharedStorage {
  readonly port: number;
  /** Signs and checks the tokens of pages, whichever process they reach. */
  readonly tokenSecret: string;
  readonly lines: LinesByChannel;
  /** Where the devices of the vendors are shown: in the process that has started this one. */
  readonly devicesUrl: string;
  readonly readsMail: boolean;
  readonly printsLines: boolean;
}

/** What a worker tells. */
export type FromWorker =
  { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly message: string } | { readonly kind: 'refund'; readonly refund: Refund };

const order = JSON.parse(process.env['ROOMKIT_DEMO_WORKER'] ?? '{}') as WorkerOrder; // by processes.ts
const tell = (message: FromWorker): void => {
  if (process.connected) process.send?.(message);
};
// Ctrl+C reaches every process of the terminal; this one is ended by the one that has started it.
process.on('SIGINT', () => undefined);

try {
  const storage = await openShared(order);
  const kit = await openHelpDesk({ ...storage, model: await chooseModel(process.env), lines: order.lines, readsMail: order.readsMail });
  const server = await serve(kit, {
    port: order.port,
    studio: true,
    devices: askPrimary,
    pages: { directory: PAGE },
    clientTokens: { secrets: [order.tokenSecret] },
    insecureAllowAnonymous: 'loopback',
  });
  onRefund.add((refund) => tell({ kind: 'refund', refund }));
  if (order.printsLines) {
    const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    printLiveLines(
      kit,
      (line) => console.log(line),
      () => ({ colours, columns: process.stdout.columns }),
    );
  }
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= (async () => {
      await kit.drain();
      await server.close();
      await kit.close();
      process.exit(0);
    })();
    stopping.catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  };
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  tell({ kind: 'ready' });
} catch (error) {
  if (!(error instanceof RoomKitError)) throw error;
  tell({ kind: 'failed', message: error.message });
  process.exit(1);
}

/** The devices are one of each, whoever is asked. */
async function askPrimary(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const body = request.method === 'POST' ? await request.text() : null;
  const headers = { 'content-type': request.headers.get('content-type') ?? 'application/json' };
  const answer = await fetch(`${order.devicesUrl}${pathname}${search}`, { method: request.method, headers, body, signal: request.signal });
  return new Response(await answer.text(), {
    status: answer.status,
    headers: { 'content-type': answer.headers.get('content-type') ?? 'text/plain' },
  });
}
