/** `roomkit dev` and `roomkit start`, as processes with files of a user. Built by `npm test`. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { PROGRAM, appSaying, ask, timeline, UserFolder } from './program.js';

let folder: UserFolder;
beforeEach(() => {
  folder = new UserFolder();
});
afterEach(() => folder.remove());

describe('roomkit dev', { timeout: 20_000 }, () => {
  it('serves a TypeScript file with Studio, starts again when it or what it imports changes, and keeps the rooms', async () => {
    folder.write('app.ts', appSaying(`greeting + '!'`, `import { greeting } from './words/greeting.ts';`));
    folder.write('words/greeting.ts', `export const greeting: string = 'Hello';`);
    folder.write('words/unused.ts', '');
    const dev = folder.roomkit('dev', 'app.ts');
    const first = await dev.address();
    expect(await (await fetch(`${first}/studio/`)).text()).toContain('<title>');
    expect(await ask(first, 'one')).toEqual(['one', 'Hello!']);

    folder.write('words/unused.ts', '// nobody imports it');
    folder.write('words/greeting.ts', `export const greeting: string = 'Howdy';`);
    const second = await dev.address(2);
    expect(second).toBe(first);
    expect(await ask(second, 'two')).toEqual(['one', 'Hello!', 'two', 'Howdy!']);
    expect(dev.out).toContain('words/greeting.ts changed; starting again.');
    expect(dev.out).not.toContain('unused');

    folder.write('app.ts', appSaying(`'Good day.'`));
    expect(await ask(await dev.address(3), 'three')).toContain('Good day.');
    dev.child.kill('SIGTERM');
    expect(await dev.ended, dev.errors).toBe(0);
    expect(dev.errors).toBe('');
    expect(readFileSync(join(folder.path, '.roomkit', '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('shows what is wrong without a stack, and waits for the change that mends it', async () => {
    folder.write('app.ts', appSaying(`'Hello!'`).replace('new RoomKit(', 'new RoomKit(('));
    const dev = folder.roomkit('dev', 'app.ts');
    await dev.prints(/Waiting for a change/);
    expect(dev.errors).toMatch(/app\.ts:\d+/);
    folder.write('app.ts', appSaying('missing()', `import { missing } from './missing.ts';`));
    await dev.prints(/Waiting for a change/, 2);
    expect(dev.errors).toContain('app.ts imports missing.ts, and there is no such file.');
    folder.write('missing.ts', `export const missing = (): string => 'Here I am.';`);
    expect(await ask(await dev.address(), 'hi')).toEqual(['hi', 'Here I am.']);
    expect(dev.errors).not.toMatch(/^ {4}at /m);
  });

  it('takes the next free port when the usual one is in use', async () => {
    const blocker = createServer();
    const isOurs = await new Promise<boolean>((resolve) =>
      blocker.once('error', () => resolve(false)).listen(4170, '127.0.0.1', () => resolve(true)),
    );
    folder.write('app.ts', appSaying(`'Hello!'`));
    const dev = folder.roomkit('dev', 'app.ts');
    expect(Number(new URL(await dev.address()).port)).toBeGreaterThan(4170);
    expect(dev.out).toContain('Port 4170 is in use');
    dev.child.kill('SIGTERM');
    await dev.ended;
    if (isOurs) blocker.close();
  });

  it('takes no other port in the place of one that was asked for', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const port = String((blocker.address() as { port: number }).port);
    folder.write('app.ts', appSaying(`'Hello!'`));
    await folder.roomkit('dev', 'app.ts', '--port', port).prints(new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is in use`));
    blocker.close();
  });
});

describe('roomkit start', { timeout: 20_000 }, () => {
  it('serves without Studio and finishes on SIGTERM what is under way', async () => {
    verifies('KIT-05');
    const slow = `const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));`;
    const app = appSaying(`'Hello!'`, slow).replace(
      '  return kit;',
      `  kit.hook('before_broadcast', async () => { console.log('it hears'); await wait(); return HookResult.allow(); });\n  return kit;`,
    );
    folder.write('app.ts', app.replace('import { Agent', 'import { HookResult, Agent'));
    const started = folder.roomkit('start', 'app.ts', '--port', '0');
    const address = await started.address();
    expect((await fetch(`${address}/studio/`)).status).toBe(404);
    const asked = ask(address, 'one').catch(() => undefined); // the server may be gone before the timeline is read
    await started.prints(/it hears/);
    started.child.kill('SIGTERM');
    expect(await started.ended, started.errors).toBe(0);
    await asked;

    folder.write('app.ts', appSaying(`'Hello!'`));
    const again = folder.roomkit('start', 'app.ts', '--port', '0');
    expect(await timeline(await again.address())).toEqual(['one', 'Hello!']);
  });

  it('says at once that it is not ready, and takes what still comes for as long as it is told to', async () => {
    verifies('OPS-08', 'OPS-05');
    folder.write('app.ts', appSaying(`'Hello!'`));
    process.env['ROOMKIT_SHUTDOWN_DELAY_SECONDS'] = '2';
    const started = folder.roomkit('start', 'app.ts', '--port', '0');
    process.env['ROOMKIT_SHUTDOWN_DELAY_SECONDS'] = 'soon';
    const wrong = folder.roomkit('start', 'app.ts', '--port', '0');
    delete process.env['ROOMKIT_SHUTDOWN_DELAY_SECONDS'];
    expect(await wrong.ended).toBe(1);
    expect(wrong.errors).toContain("ROOMKIT_SHUTDOWN_DELAY_SECONDS is 'soon'.");
    const address = await started.address();
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    started.child.kill('SIGTERM');
    await started.prints(/Finishing/);
    expect((await fetch(`${address}/readyz`)).status).toBe(503);
    expect(await ask(address, 'late')).toEqual(['late', 'Hello!']);
    expect(await started.ended, started.errors).toBe(0);
  });

  it('takes a kit that is exported ready, by either name, and its server options', async () => {
    folder.write('app.js', `import { RoomKit } from 'roomkit';\nexport const kit = new RoomKit();\nexport const server = { port: 0, studio: true };`);
    const started = folder.roomkit('start', 'app.js');
    expect((await fetch(`${await started.address()}/studio/`)).status).toBe(200);
    expect(started.out).toContain('in memory; they end with this process');
  });

  it.each([
    ['no export', 'app.js', 'export const other = 1;', 'app.js exports no kit, only other. Write'],
    ['an export that is no kit', 'app.js', 'export default { rooms: [] };', 'What app.js exports as its kit is none'],
    ['a function that returns none', 'app.js', 'export default () => {};', 'The function that app.js exports returned no kit'],
    ['a syntax error', 'app.js', 'let fine = 1;\nlet = ;', 'app.js:2\nlet = ;'],
    ['a syntax error in what it imports', 'app.js', `import './inner.js';`, 'A syntax error. inner.js:1'],
    [
      'a package that is not there',
      'app.js',
      `import 'left-over';`,
      `app.js imports 'left-over', which is not installed. Run 'npm install left-over'.`,
    ],
    ['an error of its own', 'app.js', '\nnull.x;', "TypeError: Cannot read properties of null (reading 'x')\n  at app.js:2:6"],
    [
      'a mistake in the use of the kit',
      'app.js',
      `import { RoomKit } from 'roomkit';\nconst kit = new RoomKit();\nawait kit.getRoom('none');\nexport { kit };`,
      'app.js:3',
    ],
    [
      'a host that others reach',
      'app.js',
      `import { RoomKit } from 'roomkit';\nexport const kit = new RoomKit();\nexport const server = { host: '0.0.0.0' };`,
      'nothing says who may use it',
    ],
    ['another file', 'other.js', '', 'There is no file'],
  ])('says in few words what is wrong: %s', async (_, name, text, sentence) => {
    folder.write(name, text);
    folder.write('inner.js', '}');
    const started = folder.roomkit('start', 'app.js', '--port', '0');
    expect(await started.ended).toBe(1);
    expect(started.errors).toContain(sentence);
    expect(started.errors).not.toMatch(/^ {4}at |node:internal/m);
    expect(started.out).toBe('');
  });

  it('names tsx where neither Node nor the folder reads TypeScript', async () => {
    const bare = new UserFolder(['roomkit']);
    bare.write('app.ts', appSaying(`'Hello!'`));
    // A Node that could is told not to.
    const plain = 'typescript' in process.features ? ['--no-experimental-strip-types'] : [];
    const started = bare.node(...plain, PROGRAM, 'start', 'app.ts');
    expect(await started.ended).toBe(1);
    expect(started.errors).toMatch(/does not read TypeScript.*npm install -D tsx/);
    await bare.remove();
  });
});

describe('roomkit', () => {
  it.each([
    [['--help'], 0, 'roomkit dev FILE'],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
    [['serve'], 2, `'serve' is no command. There are dev, start, new`],
    [[], 2, 'roomkit new FOLDER'],
    [['dev'], 2, 'roomkit dev app.ts'],
    [['start', 'a.ts', 'b.ts'], 2, `'b.ts' is too much`],
    [['start', 'a.ts', '--port', 'x'], 2, `--port is 'x'. Give a whole number`],
    [['start', 'a.ts', '--prot', '1'], 2, `Unknown option '--prot'. 'roomkit --help'`],
  ])('%j ends with %i and says what there is', async (args, code, said) => {
    const program = folder.roomkit(...args);
    expect(await program.ended).toBe(code);
    const [where, silent] = code === 0 ? [program.out, program.errors] : [program.errors, program.out];
    expect(where).toMatch(said instanceof RegExp ? said : new RegExp(said.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
    expect(silent).toBe('');
  });
});
