/**
 * The invariants under any interleaving of messages, replies, gates, changes of the room, failures of vendors, models, locks
 * and the store, and crashes. A failing run prints its seed and its shortest steps.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InMemoryStore } from '../../src/core/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { verifies } from '../requirements.js';
import { faultsOf } from './invariants.js';
import { steps, type Step } from './steps.js';
import { World, type WorldOptions } from './world.js';

/** `PROPERTY_RUNS` multiplies the runs, for a long look. */
const TIMES = Number(process.env['PROPERTY_RUNS'] ?? 1);

/** A room that stands still is a fault like any other: it is found in seconds, and its steps are printed. */
const LIMITS = { timeout: 20_000, interruptAfterTimeLimit: 200_000 * TIMES, markInterruptAsFailure: false } as const;

const RULES = ['INV-01', 'INV-02', 'INV-03', 'INV-04', 'INV-05', 'INV-06', 'INV-07', 'INV-08', 'INV-10', 'INV-11', 'INV-13', 'INV-14', 'INV-17'];

async function play(options: WorldOptions, given: readonly Step[]): Promise<void> {
  const world = new World(options);
  await world.open();
  for (const one of given) await world.run(one);
  await world.rest();
  const faults = await faultsOf(world);
  await world.close();
  const { telemetry } = world.life;
  for (const span of telemetry.spans) if (span.ends !== 1) faults.push(`INV-13: span ${span.name} ended ${span.ends} times.`);
  expect([...faults, ...world.record.faults.filter((fault) => !faults.includes(fault))]).toEqual([]);
}

describe('any interleaving', () => {
  it.each([true, false])('keeps the invariants on InMemoryStore (as one that survives: %s)', { timeout: 600_000 }, async (persistent) => {
    verifies(...RULES);
    await fc.assert(
      fc.asyncProperty(steps, (given) => play({ inner: new InMemoryStore(), persistent }, given)),
      { numRuns: 120 * TIMES, ...LIMITS },
    );
  });

  it('keeps the invariants on SqliteStore', { timeout: 600_000 }, async () => {
    verifies(...RULES);
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const inner = await SqliteStore.open(':memory:');
        try {
          await play({ inner, persistent: true }, given);
        } finally {
          inner.close();
        }
      }),
      { numRuns: 30 * TIMES, ...LIMITS },
    );
  });
});
