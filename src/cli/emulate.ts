/** `roomkit emulate`: a vendor on loopback, and the terminal as the phone at its other end. */
import { createInterface } from 'node:readline';
import { EMULATED_VENDORS, type DeviceMessage, type ProviderToUse } from 'roomkit/emulators';
import type { EmulateCommand } from './arguments.js';
import { CannotRun, say } from './say.js';
import { endWith, onSignals } from './start.js';

export async function emulate({ vendor, webhookUrl, port }: EmulateCommand): Promise<void> {
  const start = Object.hasOwn(EMULATED_VENDORS, vendor) ? EMULATED_VENDORS[vendor] : undefined;
  if (start === undefined && /^(baileys|whatsapp[-_]?personal)$/i.test(vendor))
    throw new CannotRun(
      'The wire of personal WhatsApp cannot be emulated: it is encrypted from end to end. Tests put FakeWhatsAppDriver of roomkit/emulators in the place of baileys.',
      2,
    );
  if (start === undefined) throw new CannotRun(`'${vendor}' cannot be emulated. There are ${Object.keys(EMULATED_VENDORS).join(', ')}.`, 2);
  const line = await start({ ...(webhookUrl !== undefined && { webhookUrl }), ...(port !== undefined && { port }) }).catch((error: unknown) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error;
    throw new CannotRun(`Port ${port} is in use. Give another with --port, or leave it out for a free one.`, 1, { cause: error });
  });
  const arrives =
    line.source === undefined ? `webhook   ${webhookUrl ?? 'none: give --webhook URL to be called'}` : `source    ${written(line.source)}`;
  say(`${vendor} listens on ${line.url}\n\n  provider  ${written(line.provider)}\n  ${arrives}\n  stop      Ctrl+C\n`);
  const { device } = line;
  say(`Type a message and press Enter. It comes from ${device.person}.`);
  onSignals(() => void endWith(line.close()));
  device.onChange((message) => {
    if (message.failure !== undefined) say(`(${message.failure})`);
    else if (!message.isOwn) say(shown(message));
  });
  for await (const text of createInterface({ input: process.stdin })) if (text.trim() !== '') void device.write(text);
  // It goes on listening when nobody types any more.
}

function literal(value: ProviderToUse['options'][string]): string {
  if (typeof value === 'object') return `[${value.map((entry) => `'${entry}'`).join(', ')}]`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** As it is written in a program. */
function written({ name, options }: ProviderToUse): string {
  const fields = Object.entries(options).map(([option, value]) => `${option}: ${literal(value)}`);
  return `new ${name}({ ${fields.join(', ')} })`;
}

function shown({ subject, text, mediaUrls, buttons }: DeviceMessage): string {
  const lines = [...(subject === undefined ? [] : [`${subject}:`]), text, ...mediaUrls, ...buttons.map(({ label }) => `[${label}]`)];
  return `< ${lines.filter((line) => line !== '').join('\n  ')}`;
}
