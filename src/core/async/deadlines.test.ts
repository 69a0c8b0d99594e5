import { describe, expect, it } from 'vitest';
import { TestClock } from '../../testing/test-clock.js';
import type { Clock, Timer } from '../clock.js';
import { Deadlines } from './deadlines.js';

/** A process that can stand still: its timers are late then, and what came meanwhile comes after them. */
class HaltingClock extends TestClock implements Clock {
  #behindMs = 0;
  #lateBy = 0;

  override monotonic(): number {
    return super.monotonic() + this.#behindMs;
  }

  override setTimer(ms: number, fn: () => void): Timer {
    return super.setTimer(ms, () => {
      this.#behindMs += this.#lateBy;
      this.#lateBy = 0;
      fn();
    });
  }

  /** The next timer fires so much later than it was meant to. */
  standStill(ms: number): void {
    this.#lateBy = ms;
  }
}

describe('a deadline', () => {
  it('ends at its time, unless it is cancelled', async () => {
    const clock = new HaltingClock();
    const deadlines = new Deadlines(clock);
    const ended: string[] = [];
    deadlines.add(300, () => ended.push('late'));
    deadlines.add(100, () => ended.push('early'));
    deadlines.add(100, () => ended.push('never')).cancel();
    await clock.advance(99);
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(ended).toEqual(['early']);
    await clock.advance(200);
    expect(ended).toEqual(['early', 'late']);
    deadlines.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits a moment more when the process stood still: what came meanwhile is heard first', async () => {
    const clock = new HaltingClock();
    const deadlines = new Deadlines(clock);
    const ended: string[] = [];
    const answered = deadlines.add(30_000, () => ended.push('answered'));
    deadlines.add(30_000, () => ended.push('not answered'));
    clock.standStill(45_000);
    await clock.advance(30_000);
    expect(ended).toEqual([]);
    answered.cancel(); // its answer lay in a socket
    deadlines.add(10, () => ended.push('short'));
    await clock.advance(249);
    expect(ended).toEqual([]);
    // It does so once, though the process stands still again.
    clock.standStill(45_000);
    await clock.advance(1);
    expect(ended).toEqual(['not answered', 'short']);
    deadlines.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
