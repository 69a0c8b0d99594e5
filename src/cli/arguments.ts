/** What was typed, as a command with its settings. Throws CannotRun with exit code 2 for what is none. */
import { parseArgs } from 'node:util';
import { CannotRun } from './say.js';

/** Which file to serve, and where; a setting that was not given is left to the file. */
export interface ServeCommand {
  readonly file: string;
  readonly host?: string;
  readonly port?: number;
}

/** Which vendor to be, and whom to call. */
export interface EmulateCommand {
  readonly vendor: string;
  readonly webhookUrl?: string;
  readonly port?: number;
}

/** Whose webhooks, and under which address they are reached. */
export interface WebhooksCommand {
  readonly file: string;
  readonly publicUrl?: string;
  readonly isRegistering: boolean;
}

export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'new'; readonly folder: string }
  | ({ readonly name: 'dev' | 'start' } & ServeCommand)
  | ({ readonly name: 'emulate' } & EmulateCommand)
  | ({ readonly name: 'webhooks' } & WebhooksCommand);

export const USAGE = `roomkit: run a kit, watch it, begin a new one, look after its database

  roomkit dev FILE      serves the kit that FILE exports, with Studio; starts again when a file changes
  roomkit start FILE    serves it as it is, until SIGTERM or Ctrl+C
  roomkit new FOLDER    writes a small project: an agent, a test, and scripts to run them
  roomkit emulate NAME  is a vendor, such as twilio, and the phone at its other end; --webhook URL is called
  roomkit webhooks FILE lists the address each vendor has to call, and what is missing; --register tells those it can
  roomkit db ...        status, migrate and copy of a database, a postgres:// URL or a SQLite file
  roomkit outbox ...    list, retry and cancel of deliveries
  roomkit rooms ...     list, show, export, import, close and delete of rooms; 'roomkit rooms --help' tells more

  --port NUMBER         default: PORT of the environment, else what the file says, else 4170
  --host NAME           default: HOST of the environment, else what the file says, else 127.0.0.1
  --webhook URL         of emulate: the webhook of a channel, such as http://localhost:4170/webhooks/sms
  --public-url URL      of webhooks: under which address vendors reach the server
  --help, --version`;

const COMMANDS = ['dev', 'start', 'new', 'emulate', 'webhooks'] as const;

/** What each takes, as an example. */
const TAKES: Readonly<Record<(typeof COMMANDS)[number], readonly [noun: string, hint: string]>> = {
  dev: ['file', 'Say which file exports the kit: roomkit dev app.ts'],
  start: ['file', 'Say which file exports the kit: roomkit start app.ts'],
  new: ['folder', 'Say into which folder: roomkit new my-agent'],
  emulate: ['vendor', 'Say which vendor: roomkit emulate twilio --webhook http://localhost:4170/webhooks/sms'],
  webhooks: ['file', 'Say which file exports the kit: roomkit webhooks app.ts'],
};

export function readCommand(typed: readonly string[], environment: Readonly<Record<string, string | undefined>>): Command {
  const { values, positionals } = parsed(typed);
  const [name, ...rest] = positionals;
  if (values.help === true || name === 'help') return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  if (name === undefined) throw new CannotRun(`Say what to do.\n\n${USAGE}`, 2);
  if (!isCommand(name))
    throw new CannotRun(`'${name}' is no command. There are ${[...COMMANDS, 'db', 'outbox', 'rooms'].join(', ')}; 'roomkit --help' tells more.`, 2);
  const [target, ...tooMany] = rest;
  const [noun, hint] = TAKES[name];
  if (target === undefined) throw new CannotRun(hint, 2);
  if (tooMany.length > 0) throw new CannotRun(`roomkit ${name} takes one ${noun}; '${tooMany.join(' ')}' is too much.`, 2);
  if (name === 'new') return { name, folder: target };
  if (name === 'webhooks') {
    const publicUrl = urlOf('--public-url', values['public-url']);
    return { name, file: target, isRegistering: values.register === true, ...(publicUrl !== undefined && { publicUrl }) };
  }
  if (name === 'emulate') {
    const webhookUrl = urlOf('--webhook', values.webhook);
    const port = portOf('--port', values.port);
    return { name, vendor: target, ...(webhookUrl !== undefined && { webhookUrl }), ...(port !== undefined && { port }) };
  }
  const port = portOf('--port', values.port) ?? portOf('PORT', environment['PORT']);
  const host = values.host ?? environment['HOST'];
  return { name, file: target, ...(port !== undefined && { port }), ...(host !== undefined && host !== '' && { host }) };
}

interface Parsed {
  readonly values: {
    readonly help?: boolean | undefined;
    readonly version?: boolean | undefined;
    readonly port?: string | undefined;
    readonly host?: string | undefined;
    readonly webhook?: string | undefined;
    readonly 'public-url'?: string | undefined;
    readonly register?: boolean | undefined;
  };
  readonly positionals: readonly string[];
}

function parsed(typed: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: [...typed],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        port: { type: 'string' },
        host: { type: 'string' },
        webhook: { type: 'string' },
        'public-url': { type: 'string' },
        register: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new CannotRun(`${error instanceof Error ? error.message.split('. ')[0] : String(error)}. 'roomkit --help' lists the options.`, 2);
  }
}

function isCommand(name: string): name is (typeof COMMANDS)[number] {
  return COMMANDS.some((command) => command === name);
}

function urlOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined || /^https?:\/\/./.test(text)) return text;
  throw new CannotRun(`${option} is '${text}'. Give an address that begins with http:// or https://.`, 2);
}

function portOf(where: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CannotRun(`${where} is '${text}'. Give a whole number from 0 to 65535; 0 takes any free one.`, 2);
  return port;
}
