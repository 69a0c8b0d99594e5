/** What a contract suite is made of: cases as data, so that any test runner can run them. */
import assert from 'node:assert/strict';

/** One promise of a seam. */
export interface ContractCase<Open> {
  readonly name: string;
  /** Ids of the rules (docs/rfc) that this case proves. */
  readonly rules: readonly string[];
  /** Opens an implementation of its own, tries it and closes it. Rejects with what is not as promised. */
  run(open: Open): Promise<void>;
}

/** The call fails, at once or later, with an error of this code. Returns the error. */
export async function refused(run: () => unknown, code: string): Promise<Error> {
  let value: unknown;
  try {
    value = await run();
  } catch (error) {
    assert.ok(error instanceof Error, `an Error is thrown, not ${String(error)}`);
    assert.equal((error as { code?: unknown }).code, code, `fails with the code '${code}', not with: ${error.message}`);
    return error;
  }
  return assert.fail(`this should fail with '${code}', and gave ${JSON.stringify(value)}`);
}

/** What became of many calls at once. */
export async function settled<T>(runs: readonly (() => T | Promise<T>)[]): Promise<{ values: T[]; errors: unknown[] }> {
  const outcomes = await Promise.allSettled(runs.map(async (run) => run()));
  return {
    values: outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    errors: outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : [])),
  };
}

/** What these reads give out is the reader's: whatever is done to it, the next read gives the same again. */
export async function givesItsOwn(...reads: readonly (() => unknown)[]): Promise<void> {
  for (const read of reads) {
    const first = await read();
    const copy = structuredClone(first);
    vandalize(first);
    assert.deepEqual(await read(), copy, `what was given out can be changed, and is seen by others: ${String(read)}`);
  }
}

/** Tries to change data to the bottom, as careless code would. What is frozen stays as it is. */
export function vandalize(value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  if (value instanceof Map) for (const entry of value.values()) vandalize(entry);
  for (const key of Object.keys(value)) {
    vandalize((value as Record<string, unknown>)[key]);
    Reflect.set(value, key, 'vandalized');
  }
  if (Array.isArray(value)) Reflect.set(value, value.length, 'vandalized');
  else Reflect.set(value, 'vandal', 'was here');
}
