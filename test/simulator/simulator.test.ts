/** The simulator: a run is a seed, whole kits hold under it, and parts with one mistake do not. */
import { describe, expect, it } from 'vitest';
import { closings, collisions, conversations, describeSimulation, simulate, type Scenario } from '../../src/testing/index.js';
import { run, type RunOptions } from '../../src/testing/simulator/run.js';
import { callsOf } from '../../src/testing/simulator/simulate.js';
import { verifies } from '../requirements.js';
import { BROKEN } from './broken.js';

const how = (scenario: Scenario, processes: number): RunOptions => ({ scenario, processes, calls: callsOf(scenario, processes) });

describe('the simulator', () => {
  it('does the same for the same seed, and something else for another', async () => {
    const options = how(conversations, 3);
    const [first, again, other] = [await run(options, { seed: 11 }), await run(options, { seed: 11 }), await run(options, { seed: 12 })];
    expect(again).toEqual(first);
    expect(other.fingerprint).not.toBe(first.fingerprint);
  });

  it('finds nothing wrong with kits on one, two and three processes', { timeout: 300_000 }, async () => {
    verifies('STO-05', 'STO-16', 'OUT-14', 'OUT-15', 'TURN-03', 'WS-09', 'INV-01', 'INV-02', 'INV-08', 'INV-10', 'INV-17');
    const report = await simulate({ runs: 300, seed: 1 });
    expect(report.failures.length, describeSimulation(report)).toBe(0);
    expect([report.runs, report.distinct]).toEqual([300, 300]);
    expect(report.faults).toBeGreaterThan(500);
  });

  it('nor where people do not wait for an answer, whichever process has the agent', { timeout: 300_000 }, async () => {
    verifies('COL-09', 'COL-03', 'COL-04', 'COL-07', 'WS-05');
    const report = await simulate({ scenario: collisions, runs: 200, seed: 1 });
    expect(report.failures.length, describeSimulation(report)).toBe(0);
  });

  it('nor where rooms are closed while people write', { timeout: 300_000 }, async () => {
    verifies('LOCK-03', 'ROOM-04', 'INV-16');
    const report = await simulate({ scenario: closings, runs: 200, seed: 1 });
    expect(report.failures.length, describeSimulation(report)).toBe(0);
  });

  it.each(Object.entries(BROKEN))('finds out %s within 2,000 runs', { timeout: 300_000 }, async (_name, { scenario, variant, kinds }) => {
    const report = await simulate({ scenario, variant, runs: 2000, seed: 1, ...(kinds !== undefined && { kinds }) });
    expect(report.failures.length).toBeGreaterThan(0);
    const [failure] = report.failures;
    if (failure === undefined) return;
    // It is the mistake that was found: without it the same run holds.
    expect((await run(how(scenario, failure.processes), { seed: failure.seed, faults: failure.faults })).wrong).toEqual([]);
  });
});
