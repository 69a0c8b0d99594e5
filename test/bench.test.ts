/** The benchmarks run and count right, each with a handful of messages. Their figures mean nothing here. */
import { describe, expect, it } from 'vitest';
import { Bench } from '../bench/harness.js';
import { markdownRow, tableRow, toJson } from '../bench/figures.js';
import { SCENARIOS } from '../bench/scenarios.js';

describe('benchmarks', () => {
  it.each(SCENARIOS)('$name runs and its assertions hold', { timeout: 60_000 }, async (scenario) => {
    const bench = new Bench(scenario.name, { quick: true, processorTime: false });
    await scenario.run(bench);
    // In CI nothing is missing.
    expect(bench.figures.length + (process.env['CI'] === 'true' ? 0 : bench.skipped.length)).toBeGreaterThan(0);
    for (const figure of bench.figures) {
      expect(figure.scenario).toBe(scenario.name);
      expect(Number.isFinite(figure.median), figure.metric).toBe(true);
      expect(tableRow(figure)).toContain(scenario.name);
      expect(markdownRow(figure).split('|')).toHaveLength(9);
    }
    expect(JSON.parse(toJson(bench.figures))).toHaveLength(bench.figures.length);
  });

  it('have names of their own', () => {
    const names = SCENARIOS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
