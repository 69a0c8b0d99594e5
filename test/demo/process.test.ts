/** The demo as a process: what it says, how it stops, and that the headless run tells the truth. Built by `npm test`. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { verifies } from '../requirements.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the demo as a process', () => {
  let folder = '';
  const running: Demo[] = [];
  const orphans: (() => void)[] = [];
  const start = (...args: string[]): Demo => {
    const demo = new Demo(args);
    running.push(demo);
    return demo;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'roomkit-process-'));
  });
  afterEach(async () => {
    for (const demo of running.splice(0)) demo.child.kill('SIGKILL');
    for (const kill of orphans.splice(0)) {
      try {
        kill();
      } catch {
        // It ended by itself, as it should.
      }
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('plays the headless customer and ends well', { timeout: 60_000 }, async () => {
    const demo = start('--headless', '--port', '0');
    expect(await demo.ended, demo.said).toBe(0);
    expect(demo.said).toMatch(/All \d+ checks held/);
    expect(demo.said).not.toContain('✗');
  });

  it('plays the headless customer on three processes over one database', { timeout: 180_000 }, async () => {
    verifies('OUT-15', 'WIRE-08', 'STO-16');
    const demo = start('--headless', '--port', '0', '--postgres', 'embedded', '--processes', '3');
    expect(await demo.ended, demo.said).toBe(0);
    expect(demo.said).toContain('PostgreSQL, 3 processes');
    expect(demo.said).toMatch(/All \d+ checks held/);
    expect(demo.said).not.toContain('✗');
  });

  it.runIf(process.platform === 'linux')(
    'starts a process again that has died, and lets all of them end one after another',
    { timeout: 180_000 },
    async () => {
      const demo = start('--port', '0', '--postgres', 'embedded', '--processes', '2');
      const address = await demo.address;
      const before = await workersOf(demo.child.pid ?? 0);
      expect(before).toHaveLength(2);
      process.kill(before[0] ?? 0, 'SIGKILL');
      await demo.says(() => demo.said.includes('has died (SIGKILL); another one takes its place'));
      while ((await workersOf(demo.child.pid ?? 0)).length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
      // Whichever is asked: both have the conversation, and take the tokens of both.
      const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await fetch(`${address}/api/rooms/help-desk`)).status));
      expect(new Set(statuses)).toEqual(new Set([200]));
      demo.child.kill('SIGTERM');
      expect(await demo.ended, demo.said).toBe(0);
      expect(await workersOf(demo.child.pid ?? 0)).toEqual([]);
    },
  );

  it('says how to mend what does not go together', { timeout: 60_000 }, async () => {
    const cases: [string[], string][] = [
      [['--processes', '3'], 'give them a database they share: --postgres URL'],
      [['--processes', 'many'], 'Give a whole number from 1 to 64'],
      [['--redis', 'redis://127.0.0.1:6379'], 'give --postgres URL, too'],
      [['--postgres', 'embedded', '--db', 'demo.db'], 'give --db or --postgres'],
      [['--postgres', 'here'], 'PostgreSQL needs a URL such as'],
    ];
    for (const [args, words] of cases) {
      const demo = start(...args);
      expect(await demo.ended, args.join(' ')).not.toBe(0);
      expect(demo.said, args.join(' ')).toContain(words);
    }
  });

  it('takes the next free port when its own is in use, and says so', { timeout: 30_000 }, async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port)));
    const demo = start('--db', join(folder, 'demo.db'), '--port', String(port));
    const address = await demo.address;
    expect(Number(new URL(address).port)).toBeGreaterThan(port);
    expect(demo.said).toContain(`Port ${port} is in use`);
    expect(demo.said).toMatch(/vendors Twilio .*SMTP and IMAP .*Telegram, all emulated on this machine/);
    blocker.close();
  });

  it('finishes on SIGTERM what it has accepted, and goes on with it after the next start', { timeout: 60_000 }, async () => {
    verifies('KIT-05');
    const file = join(folder, 'demo.db');
    const first = start('--db', file, '--port', '0');
    await sendAndWaitForCommit(await first.address, 'Hello!');
    first.child.kill('SIGTERM');
    expect(await first.ended, first.said).toBe(0);
    const second = start('--db', file, '--port', '0');
    const events = await timelineOf(await second.address);
    expect(events.map(({ index }) => index)).toEqual(events.map((_, position) => position));
    expect(events.slice(-2).map(({ source }) => source.channelId)).toEqual(['web', 'mia']);
  });

  it(
    'loses nothing that it acknowledged when it is ended amid many messages, and doubles nothing that comes again',
    { timeout: 60_000 },
    async () => {
      verifies('KIT-05', 'WIRE-07', 'WIRE-08', 'WIRE-13');
      const file = join(folder, 'demo.db');
      const first = start('--db', file, '--port', '0');
      const words = Array.from({ length: 9 }, (_, n) => `Where is order 20817, and this is message ${n}?`);
      const before = await Customer.say(await first.address, words, (acknowledged) => acknowledged === 3 && first.child.kill('SIGTERM'));
      expect(await first.ended, first.said).toBe(0);
      expect(before.close).toBe(1012);
      expect(before.frames.at(-1)).toMatchObject({ type: 'goodbye', reason: 'closing' });
      expect(before.acknowledged.size).toBeGreaterThanOrEqual(3);
      const second = start('--db', file, '--port', '0');
      const address = await second.address;
      const said = async (channelId: string): Promise<TimelineEvent[]> =>
        (await timelineOf(address)).filter(({ type, source }) => type === 'message' && source.channelId === channelId);
      const saidBy = async (channelId: string): Promise<(string | undefined)[]> => (await said(channelId)).map(({ content }) => content.body);
      const answered = async (): Promise<unknown[]> =>
        (await said('mia')).flatMap<string | undefined>(({ metadata, parentEventId }) => metadata.answers ?? [parentEventId]);
      const kept = await saidBy('web');
      for (const n of before.acknowledged) expect(kept).toContain(words[n]);
      const after = await Customer.say(address, words, (acknowledged) => acknowledged === words.length && 'leave');
      expect(after.acknowledged.size).toBe(words.length);
      expect((await saidBy('web')).sort()).toEqual([...words].sort());
      // What waited for its agent is answered together; each message once.
      for (let heard = second.said.length; (await answered()).length < words.length; heard = second.said.length) {
        const before = heard;
        await second.says(() => second.said.length > before);
      }
      const events = await timelineOf(address);
      expect(events.map(({ index }) => index)).toEqual(events.map((_, position) => position));
      expect((await answered()).sort()).toEqual((await said('web')).map(({ id }) => id).sort());
    },
  );

  it('answers after a kill what it had accepted before, once', { timeout: 60_000 }, async () => {
    verifies('TURN-03');
    const file = join(folder, 'demo.db');
    const first = start('--db', file, '--port', '0');
    await sendAndWaitForCommit(await first.address, 'Hello!');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start('--db', file, '--port', '0');
    await second.says(() => second.said.includes('Hello, I am Mia'));
    second.child.kill('SIGTERM');
    expect(await second.ended, second.said).toBe(0);
    const third = start('--db', file, '--port', '0');
    const events = await timelineOf(await third.address);
    expect(events.map(({ index }) => index)).toEqual(events.map((_, position) => position));
    expect(events.filter(({ type }) => type === 'message').map(({ source }) => source.channelId)).toEqual(['web', 'mia']);
  });

  it('ends in good order when npm, which runs it in a shell, is ended', { timeout: 60_000 }, async () => {
    verifies('KIT-05');
    const file = join(folder, 'demo.db');
    const shell = spawn('/bin/sh', ['-c', `"${process.execPath}" build/demo/main.js --db "${file}" --port 0; true`], {
      cwd: ROOT,
      env: { ...process.env, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    orphans.push(() => process.kill(-(shell.pid ?? 0), 'SIGKILL'));
    const demo = new Demo([], shell);
    running.push(demo);
    const address = await demo.address;
    shell.kill('SIGTERM');
    await new Promise((resolve) => shell.stdout.once('end', resolve)); // the demo itself has ended: nobody else writes there
    expect(demo.said).toContain('Finishing what is under way');
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  });

  it('says what is wrong with what it is told', { timeout: 30_000 }, async () => {
    for (const [args, says] of [
      [['--port', 'eighty'], "Port 'eighty' is none"],
      [['--colour'], "Unknown option '--colour'"],
      [['fast'], "Unexpected argument 'fast'"],
    ] as const) {
      const demo = start(...args);
      expect(await demo.ended).toBe(2);
      expect(demo.said).toContain(says);
      expect(demo.said).toContain('npm start -- --port NUMBER');
    }
  });

  it('says in one sentence why it cannot start, and how to mend it', { timeout: 60_000 }, async () => {
    const text = join(folder, 'text.db');
    await writeFile(text, 'This is a letter to my mother, and no database at all.');
    const first = start('--db', join(folder, 'used.db'), '--port', '0');
    await first.address;
    for (const [file, says] of [
      [text, `The file '${text}' is not a database`],
      [folder, `The database '${folder}' cannot be opened`],
      [join(text, 'demo.db'), `The folder '${text}' for the conversation cannot be made`],
      [join(folder, 'no', 'such', 'demo.db'), `The folder '${join(folder, 'no', 'such')}' for the conversation cannot be made`],
      [first.file, 'in use by another process'],
    ] as const) {
      const demo = start('--db', file, '--port', '0');
      expect(await demo.ended, demo.said).toBe(1);
      expect(demo.said).toContain(`The help desk cannot start. `);
      expect(demo.said).toContain(says);
      expect(demo.said.trim().split('\n')).toHaveLength(1);
    }
    expect(await readFile(text, 'utf8')).toContain('my mother'); // what was there is as it was
  });

  it('serves its page and Studio, to anybody on this machine, and nothing beside them', { timeout: 30_000 }, async () => {
    const address = await start('--db', join(folder, 'demo.db'), '--port', '0').address;
    const page = await fetch(address);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    for (const path of ['/app.js', '/style.css', '/studio/', '/api/rooms/help-desk']) expect((await fetch(address + path)).status, path).toBe(200);
    for (const path of ['/package.json', '/../main.js', '/main.js', '/%2e%2e/help-desk.js', '/cast.js', '/app.ts'])
      expect((await fetch(address + path)).status, path).toBe(404);
    // The page's program is one file: it imports nothing that is not there.
    expect((await (await fetch(`${address}/app.js`)).text()).match(/^(import|export .* from)\b.*/m)).toBeNull();
  });
});

/** Whoever runs the tests may have keys: the demo follows its scripts all the same. */
const WITHOUT_MODEL: NodeJS.ProcessEnv = { ...process.env, ANTHROPIC_API_KEY: '', OPENAI_API_KEY: '', GEMINI_API_KEY: '', ROOMKIT_VLLM_URL: '' };

interface TimelineEvent {
  readonly id: string;
  readonly parentEventId?: string;
  readonly metadata: { readonly answers?: readonly string[] };
  readonly index: number;
  readonly type: string;
  readonly source: { readonly channelId: string };
  readonly content: { readonly body?: string };
}

async function timelineOf(address: string): Promise<TimelineEvent[]> {
  const response = await fetch(`${address}/api/rooms/help-desk/events?limit=500`);
  return ((await response.json()) as { events: TimelineEvent[] }).events;
}

/** The processes that serve, started by this one. */
async function workersOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const all = children.split(' ').filter((child) => child !== '');
  const commands = await Promise.all(all.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')));
  return all.filter((_, at) => commands[at]?.includes('worker.js')).map(Number);
}

class Demo {
  readonly ended: Promise<number | null>;
  readonly address: Promise<string>;
  readonly file: string;
  readonly #looking = new Set<() => void>();
  said = '';

  constructor(
    args: readonly string[],
    readonly child: ChildProcessByStdio<null, Readable, Readable> = spawn(process.execPath, ['build/demo/main.js', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: WITHOUT_MODEL,
    }),
  ) {
    this.file = args[1] ?? '';
    this.ended = new Promise((resolve) => this.child.on('exit', resolve));
    this.address = new Promise((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.said += chunk.toString();
        const found = /open\s+(http:\/\/\S+)/.exec(this.said)?.[1];
        if (found !== undefined) resolve(found);
        for (const look of [...this.#looking]) look();
      };
      this.child.stdout.on('data', hear);
      this.child.stderr.on('data', hear);
      void this.ended.then((code) => reject(new Error(`The demo ended with ${code}:\n${this.said}`)));
    });
    this.address.catch(() => undefined); // not every test asks for it
  }

  /** Resolves once what it has said so far is enough. */
  says(isEnough: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isEnough()) return;
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      void this.ended.then((code) => reject(new Error(`The demo ended with ${code}:\n${this.said}`)));
      look();
    });
  }
}

/** Says many things at once, each under its own id, until told to leave or the line ends. */
class Customer {
  readonly acknowledged = new Set<number>();
  readonly frames: { readonly type: string; readonly id?: string }[] = [];
  close = 0;

  static async say(address: string, words: readonly string[], after: (acknowledged: number) => unknown): Promise<Customer> {
    const customer = new Customer();
    const token = await tokenFor(address);
    const socket = new WebSocket(`${address.replace('http', 'ws')}/ws`, 'roomkit.v1');
    const send = (frame: object): void => socket.send(JSON.stringify(frame));
    socket.on('open', () => send({ type: 'hello', version: 1, token }));
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as { type: string; id?: string; blocked?: boolean };
      customer.frames.push(frame);
      if (frame.type === 'welcome')
        words.forEach((body, n) => send({ type: 'send', id: `m${n}`, roomId: 'help-desk', content: { type: 'text', body } }));
      if (frame.type !== 'ack' || frame.blocked === true) return;
      customer.acknowledged.add(Number(frame.id?.slice(1)));
      if (after(customer.acknowledged.size) === 'leave') socket.close();
    });
    customer.close = await new Promise<number>((resolve, reject) => {
      socket.on('close', resolve);
      socket.on('error', reject);
    });
    return customer;
  }
}

async function tokenFor(address: string): Promise<string> {
  const answer = await fetch(`${address}/api/client-tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rooms: ['help-desk'], channelId: 'web', participantId: 'ada' }),
  });
  return ((await answer.json()) as { token: string }).token;
}

/** A customer who leaves as soon as the message is acknowledged. */
async function sendAndWaitForCommit(address: string, body: string): Promise<void> {
  const token = await tokenFor(address);
  const socket = new WebSocket(`${address.replace('http', 'ws')}/ws`, 'roomkit.v1');
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', version: 1, token })));
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string };
      if (type === 'welcome') socket.send(JSON.stringify({ type: 'send', id: 'one', roomId: 'help-desk', content: { type: 'text', body } }));
      if (type === 'ack') resolve();
    });
  });
  socket.close();
}
