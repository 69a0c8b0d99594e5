/**
 * Who may import whom: the table of ARCHITECTURE.md, held against every import of the repository. Type imports count.
 * A fault is a sentence that says how to mend it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Row {
  /** Areas it may import besides itself; `all but` names the ones it may not. */
  readonly may: readonly string[] | { readonly allBut: readonly string[] };
  /** What it imports from other areas is types only. */
  readonly typesOnly?: boolean;
  /** Package → how; `any` takes all. Types of a listed package may always be imported: they load nothing. */
  readonly packages: 'none' | 'any' | Readonly<Record<string, 'static' | 'import()' | 'node.ts'>>;
  /** Builtin modules: none, all, the named ones, or all of them in files of such a name only. */
  readonly node: 'none' | 'any' | readonly string[] | { readonly only: RegExp; readonly says: string; readonly modules?: readonly string[] };
}

const NODE_FILES = { only: /\.node\.ts$/, says: '*.node.ts' };

const PROVIDERS: Row = { may: ['core', 'ai', 'channels', 'voice', 'providers/_shared'], packages: 'none', node: 'any' };

/** Areas of src. The row `providers` stands for each folder in it; `src` for the files that lie in src itself. */
const TABLE: Readonly<Record<string, Row>> = {
  core: { may: [], packages: 'none', node: ['node:async_hooks'] },
  ai: { may: ['core'], packages: { zod: 'import()', yaml: 'import()' }, node: NODE_FILES },
  channels: { may: ['core'], packages: 'none', node: 'none' },
  orchestration: { may: ['core', 'ai'], packages: 'none', node: 'none' },
  voice: { may: ['core', 'ai'], packages: 'none', node: NODE_FILES },
  providers: PROVIDERS,
  server: {
    may: ['core', 'ai', 'channels', 'orchestration', 'voice'],
    packages: {
      hono: 'static',
      zod: 'static',
      '@hono/node-server': 'node.ts',
      ws: 'node.ts',
      '@modelcontextprotocol/server': 'import()',
    },
    node: { only: /^src\/server\/(node\.ts|mount\.ts|node\/.*)$/, says: 'src/server/node.ts, mount.ts and node/' },
  },
  client: { may: ['core', 'channels'], typesOnly: true, packages: 'none', node: 'none' },
  'client/react': { may: ['client'], packages: { react: 'static' }, node: 'none' },
  src: {
    may: ['core', 'ai', 'channels', 'orchestration'],
    packages: 'none',
    node: { only: /^src\/ai-documents\.ts$/, says: 'src/ai-documents.ts', modules: ['node:fs'] },
  },
  emulators: { may: { allBut: ['server', 'cli'] }, packages: 'any', node: 'any' },
  testing: { may: { allBut: ['server', 'cli'] }, packages: 'any', node: 'any' },
};

/** What each vendor's folder loads by `import()`, and nobody else. */
const VENDOR_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  sqlite: ['@photostructure/sqlite'],
  postgres: ['pg'],
  anthropic: ['@anthropic-ai/sdk'],
  openai: ['openai'],
  _shared: ['openai'], // for openai and vllm, which both speak it
  gemini: ['@google/genai'],
  mcp: ['@modelcontextprotocol/client'],
  phone: ['libphonenumber-js'],
  nats: ['@nats-io/transport-node'],
  redis: ['ioredis'],
  opentelemetry: ['@opentelemetry/api'],
  sources: ['ws'],
  smtp: ['imapflow', 'nodemailer', 'postal-mime'],
  teams: ['jose'],
  baileys: ['baileys'],
};

/** These know the package as a user does. */
const USERS = ['src/cli', 'demo', 'studio', 'examples', 'bench', 'servers'];
/** These are started by developers alone, with servers that are started for them. */
const WITH_SERVERS = ['demo', 'bench'];

/** What tests beside the code may import on top of what the code may. */
const TEST_PACKAGES = ['vitest', 'fast-check'];

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly kind: 'static' | 'type' | 'import()';
}

function importsOf(path: string, text: string): Import[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, false);
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, kind: Import['kind']): void => {
    if (node === undefined || !ts.isStringLiteral(node)) return;
    found.push({ specifier: node.text, line: file.getLineAndCharacterOfPosition(node.pos).line + 1, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static');
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static');
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, 'type');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], 'import()');
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** The area a file of src belongs to, such as `core` or `providers/sqlite`; undefined for a folder the table does not know. */
function areaOf(path: string): string | undefined {
  const [, first, second, ...rest] = path.split('/');
  if (first === undefined) return undefined;
  if (second === undefined) return 'src';
  if (first === 'providers') return rest.length === 0 ? undefined : `providers/${second}`;
  if (first === 'client' && second === 'react') return 'client/react';
  return first === 'cli' || TABLE[first] !== undefined ? first : undefined;
}

function rowOf(area: string): Row | undefined {
  const vendor = /^providers\/(.*)$/.exec(area)?.[1];
  if (vendor === undefined) return TABLE[area];
  return { ...PROVIDERS, packages: Object.fromEntries((VENDOR_PACKAGES[vendor] ?? []).map((name) => [name, 'import()'])) };
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** The sentences about one file; `exported` are the package's public subpaths. */
function faultsOf(path: string, imports: readonly Import[], exported: readonly string[]): string[] {
  const user = USERS.find((folder) => path.startsWith(`${folder}/`));
  return imports.flatMap((one) => {
    const sentence = user !== undefined ? userFault(path, user, one, exported) : sourceFault(path, one);
    return sentence === undefined ? [] : [`${path}:${one.line} imports '${one.specifier}'. ${sentence}`];
  });
}

function userFault(path: string, folder: string, one: Import, exported: readonly string[]): string | undefined {
  if (one.specifier.startsWith('.')) {
    const target = relative(ROOT, join(ROOT, dirname(path), one.specifier));
    return target.startsWith(`${folder}/`) || (WITH_SERVERS.includes(folder) && target.startsWith('servers/'))
      ? undefined
      : `${folder} knows the package as its users do: import what is public from 'roomkit' or one of its subpaths.`;
  }
  if (packageOf(one.specifier) !== 'roomkit' || exported.includes(one.specifier)) return undefined;
  return `That is no public subpath: use one of ${exported.join(', ')}, or add it to the exports of package.json.`;
}

function sourceFault(path: string, one: Import): string | undefined {
  const area = areaOf(path);
  const row = area === undefined ? undefined : rowOf(area);
  if (area === undefined || row === undefined) {
    return `The table knows no folder for this file: put it into one of ${Object.keys(TABLE).join(', ')}, or give its folder a row here and in ARCHITECTURE.md.`;
  }
  const isTest = path.endsWith('.test.ts');
  if (one.specifier.startsWith('.')) return relativeFault(path, area, row, one, isTest);
  if (one.specifier.startsWith('node:')) return isTest ? undefined : builtinFault(path, area, row, one);
  return packageFault(path, area, row, one, isTest);
}

function relativeFault(path: string, area: string, row: Row, one: Import, isTest: boolean): string | undefined {
  const target = relative(ROOT, join(ROOT, dirname(path), one.specifier)).replace(/\.js$/, '.ts');
  if (!target.startsWith('src/')) {
    if (isTest && target.startsWith('test/')) return undefined;
    return `Nothing in src may reach outside of src, but tests, which may import test/: move what is needed into ${area}.`;
  }
  if (target.endsWith('.node.ts') && one.kind !== 'import()' && !path.endsWith('.node.ts') && !isTest) {
    return `Files named *.node.ts hold what only Node has: load it with await import('${one.specifier}') where it is used.`;
  }
  const other = areaOf(target);
  if (other === area) return undefined;
  if (other === undefined) return `The table knows no folder '${dirname(target)}': give it a row here and in ARCHITECTURE.md.`;
  if (isTest && other === 'testing') return undefined;
  const allowed = 'allBut' in row.may ? !row.may.allBut.includes(other) : row.may.includes(other);
  if (!allowed) {
    const list = 'allBut' in row.may ? `everything but ${row.may.allBut.join(', ')}` : row.may.join(', ') || 'nothing outside itself';
    const between = area.startsWith('providers/') && other.startsWith('providers/');
    return between
      ? `A vendor never knows another: put what both share into src/providers/_shared.`
      : `${area} may import ${list}. Declare in ${area} what it must know of ${other}, small and structural, or move the code.`;
  }
  if (row.typesOnly === true && one.kind !== 'type') return `${area} may import types only: write import type, or move the code into ${area}.`;
  return undefined;
}

function builtinFault(path: string, area: string, row: Row, one: Import): string | undefined {
  const { node } = row;
  if (node === 'any') return undefined;
  if (node === 'none')
    return `${area} runs everywhere and uses no builtin module: take what it gives as an option, or move the code to a provider or the server.`;
  if ('only' in node) {
    if (!node.only.test(path)) return `In ${area} only ${node.says} may use builtin modules: move the code there.`;
    return node.modules === undefined || node.modules.includes(one.specifier) ? undefined : `${path} may use ${node.modules.join(', ')} only.`;
  }
  return node.includes(one.specifier) ? undefined : `${area} may use ${node.join(', ')} only: inject the rest as an option.`;
}

function packageFault(path: string, area: string, row: Row, one: Import, isTest: boolean): string | undefined {
  const name = packageOf(one.specifier);
  if (name === 'roomkit') return `Inside of src, import the file itself by its relative path.`;
  if (isTest && TEST_PACKAGES.includes(name)) return undefined;
  if (row.packages === 'any') return undefined;
  const how = row.packages === 'none' ? undefined : row.packages[name];
  if (how === undefined) {
    // A test may show how a package that users bring works together with ours.
    if (isTest && name === 'zod') return undefined;
    const list = row.packages === 'none' ? 'no npm package' : `${Object.keys(row.packages).join(', ') || 'no npm package'} only`;
    return `${area} may use ${list}: write the few lines yourself, take it as an option, or move the code to the vendor's folder.`;
  }
  if (one.kind === 'type' || isTest) return undefined;
  if (how === 'import()' && one.kind !== 'import()')
    return `Load '${name}' with await import('${one.specifier}') on first use, so that nobody pays for it who does not need it.`;
  if (how === 'node.ts' && path !== `src/${area}/node.ts` && path !== `src/${area}/mount.ts` && !path.startsWith(`src/${area}/node/`))
    return `Only src/${area}/node.ts, mount.ts and node/ may use '${name}': the rest of ${area} is web-standard.`;
  return undefined;
}

function sourcesIn(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
    .map((file) => `${folder}/${file}`);
}

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const exported = Object.keys(manifest.exports).map((subpath) => `roomkit${subpath.slice(1)}`);

describe('who imports whom', () => {
  it('is as the table of ARCHITECTURE.md says', () => {
    const files = [...sourcesIn('src'), ...USERS.filter((folder) => !folder.startsWith('src/')).flatMap(sourcesIn)];
    expect(files.length).toBeGreaterThan(150);
    const faults = files.flatMap((path) => faultsOf(path, importsOf(path, readFileSync(join(ROOT, path), 'utf8')), exported));
    expect(faults, faults.join('\n')).toEqual([]);
  });

  it('is written the same in ARCHITECTURE.md', () => {
    const page = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `?([\w/*.]+)`? \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm)];
    const folders = rows.map((row) => row[1]);
    const names: Readonly<Record<string, string>> = { src: 'src/*.ts', providers: 'providers/X' };
    for (const [area, row] of Object.entries(TABLE)) {
      if (area === 'client/react') continue; // a half-sentence of the row about client
      const written = rows.find((candidate) => candidate[1] === (names[area] ?? area));
      expect(folders, `ARCHITECTURE.md has no row for ${area}`).toContain(names[area] ?? area);
      if (Array.isArray(row.may)) for (const other of row.may as readonly string[]) expect(written?.[2], `the row of ${area}`).toContain(other);
      if (typeof row.packages === 'object')
        for (const name of Object.keys(row.packages)) expect(written?.[3]).toContain(name.startsWith('@modelcontextprotocol') ? 'MCP' : name);
    }
  });

  it.each([
    ['src/core/x.ts', `import { a } from '../ai/a.js';`, 'core may import nothing outside itself'],
    ['src/core/x.ts', `import type { A } from '../ai/a.js';`, 'core may import nothing outside itself'],
    ['src/core/x.ts', `type A = import('../ai/a.js').A;`, 'core may import nothing outside itself'],
    ['src/core/x.ts', `import { z } from 'zod';`, 'core may use no npm package'],
    ['src/core/x.ts', `import { readFile } from 'node:fs';`, 'core may use node:async_hooks only'],
    ['src/ai/x.ts', `import { z } from 'zod';`, "Load 'zod' with await import('zod')"],
    ['src/ai/x.ts', `import { readFile } from 'node:fs';`, 'only *.node.ts may use builtin modules'],
    ['src/ai/x.ts', `import { read } from './skills.node.js';`, 'load it with await import'],
    ['src/channels/x.ts', `export * from '../ai/a.js';`, 'channels may import core'],
    ['src/providers/twilio/x.ts', `import { a } from '../sinch/a.js';`, 'src/providers/_shared'],
    ['src/providers/sqlite/x.ts', `import { DatabaseSync } from '@photostructure/sqlite';`, 'on first use'],
    ['src/providers/sqlite/x.ts', `import pg from 'pg';`, 'may use @photostructure/sqlite only'],
    ['src/server/routes/x.ts', `import { WebSocketServer } from 'ws';`, 'Only src/server/node.ts, mount.ts and node/'],
    ['src/server/routes/x.ts', `import { createServer } from 'node:http';`, 'only src/server/node.ts, mount.ts and node/ may use builtin modules'],
    ['src/client/x.ts', `import { RoomKit } from '../core/kit.js';`, 'types only'],
    ['src/client/x.ts', `import { WIRE_VERSION } from '../channels/index.js';`, 'types only'],
    ['src/client/x.ts', `import { useState } from 'react';`, 'client may use no npm package'],
    ['src/client/x.ts', `import type { Principal } from '../server/index.js';`, 'client may import core, channels'],
    ['src/client/react/x.ts', `import { RoomKit } from '../../core/kit.js';`, 'client/react may import client'],
    ['src/testing/x.ts', `import { serve } from '../server/index.js';`, 'everything but server, cli'],
    ['src/ai/x.ts', `import { RoomKit } from 'roomkit';`, 'relative path'],
    ['src/core/x.ts', `import { a } from '../../demo/a.js';`, 'reach outside of src'],
    ['src/utils/x.ts', `import { a } from './a.js';`, 'knows no folder'],
    ['demo/x.ts', `import { RoomKit } from '../src/index.js';`, 'as its users do'],
    ['examples/x.ts', `import { lane } from 'roomkit/core';`, 'no public subpath'],
    ['examples/x.ts', `import { startRedis } from '../servers/redis.js';`, 'as its users do'],
    ['servers/x.ts', `import { rooms } from '../bench/rooms.js';`, 'as its users do'],
  ])('%s: %s is refused', (path, text, sentence) => {
    expect(faultsOf(path, importsOf(path, text), exported).join()).toContain(sentence);
  });

  it.each([
    ['src/core/x.ts', `import { AsyncLocalStorage } from 'node:async_hooks'; import { a } from './y/a.js';`],
    [
      'src/core/x.test.ts',
      `import { it } from 'vitest'; import { TestClock } from '../testing/index.js'; import { verifies } from '../../test/requirements.js';`,
    ],
    ['src/ai/x.ts', `const { z } = await import('zod'); import type { RoomEvent } from '../core/models/event.js';`],
    ['src/ai/x.ts', `const skills = await import('./skills.node.js');`],
    ['src/server/node.ts', `import { WebSocketServer } from 'ws'; import { createServer } from 'node:http';`],
    ['src/providers/sqlite/x.ts', `const peer = await import('@photostructure/sqlite'); import { join } from 'node:path';`],
    ['src/client/x.ts', `import type { RoomEvent } from '../core/index.js'; import type { WireEvent } from '../channels/index.js';`],
    ['src/client/react/x.ts', `import { useState } from 'react'; import type { ClientRoom } from '../index.js';`],
    ['bench/x.ts', `import { startRedis } from '../servers/redis.js';`],
    ['demo/x.ts', `import { serve } from 'roomkit/server'; import { b } from './agents/b.js'; import { join } from 'node:path';`],
  ])('%s: %s is allowed', (path, text) => {
    expect(faultsOf(path, importsOf(path, text), exported)).toEqual([]);
  });
});
