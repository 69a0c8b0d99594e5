/** import: what `import 'roomkit'` costs a fresh process, from its start to its end. Run in the package's folder. */
import { spawnSync } from 'node:child_process';
import { atMost } from '../figures.js';
import { check, type Bench, type Scenario } from '../harness.js';

const WARM_UP = 2;
/** More than for other scenarios: a start takes a tenth of a second and varies. */
const STARTS = 11;

export const importTime: Scenario = {
  name: 'import',
  async run(bench) {
    const bare: Start[] = [];
    const ours: Start[] = [];
    for (let n = bench.options.quick ? WARM_UP : 0; n < WARM_UP + bench.size(STARTS, 1); n++) {
      const [without, withIt] = [start(bench, ''), start(bench, "await import('roomkit');")];
      if (n < WARM_UP) continue;
      bare.push(without);
      ours.push(withIt);
    }
    bench.report(
      'time',
      'ms',
      ours.map(({ ms }) => ms),
      { limit: bare.map(({ ms }) => ms), goal: atMost(110) },
    );
    bench.report(
      'memory',
      'MB RSS',
      ours.map(({ megabytes }) => megabytes),
      { limit: bare.map(({ megabytes }) => megabytes), goal: atMost(50) },
    );
  },
};

interface Start {
  readonly ms: number;
  readonly megabytes: number;
}

function start(bench: Bench, code: string): Start {
  const told = 'const { user, system } = process.cpuUsage(); console.log(JSON.stringify({ rss: process.memoryUsage().rss, used: user + system }));';
  const startedAt = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', code + told], { encoding: 'utf8' });
  const ms = performance.now() - startedAt;
  check(status === 0, `The process failed: ${stderr}`);
  const { rss, used } = JSON.parse(stdout) as { rss: number; used: number };
  return { ms: bench.options.processorTime ? used / 1000 : ms, megabytes: rss / 1024 / 1024 };
}
