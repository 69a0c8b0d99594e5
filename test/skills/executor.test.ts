/** Scripts as child processes: what they get, how they end, and that nothing of them is left. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChildProcessExecutor, RoomKit, ToolError, type ChildProcessOptions, type ScriptRequest, type ScriptResult } from 'roomkit';
import { TestClock } from 'roomkit/testing';
import { verifies } from '../requirements.js';
import { folderWith, makeExecutable } from './folders.js';

interface Run {
  readonly folder: string;
  readonly ended: Promise<ScriptResult>;
}

/** Runs a script of this name and text. */
function run(name: string, text: string, options: ChildProcessOptions = {}, fields: Partial<ScriptRequest> = {}, executable = false): Run {
  const folder = folderWith({ [`scripts/${name}`]: text });
  const path = join(folder, 'scripts', name);
  if (executable) makeExecutable(path);
  const signal = fields.signal ?? new AbortController().signal;
  const context = { roomId: 'room', channelId: 'a', turnId: 't', callId: 'c', signal, idempotencyKey: 'k', kit: new RoomKit() };
  const request: ScriptRequest = { skillName: 'sums', scriptName: name, path, folder, arguments: [], context, ...fields, signal };
  return { folder, ended: new ChildProcessExecutor(options).run(request) };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Until the script has written the file; bounded by the test's own limit. */
async function written(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

describe('a script as a child process', () => {
  it('gets its arguments as they are, the skill’s folder, and a closed stdin', async () => {
    verifies('SKL-05');
    const args = ['; rm -rf /', '$(id)', '`id`', '--flag', '', 'ä "quoted"', '*'];
    const text = `
      let stdin = '';
      for await (const chunk of process.stdin) stdin += chunk;
      console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), stdin }));
      console.error('careful');
      process.exit(3);`;
    const { folder, ended } = run('echo.mjs', text, {}, { arguments: args });
    const { stdout, ...rest } = await ended;
    expect(rest).toEqual({ exitCode: 3, stderr: 'careful\n' });
    expect(JSON.parse(stdout)).toEqual({ args, cwd: folder, stdin: '' });
  });

  it('sees no variable but those on the list', async () => {
    verifies('F60');
    process.env['ROOMKIT_TEST_SECRET'] = 'sk-secret';
    try {
      const text = 'console.log(JSON.stringify(process.env))';
      const { stdout } = await run('env.mjs', text, { variables: { STAGE: 'test' } }).ended;
      expect(stdout).not.toContain('sk-secret');
      expect(JSON.parse(stdout)).toMatchObject({ STAGE: 'test', PATH: process.env['PATH'] });
      const listed = await run('env.mjs', text, { environment: ['ROOMKIT_TEST_SECRET'] }).ended;
      expect(JSON.parse(listed.stdout)).toMatchObject({ ROOMKIT_TEST_SECRET: 'sk-secret' });
      expect(JSON.parse(listed.stdout)).not.toHaveProperty('PATH');
    } finally {
      delete process.env['ROOMKIT_TEST_SECRET'];
    }
  });

  it('is kept to so much output, and cut between characters', async () => {
    const { exitCode, stdout, stderr, truncated } = await run('much.mjs', `process.stdout.write('ä'.repeat(500_000)); process.stderr.write('few')`, {
      maxOutputBytes: 1001,
    }).ended;
    expect({ exitCode, stdout, stderr, truncated }).toEqual({ exitCode: 0, stdout: 'ä'.repeat(500), stderr: 'few', truncated: true });
  });

  it('that hangs is killed with all it started', async () => {
    const clock = new TestClock();
    const text = `
      import { spawn } from 'node:child_process';
      import { renameSync, writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      process.on('SIGTERM', () => {});
      writeFileSync('pids.part', JSON.stringify([process.pid, child.pid]));
      renameSync('pids.part', 'pids.json');
      console.log('begun');
      setInterval(() => {}, 1000);`;
    const { folder, ended } = run('hang.mjs', text, { timeoutSeconds: 5, clock });
    await written(join(folder, 'pids.json'));
    const pids = JSON.parse(readFileSync(join(folder, 'pids.json'), 'utf8')) as number[];
    expect(pids.every(isAlive)).toBe(true);
    await clock.advance(5001);
    expect(await ended).toMatchObject({ exitCode: null, timedOut: true });
    for (const pid of pids) await gone(pid);
  });

  it('ends with its call, and leaves nothing running that it started', async () => {
    const controller = new AbortController();
    const leaves = `
      import { spawn } from 'node:child_process';
      import { renameSync, writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      child.unref();
      writeFileSync('pid.part', String(child.pid));
      renameSync('pid.part', 'pid');`;
    const left = run('leave.mjs', leaves);
    expect((await left.ended).exitCode).toBe(0);
    await gone(Number(readFileSync(join(left.folder, 'pid'), 'utf8')));
    const aborted = run('wait.mjs', `${leaves}\nsetInterval(() => {}, 1000);`, {}, { signal: controller.signal });
    await written(join(aborted.folder, 'pid'));
    controller.abort(new Error('The turn is over.'));
    await expect(aborted.ended).rejects.toThrow('The turn is over.');
    await expect(run('late.mjs', '', {}, { signal: controller.signal }).ended).rejects.toThrow('The turn is over.');
  });

  it('says how to mend what cannot be started', async () => {
    const failing = async (started: Run, says: RegExp): Promise<void> => {
      await expect(started.ended).rejects.toThrow(ToolError);
      await expect(started.ended).rejects.toThrow(says);
    };
    await failing(run('plain', 'echo hi'), /Make it executable/);
    await failing(run('ghost.rb', '', { interpreters: { '.rb': ['roomkit-no-such-program'] } }), /needs the program 'roomkit-no-such-program'/);
    await failing(run('batch.cmd', '', {}), /without a shell/);
    expect(await run('own', '#!/bin/sh\necho "$1"', {}, { arguments: ['$HOME'] }, true).ended).toMatchObject({ exitCode: 0, stdout: '$HOME\n' });
    expect(() => new ChildProcessExecutor({ timeoutSeconds: 0 })).toThrow(/timeoutSeconds is 0/);
    expect(() => new ChildProcessExecutor({ maxOutputBytes: 1.5 })).toThrow(/maxOutputBytes/);
    expect(() => new ChildProcessExecutor({ timeout: 5 } as never)).toThrow(/Did you mean|There are/);
  });
});
