/** Waiting for what needs the network, or another process, without a clock. */
export async function turnsOfTheLoop(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Until it is so; fails after very many turns of the event loop. */
export async function soon(isSo: () => boolean | Promise<boolean>, turns = 1_000_000): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (await isSo()) return;
    await turnsOfTheLoop(1);
  }
  throw new Error(`It never came to be: ${String(isSo)}`);
}
