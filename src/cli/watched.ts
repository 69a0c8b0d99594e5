/** The process that `roomkit dev` starts for each state of the files: serves, tells which files it loaded, ends when told to. */
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { explain } from './explain.js';
import { run, type RunOptions } from './run.js';
import { complain } from './say.js';
import { endWith } from './start.js';

export type WatchedSettings = Omit<RunOptions, 'isDevelopment'>;

/** What it tells the one that watches. */
export type FromWatched = { readonly type: 'loaded'; readonly files: readonly string[] } | { readonly type: 'serving'; readonly port: number };

export async function watched(settings: WatchedSettings): Promise<void> {
  const tell = (message: FromWatched): void => void process.send?.(message);
  let stop = (): void => process.exit(0);
  process.on('message', () => stop());
  process.on('disconnect', () => stop()); // nobody watches any more
  // Ctrl+C reaches the whole group; the one that watches passes it on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => stop());

  const loaded = new LoadedFiles();
  try {
    const running = await run({ ...settings, isDevelopment: true });
    tell({ type: 'loaded', files: loaded.take() });
    loaded.onMore((files) => tell({ type: 'loaded', files }));
    stop = (): void => void endWith(running.stop());
    tell({ type: 'serving', port: running.port });
  } catch (error) {
    const files = loaded.take();
    complain(explain(error, settings.path));
    process.send?.({ type: 'loaded', files } satisfies FromWatched, () => process.exit(1));
  }
}

/** Every file that is imported from now on, as the loader says it. */
class LoadedFiles {
  readonly #port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.unref();
    const hooks = `let port;
      export function initialize(given) { port = given; }
      export async function resolve(specifier, context, next) {
        const found = await next(specifier, context);
        if (found.url.startsWith('file:') && !found.url.includes('/node_modules/')) port.postMessage(found.url);
        return found;
      }`;
    register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: port2, transferList: [port2] });
  }

  /** What came since the last time, without waiting. */
  take(): string[] {
    const files = new Set<string>();
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) files.add(pathOf(next.message));
    return [...files];
  }

  onMore(tell: (files: readonly string[]) => void): void {
    this.#port.on('message', (url) => tell([pathOf(url)]));
    this.#port.unref();
  }
}

function pathOf(url: unknown): string {
  const plain = new URL(String(url));
  plain.search = ''; // tsx tells its own modules apart by a query
  return fileURLToPath(plain);
}
