/** What `npm start` runs: opens the help desk, says where, and tells what happens until it is stopped. */
import { startPostgres } from '../servers/postgres.js';
import { chooseModel, MODEL_VARIABLES } from './agents/models.js';
import { playHeadless } from './headless.js';
import type { LineStyle } from './live-lines.js';
import { readOptions, USAGE, type DemoOptions } from './options.js';
import { startProcesses } from './processes.js';
import { CannotStart, startServer } from './server.js';
import type { SharedStorage } from './storage.js';

const DEFAULT_FILE = './.roomkit/demo.db';
const PARENT = process.ppid;
const SCRIPTED = `none, the agents follow scripts; for a real one set ${MODEL_VARIABLES.slice(0, -1).join(', ')} or ${MODEL_VARIABLES.at(-1) ?? ''}`;

const EMULATED = 'Twilio (text messages), SMTP and IMAP (mail) and Telegram, all emulated on this machine: nothing leaves it';

let options: DemoOptions | 'help';
try {
  options = readOptions(process.argv.slice(2), process.env);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(2);
}

try {
  if (options === 'help') {
    console.log(USAGE);
  } else if (options.headless) {
    const { file, port, processes } = options;
    const database = await sharedStorage(options);
    const held = await playHeadless({ file, port, processes, shared: database?.storage, print: (line) => console.log(line) });
    await database?.stop();
    process.exit(held ? 0 : 1);
  } else {
    await serveUntilStopped(options);
  }
} catch (error) {
  if (!(error instanceof CannotStart)) throw error;
  console.error(`The help desk cannot start. ${error.message}`);
  process.exit(1);
}

/** What processes share, when it is not a file; with how to end what was started for it. */
async function sharedStorage({ postgres, redis }: DemoOptions): Promise<{ storage: SharedStorage; stop(): Promise<void> } | undefined> {
  if (postgres === undefined) return undefined;
  if (postgres !== 'embedded') return { storage: { postgres, redis }, stop: () => Promise.resolve() };
  // To try it without having one. A signal tells the help desk to finish what is under way, for which the server is needed.
  const server = await startPostgres({ endsBySignal: false });
  return { storage: { postgres: server.url, redis }, stop: () => server.remove() };
}

async function serveUntilStopped(options: DemoOptions): Promise<void> {
  const { file = DEFAULT_FILE, port, processes } = options;
  const database = await sharedStorage(options);
  const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const style = (): LineStyle => ({ colours, columns: process.stdout.columns });
  const model = await chooseModel(process.env);
  const server =
    database !== undefined && processes > 1
      ? await startProcesses({ ...database.storage, port, processes, printsLines: true })
      : await startServer({ storage: database?.storage ?? { file }, port, model, liveLines: { print: (line) => console.log(line), style } });
  const place =
    options.postgres === undefined
      ? `file    ${file}`
      : `data    PostgreSQL${options.redis === undefined ? '' : ' and Redis'}, ${processes} process${processes > 1 ? 'es' : ''}`;
  if (server.port !== port && port !== 0) console.log(`Port ${port} is in use; this is the next free one.\n`);
  console.log(
    `RoomKit help desk\n\n  open    ${server.address}\n  studio  ${server.address}/studio/\n  ${place}\n  model   ${model?.name ?? SCRIPTED}\n  vendors ${EMULATED}\n  stop    Ctrl+C\n`,
  );

  let stoppingSince: number | undefined;
  const stop = (): void => {
    if (stoppingSince !== undefined) {
      // Asked again: at once. npm passes on what the terminal has sent already, so the same Ctrl+C may come twice.
      if (performance.now() - stoppingSince > 1000) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    console.log('\nFinishing what is under way …');
    const finish = async (): Promise<void> => {
      await server.stop();
      await database?.stop();
    };
    finish().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (process.env['npm_lifecycle_event'] !== undefined) whenParentEnds(stop);
}

/** npm runs this in a shell, and a SIGTERM to npm ends the shell without a word to what runs in it. */
function whenParentEnds(stop: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(timer);
    stop();
  }, 300);
  timer.unref();
}
