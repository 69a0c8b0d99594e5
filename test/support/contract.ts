/**
 * The contract: every name of the Python README, what stands for it here, and since when (`test/contract.json`). A fault is
 * a sentence that says what is not as the list has it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import * as roomkit from '../../src/index.js';
import * as aiSdk from '../../src/providers/ai-sdk/index.js';
import * as anthropic from '../../src/providers/anthropic/index.js';
import * as baileys from '../../src/providers/baileys/index.js';
import * as elasticemail from '../../src/providers/elasticemail/index.js';
import * as gemini from '../../src/providers/gemini/index.js';
import * as http from '../../src/providers/http/index.js';
import * as mcp from '../../src/providers/mcp/index.js';
import * as media from '../../src/providers/media/index.js';
import * as messenger from '../../src/providers/messenger/index.js';
import * as nats from '../../src/providers/nats/index.js';
import * as openai from '../../src/providers/openai/index.js';
import * as phone from '../../src/providers/phone/index.js';
import * as postgres from '../../src/providers/postgres/index.js';
import * as pydanticAI from '../../src/providers/pydantic-ai/index.js';
import * as opentelemetry from '../../src/providers/opentelemetry/index.js';
import * as redis from '../../src/providers/redis/index.js';
import * as sendgrid from '../../src/providers/sendgrid/index.js';
import * as sinch from '../../src/providers/sinch/index.js';
import * as sms from '../../src/providers/sms/index.js';
import * as smtp from '../../src/providers/smtp/index.js';
import * as sources from '../../src/providers/sources/index.js';
import * as sqlite from '../../src/providers/sqlite/index.js';
import * as teams from '../../src/providers/teams/index.js';
import * as telegram from '../../src/providers/telegram/index.js';
import * as telnyx from '../../src/providers/telnyx/index.js';
import * as twilio from '../../src/providers/twilio/index.js';
import * as vllm from '../../src/providers/vllm/index.js';
import * as voicemeup from '../../src/providers/voicemeup/index.js';
import * as whatsapp from '../../src/providers/whatsapp/index.js';
import * as client from '../../src/client/index.js';
import * as server from '../../src/server/index.js';
import * as testing from '../../src/testing/index.js';
import { memberOf, publicApi, ROOT, typeOf, type PublicApi } from './public-api.js';

export const WORKS = ['console', 'models', 'text channels', 'durable', 'voice', 'telephony', 'realtime'] as const;
export type Since = 'today' | (typeof WORKS)[number];

export const EXPORTED = ['class', 'function', 'enum', 'type'] as const;
export const MEMBERS = ['method', 'static', 'option', 'field', 'member'] as const;
export const OTHERS = ['string', 'trigger', 'channel', 'extra', 'file', 'folder', 'command'] as const;
export type Kind = (typeof EXPORTED)[number] | (typeof MEMBERS)[number] | (typeof OTHERS)[number];

export interface Entry {
  /** As the Python README spells it. */
  readonly readme: string;
  /** As it is called here; '' where nothing takes its place. */
  readonly name: string;
  readonly kind: Kind;
  /** `prose`: the README says it without writing the name. */
  readonly said?: 'prose';
  /** The class, type or object it belongs to; `Class.method(parameter)` for options without a type of their own. */
  readonly of?: string;
  readonly from?: string;
  readonly since: Since;
  /** When a trigger is fired for the first time. */
  readonly fires?: Since;
  /** The string behind an enum's member. */
  readonly value?: string;
  /** The channel's type. */
  readonly type?: string;
  /** Media as the README's table has them. */
  readonly media?: readonly string[];
  /** What the README's notes promise, as capabilities. */
  readonly promises?: Readonly<Record<string, unknown>>;
  /** All capabilities that are not at their default. */
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly features?: string;
  readonly note?: string;
}

export interface Section {
  readonly title: string;
  /** What this section of the README writes in code: imports, calls, options, fields, names in code font. */
  readonly names: readonly string[];
  readonly entries: readonly Entry[];
}

export interface Contract {
  /** How a member's owner is written, there and here: in a call (`…` is the option's place), and as an object. */
  readonly owners: Readonly<Record<string, { readonly call?: readonly [string, string]; readonly object?: readonly [string, string] }>>;
  readonly sections: readonly Section[];
}

export const contract = JSON.parse(readFileSync(new URL('../contract.json', import.meta.url), 'utf8')) as Contract;

/** What the subpaths give at run time. */
export const modules: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  roomkit,
  'roomkit/client': client,
  'roomkit/server': server,
  'roomkit/testing': testing,
  'roomkit/ai-sdk': aiSdk,
  'roomkit/anthropic': anthropic,
  'roomkit/baileys': baileys,
  'roomkit/elasticemail': elasticemail,
  'roomkit/gemini': gemini,
  'roomkit/http': http,
  'roomkit/mcp': mcp,
  'roomkit/media': media,
  'roomkit/messenger': messenger,
  'roomkit/nats': nats,
  'roomkit/openai': openai,
  'roomkit/phone': phone,
  'roomkit/postgres': postgres,
  'roomkit/pydantic-ai': pydanticAI,
  'roomkit/opentelemetry': opentelemetry,
  'roomkit/redis': redis,
  'roomkit/sendgrid': sendgrid,
  'roomkit/sinch': sinch,
  'roomkit/sms': sms,
  'roomkit/smtp': smtp,
  'roomkit/sources': sources,
  'roomkit/sqlite': sqlite,
  'roomkit/teams': teams,
  'roomkit/telegram': telegram,
  'roomkit/telnyx': telnyx,
  'roomkit/twilio': twilio,
  'roomkit/vllm': vllm,
  'roomkit/voicemeup': voicemeup,
  'roomkit/whatsapp': whatsapp,
};

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly scripts: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const isSubpath = (name: string): boolean => Object.keys(manifest.exports).includes(name.replace('roomkit', '.'));

/** What of this entry is not so; empty when it holds. */
export function faultsOf(entry: Entry, api: PublicApi = publicApi()): string[] {
  const fault = entry.since === 'today' ? missing(entry, api) : early(entry, api);
  return fault === undefined ? [] : [`${entry.kind} ${entry.of === undefined ? '' : `${entry.of} `}'${entry.name}': ${fault}`];
}

function missing(entry: Entry, api: PublicApi): string | undefined {
  const { name, kind, from = '' } = entry;
  switch (kind) {
    case 'class':
    case 'function':
    case 'enum': {
      const value = modules[from]?.[name];
      if (value === undefined) return `'${from}' exports no such value`;
      if (kind === 'enum')
        return typeof value === 'object' && hasType(api, from, name) ? undefined : 'is not a constant with a type of the same name';
      const isClass = typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
      return typeof value === 'function' && isClass === (kind === 'class') ? undefined : `is no ${kind}`;
    }
    case 'type':
      return hasType(api, from, name) ? undefined : `'${from}' exports no such type`;
    case 'method':
    case 'static':
    case 'option':
    case 'field':
      return missingMember(entry, api);
    case 'member':
    case 'trigger': {
      const value = (modules[from]?.[entry.of ?? ''] as Readonly<Record<string, unknown>> | undefined)?.[entry.readme];
      const expected = kind === 'trigger' ? name : entry.value;
      return value === expected ? undefined : `is ${JSON.stringify(value)}, not '${String(expected)}'`;
    }
    case 'string': {
      const holder = modules[from]?.[entry.of ?? ''];
      const values = typeof holder === 'string' ? [holder] : Object.values(holder ?? {});
      return values.includes(name) ? undefined : `${entry.of ?? 'nothing'} holds no such string`;
    }
    case 'channel':
      return modules[from]?.[name] === undefined ? `'${from}' exports no such channel` : undefined;
    case 'extra':
      return name === '' || isSubpath(name) ? undefined : 'is no subpath of package.json';
    case 'file':
    case 'folder':
      return existsSync(join(ROOT, name)) ? undefined : 'is not there';
    case 'command':
      return missingScript(name);
  }
}

/** Why something that is listed as later is there already. */
function early(entry: Entry, api: PublicApi): string | undefined {
  const { name, kind } = entry;
  const already = 'is listed as later and is there already: say since today in test/contract.json';
  switch (kind) {
    case 'method':
    case 'static':
    case 'option':
    case 'field':
    case 'member':
      return ownerOf(entry, api) !== undefined && missingMember(entry, api) === undefined ? already : undefined;
    case 'extra':
      return isSubpath(name) ? already : undefined;
    case 'file':
    case 'folder':
      return existsSync(join(ROOT, name)) ? already : undefined;
    case 'command':
      return missingScript(name) === undefined ? already : undefined;
    case 'class':
    case 'function':
    case 'enum':
    case 'type':
    case 'channel':
    case 'string':
    case 'trigger':
      // Whatever the subpath: a name that is taken elsewhere is there too.
      return isTaken(api, name) ? already : undefined;
  }
}

function hasType(api: PublicApi, from: string, name: string): boolean {
  const symbol = api.subpaths.get(from)?.get(name);
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Type) !== 0;
}

function isTaken(api: PublicApi, name: string): boolean {
  return [...api.subpaths.values()].some((names) => names.has(name));
}

function ownerOf(entry: Entry, api: PublicApi): ts.Symbol | undefined {
  return api.subpaths.get(entry.from ?? '')?.get(/^\w+/.exec(entry.of ?? '')?.[0] ?? '');
}

function missingMember(entry: Entry, api: PublicApi): string | undefined {
  const owner = ownerOf(entry, api);
  if (owner === undefined) return `'${entry.from ?? ''}' exports no '${entry.of ?? ''}'`;
  const type = holderOf(entry, owner, api);
  const member = type && memberOf(type, entry.name);
  if (member === undefined) return 'is no member of it';
  const isCallable = api.checker.getTypeOfSymbol(member).getNonNullableType().getCallSignatures().length > 0;
  if (entry.kind === 'option' || entry.kind === 'field') return undefined;
  if (!isCallable) return 'is no method';
  const value = modules[entry.from ?? '']?.[entry.of ?? ''];
  if (typeof value !== 'function') return undefined; // an interface: its implementations are classes of their own
  const holder = (entry.kind === 'static' ? value : value.prototype) as Readonly<Record<string, unknown>>;
  return typeof holder[entry.name] === 'function' ? undefined : 'is no method at run time';
}

/** The type that has the member: the class's own for statics, a parameter's for `Class.method(parameter)`. */
function holderOf(entry: Entry, owner: ts.Symbol, api: PublicApi): ts.Type | undefined {
  if (entry.kind === 'static' || entry.kind === 'member') return api.checker.getTypeOfSymbol(owner);
  const [, , method, parameter] = /^(\w+)\.(\w+)\((\w+)\)$/.exec(entry.of ?? '') ?? [];
  if (method === undefined) return typeOf(api, owner);
  const called = memberOf(typeOf(api, owner), method);
  const signatures = called === undefined ? [] : api.checker.getTypeOfSymbol(called).getCallSignatures();
  const found = signatures.flatMap((signature) => signature.getParameters()).find((candidate) => candidate.name === parameter);
  return found && api.checker.getNonNullableType(api.checker.getTypeOfSymbol(found));
}

/** `npm ci`, and `npm test` or `npm run NAME` for scripts that package.json has. */
function missingScript(command: string): string | undefined {
  for (const part of command.split(' && ')) {
    const [, script] = /^npm (?:run )?(\S+)$/.exec(part) ?? [];
    if (script === undefined || (script !== 'ci' && manifest.scripts[script] === undefined)) return `package.json has no script for '${part}'`;
  }
  return undefined;
}
