/**
 * Three processes over a real PostgreSQL and a real Redis, under load, while they and their servers are killed, stopped and cut
 * off: `npm run chaos -- --seconds 60 --seed 1`. Exits with 1 when what the world outside has seen contradicts what is promised.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chaos, type ChaosOptions } from './chaos.js';
import { describe } from './figures.js';
import { BROKEN } from './protocol.js';

const USAGE = `npm run chaos -- [options]

  --seconds N      how long there is load and trouble (default 60)
  --seed N         which faults come when (default: any)
  --rooms N        default 200
  --processes N    default 3
  --rate N         messages a second (default 10)
  --no-redis       locks and realtime are PostgreSQL's, too
  --break WHAT     without one promise, which has to be found: ${BROKEN.join(', ')}`;

const here = dirname(fileURLToPath(import.meta.url));
const options = read(process.argv.slice(2));
rmSync(options.folder, { recursive: true, force: true });
mkdirSync(options.folder, { recursive: true });
const report = await chaos(options, (line) => console.log(line));
console.log(`\n${describe(report)}\n`);
if (report.contradictions.length > 0) {
  console.log(`${report.contradictions.length} contradictions, seed ${options.seed}:`);
  for (const one of report.contradictions.slice(0, 30)) console.log(`  ${one}`);
  console.log(`\nWhat each process said is in ${options.folder}.`);
} else console.log(`Nothing lost, nothing doubled, everything in order (seed ${options.seed}).`);
process.exit(report.contradictions.length > 0 ? 1 : 0);

function read(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      rooms: { type: 'string', default: '200' },
      processes: { type: 'string', default: '3' },
      rate: { type: 'string', default: '10' },
      'no-redis': { type: 'boolean', default: false },
      break: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    process.exit(0);
  }
  const broken = BROKEN.find((one) => one === values.break);
  if (values.break !== undefined && broken === undefined) refuse(`--break is '${values.break}'. Give one of ${BROKEN.join(', ')}.`);
  const whole = (name: 'seconds' | 'seed' | 'rooms' | 'processes' | 'rate'): number => {
    const number = Number(values[name]);
    if (!Number.isSafeInteger(number) || number < 1) refuse(`--${name} is '${values[name]}'. Give a whole number of 1 or more.`);
    return number;
  };
  return {
    seconds: whole('seconds'),
    seed: whole('seed'),
    rooms: whole('rooms'),
    processes: whole('processes'),
    rate: whole('rate'),
    redis: !values['no-redis'],
    broken,
    program: join(here, 'process.js'),
    folder: join(here, 'logs'),
  };
}

function refuse(sentence: string): never {
  console.error(`${sentence}\n\n${USAGE}`);
  process.exit(2);
}
