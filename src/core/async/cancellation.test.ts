import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { TestClock } from '../../testing/test-clock.js';
import { AbortedError, TimeoutError } from '../errors.js';
import { abortSourceOf, Cancellation, sharedAbortSource } from './cancellation.js';
import { Deadlines } from './deadlines.js';
import { TaskGroup } from './task-group.js';

const never = new Promise<never>(() => undefined);
const late = (): Error => new TimeoutError('Too late.');

describe('a cancellation', () => {
  it('ends what waits when its time is up, and ignores what comes later', async () => {
    verifies('CON-08');
    const clock = new TestClock();
    const cancellation = new Cancellation(undefined, { deadlines: new Deadlines(clock), ms: 1000, reason: late });
    let answer = (_value: string): void => undefined;
    const asked = cancellation.guard(new Promise<string>((resolve) => (answer = resolve)), () => {
      throw new Error('nobody is interested any more');
    });
    asked.catch(() => undefined);
    await clock.advance(1000);
    answer('late');
    await expect(asked).rejects.toThrow('Too late.');
    expect(cancellation.reason).toBeInstanceOf(TimeoutError);
    expect(cancellation.signal.aborted).toBe(true);
  });

  it('gives what is made of a failure, its own end among them, but not of what goes wrong in between', async () => {
    verifies('CON-08');
    const cancellation = new Cancellation(undefined, undefined);
    const made = (work: Promise<string>, next: (value: string) => string = (value) => value): Promise<string> =>
      cancellation.guard(work, next, ({ message }) => `failed: ${message}`);
    expect(await made(Promise.resolve('well'))).toBe('well');
    expect(await made(Promise.reject(new Error('no')))).toBe('failed: no');
    const broken = (): string => {
      throw new Error('broken');
    };
    await expect(made(Promise.resolve(''), broken)).rejects.toThrow('broken');
    await expect(cancellation.guard(Promise.reject(new Error('no')), broken, broken)).rejects.toThrow('broken');
    const waiting = made(never);
    cancellation.abort(late());
    expect(await waiting).toBe('failed: Too late.');
    expect(await made(Promise.resolve('well'))).toBe('failed: Too late.');
  });

  it('gives what is made of the outcome, and rejects when that fails', async () => {
    const cancellation = new Cancellation(undefined, undefined);
    expect(await cancellation.guard(Promise.resolve(2), (value) => value * 2)).toBe(4);
    expect(await cancellation.guard(Promise.resolve(2), (value) => Promise.resolve(value * 3))).toBe(6);
    const failing = cancellation.guard(Promise.resolve(2), () => {
      throw new Error('no use');
    });
    await expect(failing).rejects.toThrow('no use');
  });

  it('makes no signal and keeps no timer once nothing waits', async () => {
    const clock = new TestClock();
    const deadlines = new Deadlines(clock);
    const outer = new AbortController();
    const cancellation = new Cancellation(sharedAbortSource(outer.signal), { deadlines, ms: 1000, reason: late });
    await cancellation.guard(Promise.resolve());
    cancellation.release();
    outer.abort(new AbortedError('The kit is closed.'));
    await clock.advance(5000);
    expect(cancellation.reason).toBeUndefined();
    expect(cancellation.signal.aborted).toBe(false);
  });

  it('ends with whom it belongs to, told by a callback or by a signal', () => {
    verifies('TURN-02');
    const outer = new AbortController();
    const turn = new Cancellation(sharedAbortSource(outer.signal), undefined);
    const byCallback = new Cancellation(
      abortSourceOf({
        onAbort: turn.onAbort,
        get signal(): AbortSignal {
          throw new Error('A signal is dear.');
        },
      }),
      undefined,
    );
    const bySignal = new Cancellation(abortSourceOf({ signal: turn.signal }), undefined);
    const told: string[] = [];
    byCallback.onAbort((reason) => told.push(`callback: ${reason.message}`));
    const stop = bySignal.onAbort(() => told.push('stopped listening'));
    bySignal.onAbort((reason) => told.push(`signal: ${reason.message}`));
    stop();
    outer.abort(new AbortedError('The kit is closed.'));
    expect(told.sort()).toEqual(['callback: The kit is closed.', 'signal: The kit is closed.']);
    turn.onAbort((reason) => told.push(`at once: ${reason.message}`));
    expect(told.at(-1)).toBe('at once: The kit is closed.');
  });
});

describe('a group of tasks', () => {
  it('is settled when nothing runs, including what was begun meanwhile, and what failed', async () => {
    verifies('CON-10');
    const tasks = new TaskGroup();
    let end = (): void => undefined;
    const first = new Promise<void>((resolve) => (end = resolve));
    const order: string[] = [];
    tasks.follow(first, () => {
      order.push('first');
      tasks.run(() => Promise.reject(new Error('no'))).catch(() => order.push('second'));
    });
    const settled = tasks.settled().then(() => order.push('settled'));
    expect(tasks.size).toBe(1);
    end();
    await settled;
    expect(order).toEqual(['first', 'second', 'settled']);
    expect(tasks.size).toBe(0);
    void tasks.run(() => never);
    expect(tasks.size).toBe(1);
  });
});
