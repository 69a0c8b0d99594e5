/** What the demo is told: by the command line first, else by the environment. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly headless: boolean;
  /** Where to listen; default 4170. */
  readonly port: number;
  /** The SQLite file; absent: the usual one, and a fresh one for the headless run. */
  readonly file: string | undefined;
  /** In the place of a file: a database that processes can share. `embedded`: one that is started in a temporary folder. */
  readonly postgres: string | undefined;
  /** Locks and realtime over Redis; absent: PostgreSQL does that, too. */
  readonly redis: string | undefined;
  /** How many processes serve the port; default 1. */
  readonly processes: number;
}

const MOST_PROCESSES = 64;

export const USAGE = `The RoomKit demo: a help desk you can talk to.

  npm start                        open it in a browser
  npm start -- --headless          play a scripted customer, check what happens, and end
  npm start -- --db FILE           keep the conversation in another file (default ./.roomkit/demo.db; or ROOMKIT_DEMO_DB)
  npm start -- --port NUMBER       listen on another port (default 4170; or PORT); busy: the next free one
  npm start -- --postgres URL      keep it in PostgreSQL (postgres://user:password@host/database); 'embedded' starts one of its own
               --redis URL         with Redis for locks and what happens at the moment (redis://host:6379)
               --processes N       on N processes behind the one port; one that dies is started again

With ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or ROOMKIT_VLLM_URL that vendor's model plays the agents; ROOMKIT_MODEL names the
model. Without one they follow scripts, as they do in the headless run.`;

/** Throws an Error whose message says what is wrong. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      headless: { type: 'boolean' },
      db: { type: 'string' },
      port: { type: 'string' },
      postgres: { type: 'string' },
      redis: { type: 'string' },
      processes: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const asked = values.port ?? environment['PORT'];
  const port = asked === undefined || asked === '' ? 4170 : Number(asked);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`Port '${asked}' is none. Give a number from 0 to 65535.`);
  const { postgres, redis } = values;
  const processes = Number(values.processes ?? 1);
  if (!Number.isInteger(processes) || processes < 1 || processes > MOST_PROCESSES)
    throw new Error(`'${values.processes}' processes cannot be. Give a whole number from 1 to ${MOST_PROCESSES}.`);
  if (postgres === undefined && processes > 1)
    throw new Error(
      "A SQLite file serves one process. For several give them a database they share: --postgres URL, or '--postgres embedded' to try it.",
    );
  if (postgres === undefined && redis !== undefined)
    throw new Error('Redis has the locks of processes that share a database, and there is none: give --postgres URL, too, or leave --redis out.');
  if (postgres !== undefined && values.db !== undefined) throw new Error('The conversation is in a file or in PostgreSQL: give --db or --postgres.');
  const file = values.db ?? environment['ROOMKIT_DEMO_DB'];
  return { headless: values.headless === true, port, file: file === '' ? undefined : file, postgres, redis, processes };
}
