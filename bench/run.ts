/**
 * `npm run bench [-- NAME…] [--json FILE] [--markdown] [--cpu]`: every scenario in a process of its own, one table.
 * `--markdown` prints the table of bench/README.md, `--cpu` counts processor time (for a machine that is not quiet).
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { markdownHead, markdownRow, tableHead, tableRow, toJson, type Figure } from './figures.js';
import { Bench } from './harness.js';
import { SCENARIOS } from './scenarios.js';

const { values: flags, positionals: wanted } = parseArgs({
  options: { json: { type: 'string' }, markdown: { type: 'boolean', default: false }, cpu: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const own = process.env['ROOMKIT_BENCH'];
if (own !== undefined) {
  await runHere(own);
  process.exit(0);
}

const unknown = wanted.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`There is no scenario ${unknown.join(', ')}. There are: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
const time = flags.cpu ? ', processor time' : '';
console.log(`Node ${process.version.slice(1)}, ${processor}, ${new Date().toISOString().slice(0, 10)}${time}\n`);
console.log(flags.markdown ? markdownHead() : tableHead());
const figures: Figure[] = [];
for (const { name } of SCENARIOS) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const figure of await runAlone(name)) {
    figures.push(figure);
    console.log(flags.markdown ? markdownRow(figure) : tableRow(figure));
  }
}
if (flags.json !== undefined) writeFileSync(flags.json, toJson(figures));

async function runHere(name: string): Promise<void> {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`There is no scenario ${name}.`);
  const bench = new Bench(name, { quick: false, processorTime: flags.cpu });
  await scenario.run(bench);
  for (const reason of bench.skipped) console.error(`${name} is left out: ${reason}.`);
  process.stdout.write(JSON.stringify(bench.figures));
}

function runAlone(name: string): Promise<Figure[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), ...(flags.cpu ? ['--cpu'] : [])], {
      env: { ...process.env, ROOMKIT_BENCH: name, ROOMKIT_LOG: 'error' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Figure[]);
      else reject(new Error(`${name} ended with ${code}.`));
    });
  });
}
