/** What is given for running a kit: image, compose file and systemd unit, as far as they can be tried without docker. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApiKey } from 'roomkit/server';
import { parse } from 'yaml';
import { afterEach, describe, expect, it } from 'vitest';
import { UserFolder } from '../cli/program.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const START = 'node_modules/roomkit/dist/cli/main.js start app.js';

/** Instruction and what follows it, stage by stage; comments and continued lines are put right. */
function stagesOf(text: string): (readonly [instruction: string, rest: string])[][] {
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  const stages: (readonly [string, string])[][] = [];
  for (const line of lines) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, instruction = '', rest = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    expect(INSTRUCTIONS, line).toContain(instruction);
    if (instruction === 'FROM') stages.push([]);
    stages.at(-1)?.push([instruction, rest]);
  }
  return stages;
}
const INSTRUCTIONS = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK', 'CMD'];

describe('the Dockerfile', () => {
  const stages = stagesOf(read('Dockerfile'));
  const last = new Map(stages.at(-1));

  it('builds in stages, and runs the program itself, as nobody in particular', () => {
    expect(stages.length).toBeGreaterThan(1);
    expect(last.get('USER')).toBe('node');
    expect(last.get('STOPSIGNAL')).toBe('SIGTERM');
    expect(JSON.parse(last.get('CMD') ?? '')).toEqual(['node', ...START.split(' ')]);
    const check = /CMD (\[.*\])$/.exec(last.get('HEALTHCHECK') ?? '')?.[1] ?? '[]';
    expect(JSON.parse(check)).toEqual(['node', 'healthcheck.js']);
    expect(Number(/^node:(\d+)/.exec(last.get('FROM') ?? '')?.[1])).toBeGreaterThanOrEqual(20);
  });

  it('copies what is there, and names stages that are', () => {
    const names = stages.flatMap(([from]) => / AS (\w+)$/.exec(from?.[1] ?? '')?.[1] ?? []);
    for (const [instruction, rest] of stages.flat()) {
      if (instruction !== 'COPY') continue;
      const from = /--from=(\w+)/.exec(rest)?.[1];
      if (from !== undefined) expect(names).toContain(from);
      else for (const path of rest.split(' ').slice(0, -1)) expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
    const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;
    expect(scripts['build']).toMatch(/scripts\/build\.mjs/);
    expect(read('.dockerignore')).toMatch(/^node_modules$/m);
  });

  it('asks for packages in versions that RoomKit takes', () => {
    const own = JSON.parse(read('package.json')) as { peerDependencies: Record<string, string> };
    const { dependencies } = JSON.parse(read('deploy/package.json')) as { dependencies: Record<string, string> };
    for (const [name, range] of Object.entries(dependencies))
      if (name !== 'roomkit') expect(own.peerDependencies[name]?.split(' || '), name).toContain(range);
  });
});

describe('the compose file', () => {
  interface Service {
    readonly environment?: Record<string, string>;
    readonly build?: { context: string; dockerfile: string };
    readonly depends_on?: Record<string, { condition: string }>;
    readonly healthcheck?: { test: string[] };
    readonly stop_grace_period?: string;
    readonly volumes?: string[];
    readonly profiles?: string[];
  }
  const compose = parse(read('deploy/compose.yaml')) as { services: Record<string, Service>; volumes: Record<string, unknown> };

  it('parses, and names what is there', () => {
    const { roomkit, postgres: database, redis } = compose.services;
    expect(existsSync(join(ROOT, 'deploy', roomkit?.build?.context ?? '', roomkit?.build?.dockerfile ?? ''))).toBe(true);
    for (const [name, { condition }] of Object.entries(roomkit?.depends_on ?? {})) {
      expect(condition).toBe('service_healthy');
      expect(compose.services[name]?.healthcheck, name).toHaveProperty('test');
    }
    for (const volume of database?.volumes ?? []) expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
    expect(redis?.profiles).toEqual(['redis']);
    expect(Number(/^(\d+)s$/.exec(roomkit?.stop_grace_period ?? '')?.[1])).toBeGreaterThanOrEqual(20);
  });

  it('gives the program what it reads, and no password of its own', () => {
    const app = read('deploy/app.js');
    const environment = compose.services['roomkit']?.environment ?? {};
    for (const [, names = ''] of app.matchAll(/const \{ ([^}]+) \} = process\.env/g))
      for (const name of names.split(', ')) expect(environment, name).toHaveProperty(name);
    expect(environment['DATABASE_URL']).toContain('${POSTGRES_PASSWORD:?');
    expect(read('deploy/compose.yaml')).not.toMatch(/PASSWORD: \w/);
  });
});

describe('the systemd unit', () => {
  const unit = read('deploy/roomkit.service');

  it('starts the program, ends it by SIGTERM and waits for it', () => {
    const value = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
    expect(value('ExecStart')).toBe(`/usr/bin/node ${START}`);
    expect(value('KillSignal')).toBe('SIGTERM');
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThanOrEqual(20);
    for (const key of ['NoNewPrivileges', 'ProtectSystem', 'PrivateTmp', 'RestrictAddressFamilies', 'SystemCallFilter'])
      expect(value(key), key).toMatch(/\S/);
    // Node compiles while it runs.
    expect(value('MemoryDenyWriteExecute')).toBeUndefined();
  });

  it.skipIf(spawnSync('systemd-analyze', ['--version']).error !== undefined)('is one that systemd understands', () => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(ROOT, 'deploy', 'roomkit.service')], { encoding: 'utf8' });
    const ofOurs = stderr.split('\n').filter((line) => line.includes('roomkit.service') && !/is not executable|Command .* not found/.test(line));
    expect(ofOurs).toEqual([]);
  });
});

describe('the program of all three', { timeout: 60_000 }, () => {
  const server = postgres();
  let folder: UserFolder | undefined;
  afterEach(() => folder?.remove());

  it('runs over PostgreSQL, tells programs with a key how it is doing, and ends with 0 at SIGTERM', async () => {
    verifies('OPS-08', 'OPS-04', 'AUTH-07');
    folder = new UserFolder(['roomkit', 'pg']);
    mkdirSync(folder.path, { recursive: true });
    for (const name of ['app.js', 'healthcheck.js']) copyFileSync(join(ROOT, 'deploy', name), join(folder.path, name));
    const { key, hash } = await createApiKey('operator');
    const given = { DATABASE_URL: server.url, ROOMKIT_API_KEY_HASH: hash };
    Object.assign(process.env, given);
    const started = folder.roomkit('start', 'app.js', '--port', '0', '--host', '0.0.0.0');
    for (const name of Object.keys(given)) Reflect.deleteProperty(process.env, name);
    const address = await started.address();
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    const authorization = `Bearer ${key}`;
    expect((await fetch(`${address}/api/kit`)).status).toBe(401);
    const kit = (await (await fetch(`${address}/api/kit`, { headers: { authorization } })).json()) as { store: object };
    expect(kit.store).toMatchObject({ name: 'postgres', shared: true });
    expect(await (await fetch(`${address}/metrics`, { headers: { authorization } })).text()).toContain('roomkit_store_up 1\n');
    const check = (port: string): number | null =>
      spawnSync(process.execPath, ['healthcheck.js'], { cwd: folder?.path, env: { ...process.env, PORT: port } }).status;
    expect(check(new URL(address).port)).toBe(0);
    started.child.kill('SIGTERM');
    expect(await started.ended, started.errors).toBe(0);
    expect(check(new URL(address).port)).toBe(1);
  });
});
