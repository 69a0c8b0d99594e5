/** What the package offers: its subpaths, and what importing it costs nobody. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import config from '../vitest.config.js';
import * as roomkit from '../src/index.js';
import { publicApi } from './support/public-api.js';
import { hiddenTypes, isDocumented, placeOf, silentMethods, silentOptions } from './support/public-declarations.js';
import { verifies } from './requirements.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Folders of src with a subpath of their own; each vendor's folder has one too. */
const PUBLIC_FOLDERS = ['server', 'testing', 'voice', 'emulators', 'client'];

interface Target {
  readonly types: string;
  readonly default: string;
}
interface Manifest {
  readonly exports: Readonly<Record<string, Target | string>>;
  readonly files: readonly string[];
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const subpaths = Object.entries(manifest.exports).filter((entry): entry is [string, Target] => typeof entry[1] === 'object');
const importable = (path: string): string => `roomkit${path.slice(1)}`;

/** Subpath → the folder of src that stands behind it. */
function folders(): Map<string, string> {
  const found = new Map([['.', 'src']]);
  const add = (subpath: string, folder: string): void => {
    if (existsSync(join(ROOT, folder, 'index.ts'))) found.set(subpath, folder);
  };
  for (const folder of PUBLIC_FOLDERS) add(`./${folder}`, `src/${folder}`);
  add('./react', 'src/client/react');
  add('./sources', 'src/providers/sources');
  for (const vendor of readdirSync(join(ROOT, 'src/providers'))) if (!vendor.startsWith('_')) add(`./${vendor}`, `src/providers/${vendor}`);
  return found;
}

describe('the exports of package.json', () => {
  it('name every public folder, and nothing that is not there', () => {
    expect(subpaths.map(([subpath]) => subpath).sort()).toEqual([...folders().keys()].sort());
    expect(manifest.exports['./package.json']).toBe('./package.json');
  });

  it('point to the compiled folder, its types first', () => {
    for (const [subpath, target] of subpaths) {
      const compiled = `./dist${(folders().get(subpath) ?? '').slice('src'.length)}/index`;
      expect(Object.entries(target), subpath).toEqual([
        ['types', `${compiled}.d.ts`],
        ['default', `${compiled}.js`],
      ]);
    }
  });

  it('mean the same to the compiler and the tests', () => {
    const { config: tsconfig } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
      config: { compilerOptions: { paths: Record<string, string[]> } };
    };
    const expected = Object.fromEntries([...folders()].map(([subpath, folder]) => [importable(subpath), [`./${folder}/index.ts`]]));
    expect(tsconfig.compilerOptions.paths).toEqual(expected);

    const { alias } = (config as { resolve: { alias: { find: RegExp; replacement: string }[] } }).resolve;
    const aliased = (name: string): string | undefined => alias.find(({ find }) => find.test(name))?.replacement.slice(ROOT.length);
    expect(alias).toHaveLength(folders().size);
    for (const [subpath, folder] of folders()) expect(aliased(importable(subpath)), subpath).toBe(`${folder}/index.ts`);
  });

  it('are what the API reference is made of', () => {
    const reference = JSON.parse(readFileSync(join(ROOT, 'typedoc.json'), 'utf8')) as { entryPoints: string[] };
    expect(reference.entryPoints.toSorted()).toEqual([...folders().values()].map((folder) => `${folder}/index.ts`).sort());
    // Its pages bear the names that people import.
    for (const [subpath, folder] of folders())
      expect(readFileSync(join(ROOT, folder, 'index.ts'), 'utf8')).toContain(`* @module ${importable(subpath)}\n`);
  });

  it('come with what the package promises to bring', () => {
    for (const file of ['dist', 'AGENTS.md', 'llms.txt', 'CHANGELOG.md']) expect(manifest.files).toContain(file);
    for (const file of [...manifest.files, 'README.md', 'LICENSE'])
      expect(existsSync(join(ROOT, file)), `${file} is listed in package.json and missing`).toBe(true);
  });
});

describe("import 'roomkit'", () => {
  it.each(['roomkit', 'roomkit/testing', 'roomkit/sqlite', 'roomkit/client', 'roomkit/baileys'])('%s loads no npm package', (name) => {
    const { packages, files } = loadedBy(name);
    expect(packages, `${name} loads packages before anything is used: load them by import() where they are needed`).toEqual([]);
    expect(files).toBeGreaterThan(0);
  });

  it('roomkit/react loads react alone', () => {
    expect(loadedBy('roomkit/react').packages).toEqual(['react']);
  });

  it('is seen to load packages where it does', () => {
    expect(loadedBy('roomkit/server').packages).toContain('hono');
  });
});

describe('what the subpaths export', () => {
  it('says of every name what it is for', { timeout: 60_000 }, () => {
    const { symbols } = publicApi();
    expect(symbols.size).toBeGreaterThan(400);
    expect([...symbols].filter((symbol) => !isDocumented(symbol)).map(placeOf), 'write above these what they are for').toEqual([]);
    expect(silentMethods(publicApi()), 'write above these methods what they do').toEqual([]);
    expect(silentOptions(publicApi()), 'write above these options what they do and what holds without them').toEqual([]);
  });

  it('is all that a reader of its types needs to name', () => {
    /** Pieces that types are made of; who reads them by their names here has what they need. */
    const pieces = {
      Gate: 'HookPayload and HookReturn read the table of hooks',
      LenientGate: 'HookPayload and HookReturn read the table of hooks',
      IdentityGate: 'HookPayload and HookReturn read the table of hooks',
      Notice: 'HookPayload and HookReturn read the table of hooks',
      ValueOf: 'ArgumentsOf gives the type of a schema',
      PassThrough: 'a FaultStore is a ConversationStore',
      AnyStep: 'StoreMethod and LockStep are the steps there are',
      ChatBackend: 'what an emulator hands to the chats it makes',
      TelegramApi: 'what a bot and its polling share',
    };
    const hidden = hiddenTypes(publicApi());
    const missing = [...hidden].filter(([type]) => !(type in pieces)).map(([type, users]) => `${type}, named by ${[...users].join(', ')}`);
    expect(missing, 'export these types, or say in `pieces` why nobody needs their names').toEqual([]);
    expect([...hidden.keys()].sort()).toEqual(Object.keys(pieces).sort());
  });

  it('would be found wanting: a public type that is kept back, a name without a word', () => {
    const { program, checker, subpaths, symbols } = publicApi();
    const event = subpaths.get('roomkit')?.get('RoomEvent');
    const without = new Set([...symbols].filter((symbol) => symbol !== event));
    expect(hiddenTypes({ program, checker, subpaths, symbols: without }).get('RoomEvent')?.size).toBeGreaterThan(20);
    const gate = hiddenTypes(publicApi()).get('Gate');
    expect(gate).toEqual(new Set(['HookTable']));
    const [member] = [...symbols].filter(({ name }) => name === 'Room').flatMap((room) => [...(room.members?.values() ?? [])]);
    expect(member?.name).toBe('id');
    expect(member !== undefined && isDocumented(member)).toBe(false);
  });

  it('is typed for strict readers, without the types of Node', { timeout: 120_000 }, () => {
    if (!existsSync(join(ROOT, 'dist', 'index.d.ts'))) throw new Error("There is no dist. Run 'npm run build' first; 'npm test' does so by itself.");
    const file = join(ROOT, 'build', 'strict-reader.ts');
    const text = `import { HookResult, RoomKit } from 'roomkit';
      import { TestClock } from 'roomkit/testing';
      import { SqliteStore } from 'roomkit/sqlite';
      import { RoomKitClient, textOf, type PendingSend } from 'roomkit/client';
      const kit = new RoomKit({ clock: new TestClock(), store: await SqliteStore.open(':memory:') });
      kit.hook('before_broadcast', (event) => HookResult.modify({ ...event, visibility: 'none' }));
      kit.onCommitted((event, room) => [event.index, room.latestIndex]);
      const client = new RoomKitClient({ url: 'http://127.0.0.1', token: 'x', WebSocket, fetch, storage: sessionStorage, wakeEvents: window });
      export const waiting: readonly PendingSend[] = client.room('r').outbox;
      export const said: string[] = client.room('r').messages.map(textOf);
      export const turn: string | undefined = kit.currentTurn()?.turnId;`;
    const options: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: [],
    };
    const host = ts.createCompilerHost(options);
    const readSource = host.getSourceFile.bind(host);
    host.getSourceFile = (path, language) => (path === file ? ts.createSourceFile(path, text, language, true) : readSource(path, language));
    const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
    expect(found.map((diagnostic) => `${diagnostic.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`)).toEqual(
      [],
    );
  });

  it('has a constant with the README’s spelling for each enumeration of the rules', () => {
    verifies('CON-01', 'CON-02');
    const page = readFileSync(join(ROOT, 'docs', 'rfc', '02-enumerations.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (\w+(?: \/ \w+)?)(?: \(open set\))? \| (.*) \|$/gm)].filter(([, name]) => name !== 'Name');
    const stated = rows.flatMap(([, names = '', values = '']) => {
      const lists = values.split(' / ');
      return names.split(' / ').map((name, position) => [name, (lists[position] ?? '').replace('; any string is legal', '').split(', ')] as const);
    });
    expect(stated.length).toBeGreaterThan(20);
    for (const [name, values] of stated) {
      const constant = (roomkit as Readonly<Record<string, unknown>>)[name] as Readonly<Record<string, string>>;
      expect(Object.values(constant).sort(), name).toEqual([...values].sort());
      for (const [key, value] of Object.entries(constant)) expect(key.toLowerCase(), name).toBe(value);
    }
  });
});

/** Imports the compiled package in a process of its own, with every resolved module written down. */
function loadedBy(name: string): { packages: string[]; files: number } {
  if (!existsSync(join(ROOT, 'dist', 'index.js'))) throw new Error("There is no dist. Run 'npm run build' first; 'npm test' does so by itself.");
  const hook = `import { writeSync } from 'node:fs';
    export async function resolve(specifier, context, next) { const found = await next(specifier, context); writeSync(1, found.url + '\\n'); return found; }`;
  const program = `import { register } from 'node:module';
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    await import(${JSON.stringify(name)});`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const urls = stdout.split('\n').filter((url) => url.startsWith('file:'));
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1] ?? []);
  return { packages: [...new Set(packages)], files: urls.filter((url) => url.includes('/dist/')).length };
}
