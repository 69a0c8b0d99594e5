/**
 * A process that serves rooms over SQLite is killed two hundred times under load, at random moments and at aimed ones.
 * Afterwards nothing is lost and nothing is doubled. `CRASH_KILLS` makes it shorter for a look, `CRASH_SEED` repeats a run.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { verifies } from '../requirements.js';
import { judge } from './judge.js';
import { World } from './world.js';

const KILLS = Number(process.env['CRASH_KILLS'] ?? 200);
const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'roomkit-crash-'));
const worlds: World[] = [];

/** The process runs on the built package, as any user's does; its own lines are only stripped of their types. */
function build(): string {
  const target = join(ROOT, 'build', 'crash');
  mkdirSync(target, { recursive: true });
  for (const name of ['child', 'protocol']) {
    const source = readFileSync(join(ROOT, 'test', 'crash', `${name}.ts`), 'utf8');
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true };
    writeFileSync(join(target, `${name}.js`), ts.transpileModule(source, { compilerOptions: options }).outputText);
  }
  return join(target, 'child.js');
}

describe('a process that is killed again and again', () => {
  let program = '';
  beforeAll(() => {
    program = build();
  });
  afterAll(() => {
    for (const world of worlds) world.abandon();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`loses nothing and doubles nothing (${KILLS} kills, seed ${SEED})`, { timeout: 600_000 }, async () => {
    verifies('OUT-01', 'OUT-08', 'OUT-09', 'OUT-14', 'STO-01', 'STO-04', 'STO-09', 'TURN-03', 'TURN-04', 'INB-08', 'INV-01', 'INV-02', 'INV-03');
    verifies('INV-08', 'INV-10', 'INV-17', 'WS-09', 'F02', 'F03', 'F17', 'F27c', 'F27d', 'COL-02', 'COL-03', 'COL-07');
    // Two files at once keep both cores at work; each is killed half as often.
    const lives = [Math.ceil(KILLS / 2), Math.floor(KILLS / 2)];
    const verdicts = await Promise.all(
      lives.map(async (kills, at) => {
        const path = join(folder, `${at}.db`);
        const world = new World({ seed: SEED + at, program, path, synchronous: at === 0 ? 'full' : 'normal' });
        worlds.push(world);
        for (let life = 0; life < kills; life++) await world.live();
        await world.rest();
        const store = await SqliteStore.open(path);
        try {
          return await judge(store, world);
        } finally {
          store.close();
        }
      }),
    );
    const faults = verdicts.flatMap((verdict) => verdict.faults);
    const counts = verdicts.map((verdict) => verdict.counts);
    const deaths = worlds.map((world) => world.deaths);
    if (process.env['CRASH_KILLS'] !== undefined) console.log(counts, deaths);
    expect(faults.slice(0, 40), `seed ${SEED}: ${faults.length} faults, ${JSON.stringify(counts)}`).toEqual([]);
    // It has proved something only if there was something to lose.
    const sum = (name: string): number => counts.reduce((total, one) => total + (one[name] ?? 0), 0);
    for (const name of ['acknowledged', 'answered', 'resent', 'recovered', 'merged', 'tools']) expect(sum(name), name).toBeGreaterThan(KILLS / 50);
  });
});
