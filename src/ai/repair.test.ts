import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import type { AIMessage } from '../core/models/ai.js';
import { repairConversation } from './repair.js';

const call = (id: string): AIMessage => ({ role: 'assistant', content: [{ type: 'tool_call', id, name: 'find', arguments: {} }] });
const result = (...ids: string[]): AIMessage => ({
  role: 'tool',
  content: ids.map((toolCallId) => ({ type: 'tool_result', toolCallId, name: 'find', result: 'found' })),
});

describe('repairing a conversation', () => {
  it('leaves a sound one as it is', () => {
    const messages: AIMessage[] = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ];
    expect(repairConversation(messages)).toBe(messages);
  });

  it('makes one message of several by the same role, each keeping its part', () => {
    verifies('AI-08');
    expect(
      repairConversation([
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
        { role: 'assistant', content: '' },
        { role: 'user', content: 'c' },
      ]),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
          { type: 'text', text: 'c' },
        ],
      },
    ]);
  });

  it('gives every call a result right behind it', () => {
    verifies('AI-08');
    const [, asked, answered] = repairConversation([{ role: 'user', content: 'a' }, call('1'), { role: 'user', content: 'b' }]);
    expect(asked).toEqual(call('1'));
    expect(answered).toMatchObject({ role: 'tool', content: [{ type: 'tool_result', toolCallId: '1', isError: true }] });
  });

  it('completes results of which some are missing, in the order of the calls', () => {
    verifies('AI-08');
    const both: AIMessage = { role: 'assistant', content: [...call('1').content, ...call('2').content] as Exclude<AIMessage['content'], string> };
    const repaired = repairConversation([{ role: 'user', content: 'a' }, both, result('2')]);
    expect(repaired[2]).toMatchObject({
      content: [
        { toolCallId: '1', isError: true },
        { toolCallId: '2', result: 'found' },
      ],
    });
  });

  it('keeps the results of calls that were made in several messages in a row', () => {
    verifies('AI-08');
    const repaired = repairConversation([{ role: 'user', content: 'a' }, call('1'), call('2'), result('1', '2')]);
    expect(repaired.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
    expect(repaired[2]).toMatchObject({
      content: [
        { toolCallId: '1', result: 'found' },
        { toolCallId: '2', result: 'found' },
      ],
    });
  });

  it('drops results that belong to no call, as trimming leaves them', () => {
    verifies('AI-08');
    expect(repairConversation([result('gone'), { role: 'user', content: 'a' }])).toEqual([{ role: 'user', content: 'a' }]);
  });

  it('lets the user have the last word', () => {
    verifies('AI-08');
    expect(
      repairConversation([
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ]).at(-1)?.role,
    ).toBe('user');
  });
});
