// npm run simulate -- --runs 20000 --seed 1: whole kits on virtual time, over seams that fail as their seed says. The runs are
// shared out among the scenarios, or all of one: --scenario collisions. Exits with 1 when a run went wrong, or a step of the
// inbound, delivery or turn path was never met by a fault.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** What no fault is meant to meet: what is called before anything goes wrong, and by closing; and what is asked only after a lost answer. */
const EXCUSED = ['store.createRoom', 'store.releaseLeases', 'store.addUsage', 'store.getTurn'];

/** How often it is said how far a run has come, where nobody watches a line that changes. */
const SHOW_EACH_MS = 60_000;

if (isMainThread) await main();
else await work();

async function main() {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      processes: { type: 'string' },
      scenario: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const [runs, seed, workers] = ['runs', 'seed', 'workers'].map((name) => whole(name, values[name]));
  const processes = values.processes === undefined ? undefined : whole('processes', values.processes);
  execFileSync(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url)), '--quiet'], { stdio: 'inherit' });
  const { closings, collisions, conversations, describeSimulation, mergeSimulations } = await import('../dist/testing/index.js');
  const names = [conversations, collisions, closings].map(({ name }) => name);
  const { scenario = names } = values;
  if (typeof scenario === 'string' && !names.includes(scenario)) {
    console.error(`--scenario is '${scenario}'. Give one of ${names.join(', ')}, or leave it out for all.`);
    process.exit(2);
  }
  const all = [];
  let done = 0;
  for (const [position, name] of [scenario].flat().entries()) {
    // The first has half of the runs, the others share the rest: a turn that streams takes longer than a message.
    const own = typeof scenario === 'string' ? runs : position < names.length - 1 ? Math.round(runs / (position === 0 ? 2 : 4)) : runs - done;
    done += own;
    if (own > 0) all.push(await simulateScenario(name, own, { seed, workers, processes, describeSimulation, mergeSimulations }));
  }
  const untouched = mergeSimulations(all).untouched.filter((step) => !EXCUSED.includes(step));
  if (all.some(({ failures }) => failures.length > 0) || (runs >= 2000 && untouched.length > 0)) process.exitCode = 1;
}

async function simulateScenario(name, runs, { seed, workers, processes, describeSimulation, mergeSimulations }) {
  const startedAt = performance.now();
  const share = Math.ceil(runs / workers);
  const parts = new Map();
  let shownAt = startedAt;
  const show = () => {
    const now = performance.now();
    const isTerminal = process.stderr.isTTY;
    if (!isTerminal && now - shownAt < SHOW_EACH_MS) return;
    shownAt = now;
    const done = [...parts.values()].reduce((sum, part) => sum + part.runs, 0);
    process.stderr.write(isTerminal ? `\r${done} of ${runs} runs` : `${name}: ${done} of ${runs} runs\n`);
  };
  const reports = await Promise.all(
    Array.from({ length: workers }, (_, n) => {
      const own = Math.min(share, runs - n * share);
      if (own <= 0) return undefined;
      return run(n, { name, runs: own, seed: seed + n * share, processes }, (part) => (parts.set(n, part), show()));
    }),
  );
  const report = mergeSimulations(reports.filter((one) => one !== undefined));
  if (process.stderr.isTTY) process.stderr.write('\r');
  console.log(describeSimulation(report));
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${workers} workers, seeds ${seed} to ${seed + runs - 1}`);
  return report;
}

function run(n, options, onProgress) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: options, resourceLimits: { maxYoungGenerationSizeMb: 192 } });
    worker.on('message', ({ kind, report }) => {
      onProgress(report);
      if (kind !== 'end') return;
      // Its share ends with it, the others' may take long yet.
      for (const { seed } of report.failures) process.stderr.write(`${options.name}: seed ${seed} went wrong\n`);
      resolve(report);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => code === 0 || reject(new Error(`Worker ${n} ended with ${code}.`)));
  });
}

async function work() {
  const { simulate, ...scenarios } = await import('../dist/testing/index.js');
  const { name, ...options } = workerData;
  const report = await simulate({
    ...options,
    scenario: scenarios[name],
    onProgress: ({ runs }) => parentPort.postMessage({ kind: 'progress', report: { runs } }),
  });
  parentPort.postMessage({ kind: 'end', report });
}

function whole(name, value) {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  console.error(`--${name} is '${value}'. Give a whole number of 1 or more.`);
  process.exit(2);
}
