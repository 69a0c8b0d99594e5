/** Model providers: tools. */
import assert from 'node:assert/strict';
import type { AIMessage, AIResponse, AITool } from '../../core/models/ai.js';
import { contextOf, streamed, WAYS, type ProviderTest } from './provider-case.js';

const PIXEL = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const LOOK_UP: AITool = {
  name: 'look_up',
  description: 'Looks up an order.',
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false },
};
const CLOCK: AITool = { name: 'clock', description: 'Tells the time.' };

/** What the conversation is after the model's calls were run. */
function afterCalls(response: AIResponse, results: readonly string[]): readonly AIMessage[] {
  const calls = response.toolCalls ?? [];
  const text = response.content === '' ? [] : [{ type: 'text', text: response.content } as const];
  return [
    { role: 'user', content: 'Where are my orders?' },
    {
      role: 'assistant',
      content: [...text, ...calls.map(({ id, name, arguments: args }) => ({ type: 'tool_call', id, name, arguments: args }) as const)],
      ...(response.metadata !== undefined && { metadata: response.metadata }),
    },
    {
      role: 'tool',
      content: calls.map(({ id, name }, at) => ({ type: 'tool_result', toolCallId: id, name, result: results[at] ?? 'none' }) as const),
    },
  ];
}

export const toolTests: readonly ProviderTest[] = [
  {
    name: 'offers tools and brings back calls, several at once, and takes their results',
    rules: ['TL-01', 'TL-02', 'AIP-01'],
    test: async ({ provider, reply }) => {
      for (const { way, ask } of WAYS) {
        reply({
          text: 'Let me look.',
          toolCalls: [{ name: 'look_up', arguments: { id: 'A-1' } }, { name: 'look_up', arguments: { id: 'B "2" é' } }, { name: 'clock' }],
        });
        const tools = [LOOK_UP, CLOCK];
        const asked = await ask(provider, contextOf('Where are my orders?', { tools }));
        assert.equal(asked.content, 'Let me look.', way);
        assert.equal(asked.finishReason, 'tool_calls', way);
        const calls = asked.toolCalls ?? [];
        assert.deepEqual(
          calls.map((call) => [call.name, call.arguments]),
          [
            ['look_up', { id: 'A-1' }],
            ['look_up', { id: 'B "2" é' }],
            ['clock', {}],
          ],
          way,
        );
        assert.equal(new Set(calls.map(({ id }) => id)).size, 3, `${way}: each call has an id of its own`);
        reply('Both are on their way.');
        const answer = await ask(provider, contextOf(afterCalls(asked, ['on its way', '{"error":"unknown"}', 'noon']), { tools }));
        assert.equal(answer.content, 'Both are on their way.', way);
      }
    },
  },
  {
    name: 'lets the model answer from results when no tool is offered any more',
    rules: ['TL-01'],
    test: async ({ provider, reply }) => {
      for (const { way, ask } of WAYS) {
        reply({ toolCalls: [{ name: 'look_up', arguments: { id: 'A-1' } }] });
        const asked = await ask(provider, contextOf('Where are my orders?', { tools: [LOOK_UP] }));
        reply('It is on its way.');
        const answer = await ask(provider, contextOf(afterCalls(asked, ['on its way'])));
        assert.equal(answer.content, 'It is on its way.', way);
      }
    },
  },
  {
    name: 'keeps what a model thought before it called a tool',
    rules: ['AIP-02'],
    needs: 'thinking',
    options: { thinks: true },
    test: async ({ provider, reply }) => {
      for (const { way, ask } of WAYS) {
        reply({ thinking: 'I need the order.', toolCalls: [{ name: 'look_up', arguments: { id: 'A-1' } }] });
        const asked = await ask(provider, contextOf('Where are my orders?', { tools: [LOOK_UP] }));
        reply('It is on its way.');
        const kept = structuredClone(asked); // as a store would keep it
        const answer = await ask(provider, contextOf(afterCalls(kept, ['on its way']), { tools: [LOOK_UP] }));
        assert.equal(answer.content, 'It is on its way.', way);
      }
    },
  },
  {
    name: 'marks arguments that are no JSON, and goes on',
    rules: ['AIP-02', 'TL-04'],
    needs: 'raw_arguments',
    test: async ({ provider, reply }) => {
      reply({
        toolCalls: [
          { name: 'look_up', arguments: '{"id": "A-1"' },
          { name: 'clock', arguments: '' },
        ],
      });
      const { toolCalls } = await streamed(provider, contextOf('Where?', { tools: [LOOK_UP, CLOCK] }));
      assert.equal(toolCalls[0]?.invalid, true);
      assert.deepEqual(toolCalls[0]?.arguments, { raw: '{"id": "A-1"' });
      assert.notEqual(toolCalls[1]?.invalid, true, 'no arguments are none');
      assert.deepEqual(toolCalls[1]?.arguments, {});
      reply('I shall try again.');
      const [first] = toolCalls;
      assert.ok(first);
      const { type: _type, ...call } = first;
      const answer = await streamed(
        provider,
        contextOf(afterCalls({ content: '', toolCalls: [call] }, ['{"error":"no JSON"}']), { tools: [LOOK_UP] }),
      );
      assert.equal(answer.text, 'I shall try again.');
    },
  },
  {
    name: 'calls tools by the names they were given, whatever letters the vendor takes',
    rules: ['TL-03'],
    test: async ({ provider, reply, requests }) => {
      const tools: readonly AITool[] = [
        { name: 'files.read', description: 'Reads.' },
        { name: 'files_read', description: 'Another one.' },
      ];
      for (const { way, ask } of WAYS) {
        reply('none needed');
        await ask(provider, contextOf('Read.', { tools }));
        const sent = /files[_.-]read\w*/g;
        const [dotted] = [...new Set(requests().at(-1)?.text.match(sent) ?? [])].filter((name) => name !== 'files_read');
        assert.ok(dotted, `${way}: both tools are offered, under two names`);
        reply({ toolCalls: [{ name: dotted }, { name: 'files_read' }] });
        const { toolCalls } = await ask(provider, contextOf('Read.', { tools }));
        assert.deepEqual(
          toolCalls?.map(({ name }) => name),
          ['files.read', 'files_read'],
          way,
        );
      }
    },
  },
  {
    name: 'hands on images that a tool gave, where it says that it can',
    rules: ['TL-05'],
    test: async ({ provider, reply, requests }) => {
      if (provider.supportsImageResults !== true) return;
      reply({ toolCalls: [{ name: 'look_up', arguments: { id: 'A-1' } }] });
      const asked = await provider.generate(contextOf('Show me.', { tools: [LOOK_UP] }));
      const [user, assistant] = afterCalls(asked, []);
      const [call] = asked.toolCalls ?? [];
      assert.ok(user && assistant && call);
      const result = [{ type: 'text', text: 'Here it is.' } as const, { type: 'image', url: PIXEL } as const];
      reply('A pixel.');
      const shown: AIMessage = { role: 'tool', content: [{ type: 'tool_result', toolCallId: call.id, name: call.name, result }] };
      assert.equal((await provider.generate(contextOf([user, assistant, shown], { tools: [LOOK_UP] }))).content, 'A pixel.');
      assert.ok(
        requests()
          .at(-1)
          ?.text.includes(PIXEL.split(',')[1] ?? '?'),
      );
    },
  },
];
