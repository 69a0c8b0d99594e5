/** `roomkit new`: what it writes runs as it is. scripts/try-package.sh does the same with the packed package. Built by `npm test`. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, UserFolder } from './program.js';

let folder: UserFolder;
beforeEach(() => {
  folder = new UserFolder();
});
afterEach(() => folder.remove());

describe('roomkit new', { timeout: 30_000 }, () => {
  it('writes a project whose test holds and whose agent answers', async () => {
    const made = folder.roomkit('new', 'my-agent');
    expect(await made.ended, made.errors).toBe(0);
    expect(made.out).toBe('my-agent is written. Next:\n\n  cd my-agent\n  npm install\n  npm run dev\n\n');
    const project = join(folder.path, 'my-agent');
    const { scripts, dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    expect(dependencies.roomkit).toBe(`^${JSON.parse(readFileSync('package.json', 'utf8')).version}`);
    // npm leaves an optional one out on Node 20, so it has to be there plainly where Node has no SQLite of its own.
    expect('@photostructure/sqlite' in dependencies).toBe(!isBuiltin('node:sqlite'));
    expect(readFileSync(join(project, '.gitignore'), 'utf8')).toContain('.roomkit/');
    symlinkSync(join(folder.path, 'node_modules'), join(project, 'node_modules'));

    const test = folder.node('--import', 'tsx', '--test', 'my-agent/app.test.ts');
    expect(scripts.test).toBe('node --import tsx --test app.test.ts');
    expect(await test.ended, test.out).toBe(0);
    const started = folder.roomkit(...scripts.start.split(' ').slice(1, -1), 'my-agent/app.ts', '--port', '0');
    expect(await ask(await started.address(), 'Hi!')).toEqual(['Hi!', 'Hello! What can I do for you?']);
    expect(existsSync(join(project, '.roomkit', 'rooms.db'))).toBe(true);
  });

  it('leaves a folder that is not empty as it is', async () => {
    folder.write('taken/notes.txt', 'mine');
    const refused = folder.roomkit('new', 'taken');
    expect(await refused.ended).toBe(1);
    expect(refused.errors).toContain('is not empty: it holds notes.txt. Give a new folder');
    expect(existsSync(join(folder.path, 'taken', 'package.json'))).toBe(false);
  });

  it('refuses a name that no package can have, and a file in the place of the folder', async () => {
    const named = folder.roomkit('new', '(x)');
    expect(await named.ended).toBe(1);
    expect(named.errors).toContain(`'(x)' can be no package's name`);
    const file = folder.roomkit('new', 'package.json');
    expect(await file.ended).toBe(1);
    expect(file.errors).toMatch(/package\.json cannot be a folder \(EEXIST/);
  });
});
