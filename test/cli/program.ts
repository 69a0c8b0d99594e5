/** The program `roomkit` as its users have it: the built file, in a folder of their own, as a process. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const PROGRAM = join(ROOT, 'dist', 'cli', 'main.js');

/** An empty folder, in which these packages can be imported. */
export class UserFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'roomkit-cli-'));
  readonly #programs: Program[] = [];

  constructor(packages: readonly string[] = ['roomkit', 'tsx']) {
    mkdirSync(join(this.path, 'node_modules'));
    for (const name of packages) symlinkSync(name === 'roomkit' ? ROOT : join(ROOT, 'node_modules', name), join(this.path, 'node_modules', name));
    this.write('package.json', '{ "type": "module" }');
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  roomkit(...args: string[]): Program {
    return this.#started(new Program([PROGRAM, ...args], this.path));
  }

  node(...args: string[]): Program {
    return this.#started(new Program(args, this.path));
  }

  async remove(): Promise<void> {
    for (const program of this.#programs) program.child.kill('SIGKILL');
    await Promise.all(this.#programs.map(({ ended }) => ended));
    rmSync(this.path, { recursive: true, force: true });
  }

  #started(program: Program): Program {
    this.#programs.push(program);
    return program;
  }
}

export class Program {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<number | null>;
  out = '';
  errors = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], cwd: string) {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there. Build first: node scripts/build.mjs`);
    const { PORT: _port, HOST: _host, ROOMKIT_LOG: _log, ...env } = process.env;
    this.child = spawn(process.execPath, [...args], { cwd, env: { ...env, NODE_NO_WARNINGS: '1' }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    this.child.stdout.on('data', (chunk: Buffer) => this.#hear(() => (this.out += chunk.toString())));
    this.child.stderr.on('data', (chunk: Buffer) => this.#hear(() => (this.errors += chunk.toString())));
  }

  /** Resolves once it has printed this, so often; rejects when it ends without. */
  async prints(pattern: RegExp, times = 1): Promise<RegExpMatchArray> {
    const all = new RegExp(pattern.source, 'g');
    const found = (): RegExpMatchArray | undefined => [...(this.out + this.errors).matchAll(all)][times - 1];
    const isOver = this.ended.then(() => true);
    for (;;) {
      const match = found();
      if (match !== undefined) return match;
      const heard = new Promise<false>((resolve) => this.#waiting.add(() => resolve(false)));
      if ((await Promise.race([heard, isOver])) && found() === undefined)
        throw new Error(`It ended and never printed ${String(pattern)} ${times} time(s):\n${this.out}${this.errors}`);
    }
  }

  /** Where it serves, the so-manieth time that it says so. */
  async address(times = 1): Promise<string> {
    return (await this.prints(/open {3}(http:\/\/[\d.]+:\d+)/, times))[1] ?? '';
  }

  #hear(add: () => void): void {
    add();
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A kit with a room 'lobby', a channel 'web' and an agent that says this. */
export const appSaying = (answer: string, more = ''): string => `
import { Agent, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import type { ConversationStore } from 'roomkit';
${more}
export default async ({ store }: { store: ConversationStore }) => {
  const kit = new RoomKit({ store });
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responses: [${answer}] }) }));
  await kit.ensureRoom({ roomId: 'lobby' });
  await kit.attachChannel('lobby', 'web');
  await kit.attachChannel('lobby', 'helper');
  return kit;
};`;

/** Says something in the lobby over HTTP and gives back all that was said there once the helper has answered. */
export async function ask(address: string, text: string): Promise<string[]> {
  const said = await fetch(`${address}/api/rooms/lobby/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channelId: 'web', senderId: 'ada', content: text, wait: 'cascade' }),
  });
  if (!said.ok) throw new Error(`${said.status}: ${await said.text()}`);
  return timeline(address);
}

export async function timeline(address: string): Promise<string[]> {
  const answer = await fetch(`${address}/api/rooms/lobby/events`);
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  const { events } = (await answer.json()) as { events: { type: string; content: { body?: string } }[] };
  return events.filter(({ type }) => type === 'message').map(({ content }) => content.body ?? '');
}
