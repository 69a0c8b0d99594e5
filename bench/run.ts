/** `npm run bench [-- NAME…] [--json FILE]`: every scenario in a process of its own, one table. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Figure } from './harness.js';
import { SCENARIOS } from './scenarios.js';

const args = process.argv.slice(2);
const jsonAt = args.indexOf('--json');
const jsonFile = jsonAt === -1 ? undefined : args[jsonAt + 1];
const wanted = args.filter((arg, position) => arg !== '--json' && (jsonAt === -1 || position !== jsonAt + 1));

if (process.env['ROOMKIT_BENCH'] !== undefined) {
  const scenario = SCENARIOS.find(({ name }) => name === process.env['ROOMKIT_BENCH']);
  if (scenario === undefined) throw new Error(`There is no scenario ${process.env['ROOMKIT_BENCH']}.`);
  await scenario.run((figure) => void process.stdout.write(`${JSON.stringify(figure)}\n`));
  process.exit(0);
}

const chosen = SCENARIOS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (chosen.length === 0) {
  console.error(`No such scenario. There are: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}\n`);
console.log(
  [
    'scenario'.padEnd(30),
    'metric'.padEnd(24),
    'median'.padStart(12),
    'min'.padStart(12),
    'max'.padStart(12),
    'limit'.padStart(12),
    '% of limit'.padStart(10),
    ' unit, goal',
  ].join(' '),
);
const figures: Figure[] = [];
for (const { name } of chosen) {
  for (const figure of await runAlone(name)) {
    figures.push(figure);
    const share = figure.limit === null ? '' : `${((figure.median / figure.limit) * 100).toFixed(0)} %`;
    const goal = figure.goal === undefined ? '' : `${figure.reached === true ? '✓' : '✗'} ${figure.goal}`;
    console.log(
      [
        figure.scenario.padEnd(30),
        figure.metric.padEnd(24),
        show(figure.median),
        show(figure.min),
        show(figure.max),
        figure.limit === null ? ''.padStart(12) : show(figure.limit),
        share.padStart(10),
        ` ${figure.unit} ${goal}`,
      ].join(' '),
    );
  }
}
if (jsonFile !== undefined)
  writeFileSync(
    jsonFile,
    `${JSON.stringify(
      figures.map(({ goal: _goal, reached: _reached, ...figure }) => figure),
      null,
      2,
    )}\n`,
  );

function show(value: number): string {
  return (value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)).padStart(12);
}

function runAlone(name: string): Promise<Figure[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', '--max-semi-space-size=64', fileURLToPath(import.meta.url)], {
      env: { ...process.env, ROOMKIT_BENCH: name, ROOMKIT_LOG: 'error' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(`${name} ended with ${code}.`));
      else
        resolve(
          output
            .split('\n')
            .filter((line) => line.startsWith('{'))
            .map((line) => JSON.parse(line) as Figure),
        );
    });
  });
}
