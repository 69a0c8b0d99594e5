/** Waiting for what happens on its own: as many turns of the event loop as it needs. */
import assert from 'node:assert/strict';

/** Lets promises and what is ready in the system go on. */
export async function turnsOfTheLoop(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** What is asked of a server may take its time, however fast the loop turns. */
const LEAST_MS = 500;

/** Waits until it is so; what is asked may need the network. */
export async function until(isSo: () => boolean, what: string, turns = 20_000): Promise<void> {
  const giveUpAt = performance.now() + LEAST_MS;
  for (let turn = 0; turn < turns || performance.now() < giveUpAt; turn++) {
    if (isSo()) return;
    await turnsOfTheLoop(1);
  }
  assert.fail(`never: ${what}`);
}
