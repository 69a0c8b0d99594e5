/** How the program speaks: lines to the terminal, and mistakes that the person at it can mend. */

/** What the person who started it can mend; the message says how. Printed without a stack. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';

  constructor(
    message: string,
    /** 1: it could not be done; 2: the command itself was not understood. */
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
