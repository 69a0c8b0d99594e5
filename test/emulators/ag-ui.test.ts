/** The emulator of served agents: it refuses what does not fit AG-UI's schemas, and its events keep the protocol's order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGUIEmulator } from '../../src/emulators/index.js';
import { verifies } from '../requirements.js';

let vendor: AGUIEmulator;
beforeAll(async () => {
  vendor = await AGUIEmulator.start({ remoteTools: { weather: 'sunny' } });
});
afterAll(() => vendor.close());

const HELLO = { id: '1', role: 'user', content: 'Hello' };
const INPUT = { threadId: 't', runId: 'r', messages: [HELLO] };

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${vendor.url}/agent`, {
    method: 'POST',
    headers: { authorization: 'Bearer test-key', 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify(body),
  });
}

async function eventsOf(body: unknown): Promise<Record<string, unknown>[]> {
  const text = await (await post(body)).text();
  return text
    .trim()
    .split('\n\n')
    .map((line) => JSON.parse(line.replace('data: ', '')) as Record<string, unknown>);
}

describe('AGUIEmulator', () => {
  it.each<[string, unknown, unknown]>([
    ['no thread', { runId: 'r', messages: [] }, { type: 'missing', loc: ['threadId'] }],
    ['a field of its own', { ...INPUT, model: 'x' }, { type: 'extra_forbidden', loc: ['model'] }],
    ['messages that are no list', { ...INPUT, messages: 'Hello' }, { type: 'list_type', loc: ['messages'] }],
    ['another role', { ...INPUT, messages: [{ ...HELLO, role: 'human' }] }, { type: 'union_tag_invalid', loc: ['messages', 0] }],
    ['a message without an id', { ...INPUT, messages: [{ role: 'user', content: 'Hi' }] }, { type: 'missing', loc: ['messages', 0, 'user', 'id'] }],
    [
      'arguments that are no text',
      { ...INPUT, messages: [{ id: '1', role: 'assistant', toolCalls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: {} } }] }] },
      { type: 'string_type', loc: ['messages', 0, 'assistant', 'toolCalls', 0, 'function', 'arguments'] },
    ],
    [
      'bytes without their type',
      { ...INPUT, messages: [{ ...HELLO, content: [{ type: 'image', source: { type: 'data', value: 'AAAA' } }] }] },
      { type: 'missing', loc: ['messages', 0, 'user', 'content', 0, 'image', 'source', 'data', 'mimeType'] },
    ],
    ['a tool without a description', { ...INPUT, tools: [{ name: 'f' }] }, { type: 'missing', loc: ['tools', 0, 'description'] }],
    ['no object', [1], { type: 'json_invalid', loc: [] }],
  ])('refuses %s', async (_what, body, fault) => {
    verifies('AIP-08');
    const response = await post(body);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual(expect.arrayContaining([expect.objectContaining(fault)]));
  });

  it('refuses who is not let in, and what it cannot answer with', async () => {
    verifies('AIP-08');
    expect((await post(INPUT, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await post(INPUT, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(INPUT, { accept: 'application/json' })).status).toBe(406);
    expect((await fetch(vendor.url)).status).toBe(405);
  });

  it('fails a run whose results and calls do not belong together', async () => {
    verifies('AIP-08');
    const call = { id: '2', role: 'assistant', toolCalls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] };
    const result = { id: '3', role: 'tool', toolCallId: 'c', content: 'x' };
    const failed = async (messages: unknown[]): Promise<unknown> => (await eventsOf({ ...INPUT, messages })).at(-1);
    expect(await failed([HELLO, result])).toMatchObject({ type: 'RUN_ERROR', message: 'Tool call with ID c not found in the history.' });
    expect(await failed([HELLO, call])).toMatchObject({
      type: 'RUN_ERROR',
      message: expect.stringMatching(/^Tool call results need to be/) as string,
    });
    expect(await failed([HELLO, call, result])).toMatchObject({ type: 'RUN_FINISHED' });
  });

  it('opens, fills and closes what it says, within its run', async () => {
    verifies('AIP-08');
    vendor.enqueue({ thinking: 'Hm.', text: 'One moment.', toolCalls: [{ name: 'weather' }, { name: 'look_up', arguments: { id: 1 } }] });
    const events = await eventsOf(INPUT);
    expect(events.map(({ type }) => type)).toEqual([
      'RUN_STARTED',
      'REASONING_START',
      'REASONING_MESSAGE_START',
      'REASONING_MESSAGE_CONTENT',
      'REASONING_MESSAGE_END',
      'REASONING_ENCRYPTED_VALUE',
      'REASONING_END',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'TOOL_CALL_START',
      'TOOL_CALL_ARGS',
      'TOOL_CALL_END',
      'TOOL_CALL_RESULT',
      'TOOL_CALL_START',
      'TOOL_CALL_ARGS',
      'TOOL_CALL_END',
      'RUN_FINISHED',
    ]);
    expect(events.at(-1)).toMatchObject({ threadId: 't', runId: 'r', usage: [{ totalTokens: expect.any(Number) as number }] });
  });
});
