/**
 * The names of the Python README, held against what is really there: values at run time, types and members by the compiler,
 * hooks, channels, subpaths. What is listed as later must not be there yet, so that the list stays true.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  Agent,
  AIChannel,
  channelCapabilities,
  ChannelType,
  EmailChannel,
  HookTrigger,
  HTTPChannel,
  MessengerChannel,
  MockAIProvider,
  RCSChannel,
  SMSChannel,
  TeamsChannel,
  TelegramChannel,
  TRIGGERS,
  WebSocketChannel,
  WhatsAppChannel,
  WhatsAppPersonalChannel,
} from '../src/index.js';
import type { Channel, ChannelCapabilities } from '../src/index.js';
import { verifies } from './requirements.js';
import { contract, EXPORTED, faultsOf, MEMBERS, OTHERS, WORKS, type Entry } from './support/contract.js';
import { ROOT } from './support/public-api.js';

const entries = contract.sections.flatMap((section) => section.entries);
const faults = (kinds: readonly string[]): string[] => entries.filter((entry) => kinds.includes(entry.kind)).flatMap((entry) => faultsOf(entry));

/** `sweep_room_timers` → `sweepRoomTimers`. */
const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

describe('the contract', () => {
  it('has an entry for every name that a section of the README writes', () => {
    const listed = new Set(entries.flatMap(({ readme, type }) => (type === undefined ? [readme] : [readme, type])));
    const missing = contract.sections.flatMap(({ title, names }) => names.filter((name) => !listed.has(name)).map((name) => `${title}: ${name}`));
    expect(missing).toEqual([]);
    expect(contract.sections.flatMap(({ names }) => names).length).toBeGreaterThan(430);
  });

  it('invents no name: each is written in its section, or said there in prose', () => {
    const written = new Map(contract.sections.map(({ title, names }) => [title, names]));
    const invented = contract.sections.flatMap(({ title, entries: own }) =>
      own
        .filter(({ readme, said, type }) => said !== 'prose' && written.get(title)?.includes(type ?? readme) !== true)
        .map(({ readme }) => `${title}: ${readme}`),
    );
    // Extras that stand in the tables of providers are listed with the others.
    expect(invented).toEqual(['Installation: roomkit[vllm]', 'Installation: roomkit[qwen-asr]', 'Installation: roomkit[qwen-tts]']);
    const everywhere = contract.sections.flatMap(({ names }) => names);
    for (const extra of ['roomkit[vllm]', 'roomkit[qwen-asr]', 'roomkit[qwen-tts]']) expect(everywhere).toContain(extra);
  });

  it('spells names as the README does, and camelCase where that has underscores', () => {
    verifies('CON-01', 'CON-02');
    const spelled = entries.filter(({ said, kind }) => said !== 'prose' && [...EXPORTED, ...MEMBERS].some((known) => known === kind));
    const other = spelled.filter(({ readme, name }) => name !== (/^[A-Z_]+$/.test(readme) ? readme : camelCase(readme)));
    expect(other.map(({ readme, name }) => `${readme} → ${name}`)).toEqual(['PostProcessors → AudioPostProcessor']);
    expect(spelled.length).toBeGreaterThan(200);
  });

  it('knows every kind, work and owner', () => {
    for (const { kind, since, fires, of, readme } of entries) {
      expect([...EXPORTED, ...MEMBERS, ...OTHERS], readme).toContain(kind);
      expect(['today', ...WORKS], readme).toContain(since);
      if (fires !== undefined) expect(['today', ...WORKS], readme).toContain(fires);
      if (kind === 'option') expect(contract.owners[of ?? '']?.call, `owners of ${readme}`).toBeDefined();
      if (MEMBERS.some((known) => known === kind) && kind !== 'option')
        expect(contract.owners[of ?? '']?.object, `owners of ${readme}`).toBeDefined();
    }
  });

  it('finds what it lists as values and types', { timeout: 60_000 }, () => {
    expect(faults(EXPORTED)).toEqual([]);
  });

  it('finds what it lists as methods, options, fields and members of enums', () => {
    expect(faults(MEMBERS)).toEqual([]);
  });

  it('finds what it lists as strings, subpaths, files, folders and commands', () => {
    expect(faults(OTHERS)).toEqual([]);
  });

  it.each<[string, Partial<Entry>, string]>([
    ['a class that is not exported', { name: 'SMSProvider', kind: 'class' }, 'exports no such value'],
    ['a function that is a class', { name: 'RoomKit', kind: 'function' }, 'is no function'],
    ['a class that is a function', { name: 'textContent', kind: 'class' }, 'is no class'],
    ['a type that is not exported', { name: 'SMSMessage', kind: 'type' }, 'exports no such type'],
    ['a value without a type', { name: 'HANDOFF_TOOL_NAME', kind: 'enum' }, 'is not a constant with a type'],
    ['a method of nothing', { name: 'send', kind: 'method', of: 'FaxProvider' }, "exports no 'FaxProvider'"],
    ['a method that is a field', { name: 'store', kind: 'method', of: 'RoomKit' }, 'is no method'],
    ['a method that is not there', { name: 'sendSms', kind: 'method', of: 'RoomKit' }, 'is no member'],
    ['a static that is a method', { name: 'processInbound', kind: 'static', of: 'RoomKit' }, 'is no member'],
    ['an option that is not there', { name: 'max_events', kind: 'option', of: 'SlidingWindowOptions' }, 'is no member'],
    ['an option of a parameter', { name: 'roomId', kind: 'option', of: 'HandoffHandler.setLanguage(options)' }, 'is no member'],
    ['a member with another value', { name: 'SMS', readme: 'SMS', kind: 'member', of: 'ChannelType', value: 'text' }, 'is "sms"'],
    ['a trigger that is not there', { name: 'on_sms', readme: 'ON_SMS', kind: 'trigger', of: 'HookTrigger' }, 'not'],
    ['a string that nobody holds', { name: 'handover', kind: 'string', of: 'HANDOFF_TOOL_NAME' }, 'holds no such string'],
    ['a subpath that is not there', { name: 'roomkit/fax', kind: 'extra' }, 'is no subpath'],
    ['a folder that is not there', { name: 'src/sms', kind: 'folder' }, 'is not there'],
    ['a script that is not there', { name: 'npm ci && npm run sms', kind: 'command' }, 'no script'],
    ['a class of later that is there', { name: 'RoomKit', kind: 'class', since: 'voice' }, 'is there already'],
    ['a class of later that another subpath has', { name: 'SqliteStore', kind: 'class', since: 'durable' }, 'is there already'],
    ['a method of later that is there', { name: 'hook', kind: 'method', of: 'RoomKit', since: 'voice' }, 'is there already'],
    ['an option of later that is there', { name: 'store', kind: 'option', of: 'RoomKitOptions', since: 'durable' }, 'is there already'],
    ['a subpath of later that is there', { name: 'roomkit/sqlite', kind: 'extra', since: 'durable' }, 'is there already'],
    ['a folder of later that is there', { name: 'src/core', kind: 'folder', since: 'voice' }, 'is there already'],
  ])('would say so of %s', (_, entry, sentence) => {
    const whole: Entry = { readme: 'x', name: 'x', kind: 'class', from: 'roomkit', since: 'today', ...entry };
    expect(faultsOf(whole).join()).toContain(sentence);
  });
});

describe('the hook table', () => {
  /** What comes on top of the README's (HK-13). */
  const EXTENSIONS = ['before_tool_use', 'on_tool_call', 'on_event_updated', 'on_event_deleted'];
  const triggers = entries.filter(({ kind }) => kind === 'trigger');

  it('has the 41 triggers of the README and four extensions, each once', () => {
    verifies('HK-13', 'CON-02');
    const names = triggers.map(({ name }) => name);
    expect(names).toHaveLength(41);
    expect(new Set(triggers.map(({ features }) => features)).size, 'the categories of the README').toBe(10);
    for (const { readme, name } of triggers) expect((HookTrigger as Readonly<Record<string, string>>)[readme]).toBe(name);
    expect(Object.values(HookTrigger).sort()).toEqual([...names, ...EXTENSIONS].sort());
    expect(Object.keys(TRIGGERS).sort()).toEqual(Object.values(HookTrigger).sort());
    for (const [key, value] of Object.entries(HookTrigger)) expect(key.toLowerCase()).toBe(value);
  });
});

describe('the channel table', () => {
  const rows = entries.filter(({ kind }) => kind === 'channel');
  /** Media as the README writes them → as capabilities have them. */
  const MEDIA: Readonly<Record<string, string>> = { MMS: 'media' };

  /** Today's channels, made with what they cannot do without. */
  const make: Readonly<Record<string, () => Channel>> = {
    HTTPChannel: () => new HTTPChannel('crm'),
    TelegramChannel: () => new TelegramChannel('telegram'),
    EmailChannel: () => new EmailChannel('mail'),
    SMSChannel: () => new SMSChannel('sms'),
    RCSChannel: () => new RCSChannel('rcs'),
    WhatsAppPersonalChannel: () => new WhatsAppPersonalChannel('personal'),
    WebSocketChannel: () => new WebSocketChannel('web'),
    MessengerChannel: () => new MessengerChannel('messenger'),
    TeamsChannel: () => new TeamsChannel('teams'),
    WhatsAppChannel: () => new WhatsAppChannel('whatsapp'),
    AIChannel: () => new AIChannel('ai', { provider: new MockAIProvider() }),
    Agent: () => new Agent('agent', { provider: new MockAIProvider() }),
  };

  it('has the thirteen rows of the README, each with a type of its own', () => {
    const types = new Set(rows.map(({ type }) => type));
    expect(types.size).toBe(13);
    for (const type of types) expect(Object.values(ChannelType)).toContain(type);
  });

  it.each(rows)('$name carries at least what the README says of $readme', ({ media, promises, capabilities, features }) => {
    expect(features).not.toBe('');
    for (const medium of media ?? []) expect(capabilities?.['mediaTypes']).toContain(MEDIA[medium] ?? medium);
    expect(capabilities).toMatchObject(promises ?? {});
    expect(Object.keys(channelCapabilities(capabilities as Partial<ChannelCapabilities>)).sort(), 'an unknown capability').toEqual(
      [...new Set([...Object.keys(channelCapabilities()), ...Object.keys(capabilities ?? {})])].sort(),
    );
  });

  it.each(rows.filter(({ since }) => since === 'today'))('$name is the channel of its row', ({ name, type, capabilities }) => {
    const channel = make[name]?.();
    expect(channel, `test/contract.test.ts makes no ${name}: add it there`).toBeDefined();
    expect(channel?.channelType).toBe(type);
    expect(channel?.category).toBe(type === 'ai' ? 'intelligence' : 'transport');
    expect(channel?.capabilities).toEqual(channelCapabilities(capabilities as Partial<ChannelCapabilities>));
  });

  it('lets Agent be an AIChannel', () => {
    expect(make['Agent']?.()).toBeInstanceOf(AIChannel);
  });
});

describe('docs/from-python.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'from-python.md'), 'utf8');

  it('is what scripts/from-python.mjs makes of the contract', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/from-python.mjs', '--check'], { cwd: ROOT, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('says it when it is stale', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/from-python.mjs', '--check', '--page', 'README.md'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(stderr).toContain('node scripts/from-python.mjs');
    expect(status).toBe(1);
  });

  it('holds every name of the README', () => {
    for (const name of contract.sections.flatMap(({ names }) => names)) expect(page).toContain(name);
  });
});
