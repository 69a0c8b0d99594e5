/** What the demo is told: by the command line first, else by the environment. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly headless: boolean;
  /** Where to listen; default 4170. */
  readonly port: number;
  /** The SQLite file; absent: the usual one, and a fresh one for the headless run. */
  readonly file: string | undefined;
}

export const USAGE = `The RoomKit demo: a help desk you can talk to.

  npm start                        open it in a browser
  npm start -- --headless          play a scripted customer, check what happens, and end
  npm start -- --db FILE           keep the conversation in another file (default ./.roomkit/demo.db; or ROOMKIT_DEMO_DB)
  npm start -- --port NUMBER       listen on another port (default 4170; or PORT); busy: the next free one

With ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or ROOMKIT_VLLM_URL that vendor's model plays the agents; ROOMKIT_MODEL names the
model. Without one they follow scripts, as they do in the headless run.`;

/** Throws an Error whose message says what is wrong. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: { headless: { type: 'boolean' }, db: { type: 'string' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return 'help';
  const asked = values.port ?? environment['PORT'];
  const port = asked === undefined || asked === '' ? 4170 : Number(asked);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`Port '${asked}' is none. Give a number from 0 to 65535.`);
  const file = values.db ?? environment['ROOMKIT_DEMO_DB'];
  return { headless: values.headless === true, port, file: file === '' ? undefined : file };
}
