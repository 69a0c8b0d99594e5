/** What was typed, as a command with its settings. Throws CannotRun with exit code 2 for what is none. */
import { parseArgs } from 'node:util';
import { CannotRun } from './say.js';

/** Which file to serve, and where; a setting that was not given is left to the file. */
export interface ServeCommand {
  readonly file: string;
  readonly host?: string;
  readonly port?: number;
}

export type Command =
  { readonly name: 'help' | 'version' } | { readonly name: 'new'; readonly folder: string } | ({ readonly name: 'dev' | 'start' } & ServeCommand);

export const USAGE = `roomkit: run a kit, watch it, begin a new one

  roomkit dev FILE      serves the kit that FILE exports, with Studio; starts again when a file changes
  roomkit start FILE    serves it as it is, until SIGTERM or Ctrl+C
  roomkit new FOLDER    writes a small project: an agent, a test, and scripts to run them

  --port NUMBER         default: PORT of the environment, else what the file says, else 4170
  --host NAME           default: HOST of the environment, else what the file says, else 127.0.0.1
  --help, --version`;

const COMMANDS = ['dev', 'start', 'new'] as const;

export function readCommand(typed: readonly string[], environment: Readonly<Record<string, string | undefined>>): Command {
  const { values, positionals } = parsed(typed);
  const [name, ...rest] = positionals;
  if (values.help === true || name === 'help') return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  if (name === undefined) throw new CannotRun(`Say what to do.\n\n${USAGE}`, 2);
  if (!isCommand(name)) throw new CannotRun(`'${name}' is no command. There are ${COMMANDS.join(', ')}; 'roomkit --help' tells more.`, 2);
  const [target, ...tooMany] = rest;
  if (target === undefined)
    throw new CannotRun(name === 'new' ? `Say into which folder: roomkit new my-agent` : `Say which file exports the kit: roomkit ${name} app.ts`, 2);
  if (tooMany.length > 0)
    throw new CannotRun(`roomkit ${name} takes one ${name === 'new' ? 'folder' : 'file'}; '${tooMany.join(' ')}' is too much.`, 2);
  if (name === 'new') return { name, folder: target };
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
      },
    });
  } catch (error) {
    throw new CannotRun(`${error instanceof Error ? error.message.split('. ')[0] : String(error)}. 'roomkit --help' lists the options.`, 2);
  }
}

function isCommand(name: string): name is (typeof COMMANDS)[number] {
  return COMMANDS.some((command) => command === name);
}

function portOf(where: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CannotRun(`${where} is '${text}'. Give a whole number from 0 to 65535; 0 takes any free one.`, 2);
  return port;
}
