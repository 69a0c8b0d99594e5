/** `roomkit emulate`: a vendor on loopback, and the terminal as the phone at its other end. */
import { createInterface } from 'node:readline';
import { EMULATED_VENDORS, type EmulatedLine } from 'roomkit/emulators';
import type { EmulateCommand } from './arguments.js';
import { CannotRun, say } from './say.js';
import { endWith, onSignals } from './start.js';

export async function emulate({ vendor, webhookUrl, port }: EmulateCommand): Promise<void> {
  const start = Object.hasOwn(EMULATED_VENDORS, vendor) ? EMULATED_VENDORS[vendor] : undefined;
  if (start === undefined) throw new CannotRun(`'${vendor}' cannot be emulated. There are ${Object.keys(EMULATED_VENDORS).join(', ')}.`, 2);
  const line = await start({ ...(webhookUrl !== undefined && { webhookUrl }), ...(port !== undefined && { port }) }).catch((error: unknown) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error;
    throw new CannotRun(`Port ${port} is in use. Give another with --port, or leave it out for a free one.`, 1, { cause: error });
  });
  say(
    `${vendor} listens on ${line.url}\n\n  provider  ${line.provider}\n  webhook   ${webhookUrl ?? 'none: give --webhook URL to be called'}\n  stop      Ctrl+C\n`,
  );
  say(`Type a message and press Enter. It comes from ${line.person}.`);
  onSignals(() => void endWith(line.close()));
  void show(line);
  await readLines(line); // it goes on listening when nobody types any more
}

/** What arrives is shown until the emulator ends. */
async function show(line: EmulatedLine): Promise<void> {
  for (;;) say(`< ${await line.next()}`);
}

async function readLines(line: EmulatedLine): Promise<void> {
  for await (const text of createInterface({ input: process.stdin })) {
    if (text.trim() === '') continue;
    try {
      const status = await line.write(text);
      if (status !== undefined && status !== 200) say(status === 0 ? '(the webhook could not be reached)' : `(the webhook answered ${status})`);
    } catch (error) {
      say(`(${error instanceof Error ? error.message : String(error)})`);
    }
  }
}
