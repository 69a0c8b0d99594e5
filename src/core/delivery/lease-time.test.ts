/** Leases go by the time of the store that processes share (STO-17). */
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { InMemoryStore } from '../store/in-memory.js';
import { TestClock } from '../../testing/test-clock.js';
import { LeaseTime } from './lease-time.js';

class SharedStore extends InMemoryStore {
  override readonly shared = true;
  asked = 0;
  constructor(private readonly tell: () => number) {
    super();
  }
  time(): number {
    this.asked++;
    return this.tell();
  }
}

const AT = Date.parse('2026-01-01T00:00:00.000Z');

describe('the time of leases', () => {
  it('is the store’s, however wrong the clock of the process is, and goes on when that jumps', async () => {
    verifies('STO-17');
    const clock = new TestClock(AT + 3_600_000); // an hour ahead
    const leases = new LeaseTime(new SharedStore(() => AT), clock, 30_000);
    await leases.keep();
    expect(leases.end()).toBe('2026-01-01T00:00:30.000Z');
    clock.jump(-7_200_000);
    await clock.advance(10_000);
    expect(leases.now()).toBe(AT + 10_000);
    expect(leases.isHeld('2026-01-01T00:00:10.000Z')).toBe(false);
    expect(leases.isHeld('2026-01-01T00:00:10.001Z')).toBe(true);
    expect(leases.isHeld(undefined)).toBe(false);
  });

  it('is asked for once a minute, and carried on while the store does not answer', async () => {
    verifies('STO-17');
    const clock = new TestClock(AT);
    let isAway = false;
    const store = new SharedStore(() => {
      if (isAway) throw new Error('away');
      return AT + 500;
    });
    const leases = new LeaseTime(store, clock, 30_000);
    for (let second = 0; second < 59; second++) {
      await leases.keep();
      await clock.advance(1000);
    }
    expect(store.asked).toBe(1);
    isAway = true;
    await clock.advance(1000);
    await expect(leases.keep()).rejects.toThrow('away');
    expect(leases.now()).toBe(AT + 60_500);
  });

  it('is the wall clock’s where one process has the store, and nobody else takes anything', () => {
    verifies('STO-17');
    const clock = new TestClock(AT);
    const leases = new LeaseTime(new InMemoryStore(), clock, 30_000);
    clock.jump(5000);
    expect([leases.now(), leases.isHeld('2020-01-01T00:00:00.000Z'), leases.isHeld(undefined)]).toEqual([AT + 5000, true, true]);
  });
});
