/** What was typed behind `roomkit db`, `outbox` or `rooms`, as an operation with its settings; and what each of them teaches. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CannotRun } from '../say.js';

const OPTIONS = {
  store: { type: 'string', help: '--store URL|FILE      the database; default: ROOMKIT_STORE of the environment' },
  schema: { type: 'string', help: '--schema NAME         of PostgreSQL; default roomkit' },
  json: { type: 'boolean', help: '--json                JSON in place of a table' },
  'dry-run': { type: 'boolean', help: '--dry-run             only says what would be done' },
  force: { type: 'boolean', help: '--force               although processes are at work on FROM: what they write meanwhile is lost' },
  room: { type: 'string', help: '--room ID             of this room' },
  channel: { type: 'string', help: '--channel ID          of this channel' },
  state: { type: 'string', help: '--state STATE         in this state, or in several: queued,failed' },
  status: { type: 'string', help: '--status STATUS       active, paused, closed or archived; several with commas' },
  organization: { type: 'string', help: '--organization ID     of this organization' },
  limit: { type: 'string', help: '--limit NUMBER        so many at most; default 50' },
  content: { type: 'boolean', help: "--content             with people's names and words" },
  all: { type: 'boolean', help: '--all                 every room' },
  replace: { type: 'boolean', help: '--replace             rooms that are there are replaced by those of the file' },
  yes: { type: 'boolean', help: '--yes                 delete them; without it nothing is deleted' },
} as const satisfies Record<string, { type: 'string' | 'boolean'; help: string }>;

type OptionName = keyof typeof OPTIONS;

interface Shape {
  /** What comes behind the name, for people. */
  readonly takes: string;
  readonly says: string;
  /** How many arguments besides the store: none, these names, or one and more of this. */
  readonly arguments: readonly string[] | 'many';
  /** The store may be given as the first argument. */
  readonly takesStore?: boolean;
  readonly options: readonly OptionName[];
  readonly more: string;
}

export const OPERATIONS = {
  'db status': {
    takes: '[URL|FILE]',
    says: 'how a database stands: schema, what is in it, its size, who is at work',
    arguments: [],
    takesStore: true,
    options: ['store', 'schema', 'json'],
    more: 'Nothing is changed. A SQLite file can be looked into while no process uses it.',
  },
  'db migrate': {
    takes: '[URL|FILE]',
    says: 'brings an older database to this version, before a deploy',
    arguments: [],
    takesStore: true,
    options: ['store', 'schema', 'dry-run', 'json'],
    more: 'Steps only add. On PostgreSQL the processes of the version before go on beside it; a SQLite file must not be in use.',
  },
  'db copy': {
    takes: 'FROM TO',
    says: 'carries everything from one database into an empty one',
    arguments: ['FROM', 'TO'],
    options: ['schema', 'force', 'json'],
    more: `From a SQLite file to PostgreSQL, back, or between two of a kind. Stop what uses FROM. Afterwards both are read and compared.
A copy that was interrupted leaves TO refusing to be used; the same command makes it again.`,
  },
  'outbox list': {
    takes: '[URL|FILE]',
    says: 'deliveries: what is queued, failed, of unknown outcome …',
    arguments: [],
    takesStore: true,
    options: ['store', 'schema', 'room', 'channel', 'state', 'organization', 'limit', 'content', 'json'],
    more: 'States: queued, sending, sent, delivered, read, failed, expired, cancelled, unknown. Default: what is not done, queued,sending,unknown,failed.',
  },
  'outbox retry': {
    takes: 'ID…',
    says: 'puts deliveries that ended without success back into their lanes',
    arguments: 'many',
    options: ['store', 'schema', 'json'],
    more: 'Of failed, expired, cancelled and unknown ones. One of unknown outcome may have arrived: it is then sent a second time.',
  },
  'outbox cancel': {
    takes: 'ID…',
    says: 'gives up deliveries that have not been made',
    arguments: 'many',
    options: ['store', 'schema', 'json'],
    more: 'Of queued and unknown ones; what is being sent right now cannot be stopped.',
  },
  'rooms list': {
    takes: '[URL|FILE]',
    says: 'rooms, the newest first',
    arguments: [],
    takesStore: true,
    options: ['store', 'schema', 'status', 'channel', 'organization', 'limit', 'content', 'json'],
    more: "Without --content nobody's name or words are shown.",
  },
  'rooms show': {
    takes: 'ROOM',
    says: 'one room: its channels, people, open work',
    arguments: ['ROOM'],
    options: ['store', 'schema', 'content', 'limit', 'json'],
    more: 'With --content also its people and the last things said, 50 or as many as --limit says.',
  },
  'rooms export': {
    takes: 'ROOM…',
    says: 'writes rooms as JSON lines, with all that belongs to them',
    arguments: 'many',
    options: ['store', 'schema', 'all'],
    more: 'To standard output: roomkit rooms export ROOM > rooms.jsonl. Identities, facts and files of media belong to no room and are not in it.',
  },
  'rooms import': {
    takes: 'FILE',
    says: 'takes rooms from such a file, each whole or not at all',
    arguments: ['FILE'],
    options: ['store', 'schema', 'replace', 'json'],
    more: 'The whole file is read and checked before the first room is written. A room that is there is left alone, and nothing is imported, unless --replace.',
  },
  'rooms close': {
    takes: 'ROOM…',
    says: 'closes rooms: queued turns end, deliveries of what was said go on',
    arguments: 'many',
    options: ['store', 'schema', 'json'],
    more: 'As kit.closeRoom does; hooks are those of programs and do not run.',
  },
  'rooms delete': {
    takes: 'ROOM…',
    says: 'deletes rooms with everything in them',
    arguments: 'many',
    options: ['store', 'schema', 'yes', 'json'],
    more: 'There is no way back: export them first. Files of media stay in their store until it is swept.',
  },
} as const satisfies Record<string, Shape>;

export type OperationName = keyof typeof OPERATIONS;
export type Group = 'db' | 'outbox' | 'rooms';

/** An operation with what was typed behind it. */
export interface Operation {
  readonly name: OperationName;
  readonly arguments: readonly string[];
  /** URL or file; absent for `db copy`, which has two. */
  readonly store: string;
  readonly options: Readonly<Partial<Record<OptionName, string | boolean>>>;
  readonly limit: number;
}

export function isGroup(word: string | undefined): word is Group {
  return word === 'db' || word === 'outbox' || word === 'rooms';
}

/** The operation, or the help that was asked for. Throws CannotRun with exit code 2. */
export function readOperation(group: Group, typed: readonly string[], environment: Readonly<Record<string, string | undefined>>): Operation | string {
  const [verb = '', ...rest] = typed;
  const names = (Object.keys(OPERATIONS) as OperationName[]).filter((known) => known.startsWith(`${group} `));
  if (verb === '--help' || verb === '-h' || verb === 'help') return helpOfGroup(group, names);
  const name = names.find((known) => known === `${group} ${verb}`);
  if (name === undefined) {
    const said = verb === '' ? `Say what to do with ${group}` : `'${group} ${verb}' is no command`;
    throw new CannotRun(`${said}. There are ${names.join(', ')}; 'roomkit ${group} --help' tells more.`, 2);
  }
  const shape: Shape = OPERATIONS[name];
  const { values, positionals } = parsed(name, shape, rest);
  if (values['help'] === true) return helpOf(name, shape);
  const options = values as Operation['options'];
  const given = [...positionals];
  const named = options.store as string | undefined;
  const first = shape.takesStore === true && named === undefined ? given.shift() : undefined;
  const store = named ?? first ?? environment['ROOMKIT_STORE'] ?? '';
  checkArguments(name, shape, given, options);
  if (store === '' && name !== 'db copy')
    throw new CannotRun(
      `Say which database: ${shape.takesStore === true ? `roomkit ${name} FILE, or ` : ''}--store URL|FILE, or ROOMKIT_STORE in the environment.`,
      2,
    );
  return { name, arguments: given, store, options, limit: limitOf(options.limit) };
}

function parsed(name: string, shape: Shape, typed: readonly string[]): { values: Record<string, unknown>; positionals: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } };
  for (const option of shape.options) options[option] = { type: OPTIONS[option].type };
  try {
    return parseArgs({ args: [...typed], allowPositionals: true, options });
  } catch (error) {
    throw new CannotRun(`${error instanceof Error ? error.message.split('. ')[0] : String(error)}. 'roomkit ${name} --help' lists the options.`, 2);
  }
}

function checkArguments(name: OperationName, shape: Shape, given: readonly string[], options: Operation['options']): void {
  if (shape.arguments === 'many') {
    if (given.length > 0 || options.all === true) return;
    throw new CannotRun(`Say which: roomkit ${name} ${shape.takes}`, 2);
  }
  if (given.length < shape.arguments.length) throw new CannotRun(`Say what: roomkit ${name} ${shape.takes}`, 2);
  const [tooMuch] = given.slice(shape.arguments.length);
  if (tooMuch !== undefined) throw new CannotRun(`roomkit ${name} takes ${shape.takes}; there is more than that.`, 2);
}

function limitOf(text: string | boolean | undefined): number {
  if (text === undefined) return 50;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new CannotRun(`--limit is '${String(text)}'. Give a whole number of 1 or more.`, 2);
  return limit;
}

function helpOfGroup(group: Group, names: readonly OperationName[]): string {
  const lines = names.map((name) => `  roomkit ${`${name} ${OPERATIONS[name].takes}`.padEnd(26)} ${OPERATIONS[name].says}`);
  return `roomkit ${group}: works on a database itself; no server needs to run\n\n${lines.join('\n')}\n\n'roomkit ${group} NAME --help' tells more of each.`;
}

function helpOf(name: OperationName, shape: Shape): string {
  const options = shape.options.map((option) => `  ${OPTIONS[option].help}`).join('\n');
  return `roomkit ${name} ${shape.takes}: ${shape.says}\n\n${shape.more}\n\n${options}`;
}
