import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { RoomKit } from '../../core/kit.js';
import type { ToolContext } from '../../core/models/ai.js';
import { composeToolHandlers, isUnknownTool, unknownTool, type ToolHandler } from './compose.js';
import { isAllowed, isBuiltInAllowed, matchesGlob } from './policy.js';
import { failureText, KeptResults, ToolError, toToolResult } from './results.js';
import { canonicalJson, stableHash } from './stable-hash.js';
import { ProviderError, ValidationError } from '../../core/errors.js';

const context: ToolContext = {
  roomId: 'r',
  channelId: 'c',
  turnId: 't',
  callId: 'x',
  idempotencyKey: 'k',
  signal: new AbortController().signal,
  kit: new RoomKit(),
};

describe('the tool policy', () => {
  it('matches globs', () => {
    verifies('TL-10');
    const cases: readonly [string, string, boolean][] = [
      ['*', '', true],
      ['*', 'anything', true],
      ['order_*', 'order_find', true],
      ['order_*', 'my_order_find', false],
      ['?', 'a', true],
      ['?', '', false],
      ['*_delete', 'a_delete_delete', true],
      ['a*b*c', 'aXbYbc', true],
      ['a*b*c', 'aXbYb', false],
      ['find', 'find', true],
      ['find', 'Find', false],
      ['a.c', 'abc', false],
    ];
    for (const [glob, name, expected] of cases) expect([glob, name, matchesGlob(glob, name)]).toEqual([glob, name, expected]);
    expect(matchesGlob(`${'a*'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false);
  });

  it('lets a ban win, takes a list that is not empty for a whitelist, and asks every role', () => {
    verifies('TL-10');
    const policy = { allow: ['a*'], deny: ['ab'], roleOverrides: { owner: { allow: ['*'] }, bot: { deny: ['ac'] } } };
    expect(['aa', 'ab', 'b'].map((name) => isAllowed(policy, name, []))).toEqual([true, false, false]);
    expect(['ab', 'b'].map((name) => isAllowed(policy, name, ['owner']))).toEqual([false, true]);
    expect(isAllowed(policy, 'ac', ['bot'])).toBe(false);
    expect(isAllowed(policy, 'b', ['owner', 'member'])).toBe(false);
    expect(isAllowed({ allow: [] }, 'b', [])).toBe(true);
    expect(isAllowed(undefined, 'b', ['member'])).toBe(true);
  });

  it('does not ask a whitelist to name the kit’s own tools; a ban still counts', () => {
    verifies('TL-10');
    expect(isBuiltInAllowed({ allow: ['find'] }, 'read_tool_result', [])).toBe(true);
    expect(isBuiltInAllowed({ deny: ['read_*'] }, 'read_tool_result', [])).toBe(false);
    expect(isBuiltInAllowed({ roleOverrides: { bot: { deny: ['*'] } } }, 'read_tool_result', ['bot'])).toBe(false);
  });
});

describe('composeToolHandlers', () => {
  const knows =
    (own: string): ToolHandler =>
    (name) =>
      name === own ? `${own} ran` : unknownTool(name);

  it('asks in order until one does not decline; the last answer stands', async () => {
    verifies('TL-12');
    const handler = composeToolHandlers(knows('a'), knows('b'), (name) => ({ error: `Unknown tool: ${name}` }));
    expect(await handler('a', {}, context)).toBe('a ran');
    expect(await handler('b', {}, context)).toBe('b ran');
    expect(await handler('c', {}, context)).toEqual({ error: 'Unknown tool: c' });
  });

  it('takes for a decline only exactly that error for exactly that name', async () => {
    verifies('TL-12');
    const others: readonly unknown[] = [
      '{"error": "Unknown tool: other"}',
      '{"error":"Unknown tool: a","more":1}',
      { error: 'failed' },
      'Unknown tool: a',
      '',
      null,
      '{broken',
    ];
    for (const answer of others)
      expect(
        await composeToolHandlers(
          () => answer,
          () => 'second',
        )('a', {}, context),
      ).toBe(answer);
    expect(isUnknownTool('{ "error": "Unknown tool: a" }', 'a')).toBe(true);
    expect(
      await composeToolHandlers(
        () => Promise.resolve(unknownTool('a')),
        () => 'second',
      )('a', {}, context),
    ).toBe('second');
  });

  it('refuses fewer than two', () => {
    verifies('TL-12');
    expect(() => composeToolHandlers(knows('a'))).toThrow(ValidationError);
    expect(() => composeToolHandlers()).toThrow(/at least two/);
  });
});

describe('results', () => {
  it('are text as it is, and everything else as JSON', () => {
    verifies('TL-05');
    expect(toToolResult('plain')).toEqual({ text: 'plain', images: [] });
    expect(toToolResult({ a: [1] }).text).toBe('{"a":[1]}');
    expect(toToolResult(undefined).text).toBe('null');
    expect(toToolResult([{ type: 'text', text: 'no image' }]).text).toBe('[{"type":"text","text":"no image"}]');
    expect(() => toToolResult(10n)).toThrow();
  });

  it('tell of a failure only what was meant to be told', () => {
    verifies('TL-04');
    expect(failureText(new ToolError('Order 17 does not exist.'))).toBe('{"error":"Order 17 does not exist."}');
    expect(failureText(new Error('token=abc'))).toBe('{"error":"The tool failed."}');
    expect(failureText(new ProviderError('token=abc', { provider: 'x' }))).toBe('{"error":"The tool failed."}');
    expect(failureText('token=abc')).toBe('{"error":"The tool failed."}');
  });

  it('are cut where no character is divided', () => {
    verifies('TL-05');
    const kept = new KeptResults(200);
    const shown = kept.fit('\u{1F600}'.repeat(500));
    expect(shown.length).toBeLessThanOrEqual(200);
    expect(shown).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
    expect(kept.fit('short')).toBe('short');
  });

  it('keep only so much of what is too long', () => {
    verifies('CON-11');
    const kept = new KeptResults(1000);
    for (let n = 0; n < 3; n++) kept.fit('x'.repeat(3_000_000));
    expect(kept.read({ id: 'r1', offset: 2_999_500 })).toBe('x'.repeat(500));
    expect(kept.read({ id: 'r2', offset: 999_900 })).toMatch(/^x{100}\n\[The rest is too long to be kept\.\]$/);
    expect(kept.read({ id: 'r3', offset: 900 })).toMatch(/^x{100}\n\[The rest/);
  });
});

describe('the name of a call', () => {
  it('depends on the arguments, not on the order of their keys', () => {
    verifies('TURN-04');
    expect(canonicalJson({ b: [1, { d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[1,{"d":1}]}');
    expect(stableHash(canonicalJson({ a: 1, b: 2 }))).toBe(stableHash(canonicalJson({ b: 2, a: 1 })));
    const hashes = new Set(Array.from({ length: 20_000 }, (_, at) => stableHash(`{"number":${at}}`)));
    expect(hashes.size).toBe(20_000);
    expect(stableHash('')).toMatch(/^[0-9a-f]{16}$/);
    // Fixed for all time: rows of an older process name calls by it.
    expect(stableHash('{"number":7}')).toBe('cabe434be00128c0');
  });
});
