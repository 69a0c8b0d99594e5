/** What `npm start` runs: opens the help desk, says where, and tells what happens until it is stopped. */
import { playHeadless } from './headless.js';
import { readOptions, USAGE, type DemoOptions } from './options.js';
import { startServer } from './server.js';

const DEFAULT_FILE = './.roomkit/demo.db';

let options: DemoOptions | 'help';
try {
  options = readOptions(process.argv.slice(2), process.env);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(2);
}

if (options === 'help') {
  console.log(USAGE);
} else if (options.headless) {
  const held = await playHeadless({ file: options.file, port: options.port, print: (line) => console.log(line) });
  process.exit(held ? 0 : 1);
} else {
  await serveUntilStopped(options);
}

async function serveUntilStopped({ file = DEFAULT_FILE, port }: DemoOptions): Promise<void> {
  const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const server = await startServer({ file, port, liveLines: { print: (line) => console.log(line), colours } });
  if (server.port !== port && port !== 0) console.log(`Port ${port} is in use; this is the next free one.`);
  console.log(`RoomKit help desk\n\n  open   ${server.address}\n  file   ${file}\n  stop   Ctrl+C\n`);

  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1); // asked twice: at once
    stopping = true;
    console.log('\nFinishing what is under way …');
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
