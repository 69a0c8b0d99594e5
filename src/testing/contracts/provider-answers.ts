/** Model providers: what is asked and what is answered. */
import assert from 'node:assert/strict';
import { contextOf, streamed, WAYS, type ProviderTest } from './provider-case.js';

const PIXEL = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const answerTests: readonly ProviderTest[] = [
  {
    name: 'gives the text of the model, whole and in pieces',
    rules: ['AI-11', 'AIP-01'],
    test: async ({ provider, reply }) => {
      const said = 'The order 12345 left us on Monday. 🙂 Ça va arriver bientôt.';
      for (const { way, ask } of WAYS) {
        reply(said);
        const answer = await ask(provider, contextOf('Where is my order?'));
        assert.equal(answer.content, said, way);
        assert.equal(answer.finishReason, 'stop', way);
        assert.deepEqual(answer.toolCalls ?? [], [], way);
      }
      reply(said);
      const { items } = await streamed(provider, contextOf('And now?'));
      assert.ok(items.filter(({ type }) => type === 'text_delta').length > 2, 'a long text comes in several pieces');
    },
  },
  {
    name: 'sends the system prompt, those among the messages too',
    rules: ['AI-02'],
    needs: 'system',
    test: async ({ provider, requests }) => {
      for (const { ask } of WAYS)
        await ask(
          provider,
          contextOf(
            [
              { role: 'system', content: 'Second instruction.' },
              { role: 'user', content: 'Hello' },
            ],
            { systemPrompt: 'You answer in French.' },
          ),
        );
      for (const { text } of requests()) {
        assert.ok(text.includes('You answer in French.') && text.includes('Second instruction.'));
        assert.ok(text.includes('Hello'));
      }
      assert.equal(requests().length, 2);
    },
  },
  {
    name: 'takes conversations as history leaves them: opened by the assistant, one speaker twice, nothing in a message',
    rules: ['AI-08'],
    test: async ({ provider, reply }) => {
      for (const { way, ask } of WAYS) {
        reply('fine');
        const answer = await ask(
          provider,
          contextOf([
            { role: 'assistant', content: 'Good morning.' },
            { role: 'user', content: 'One.' },
            {
              role: 'user',
              content: [
                { type: 'text', text: 'Two.' },
                { type: 'text', text: ' ' },
              ],
            },
            { role: 'assistant', content: '' },
            { role: 'user', content: 'Three.' },
          ]),
        );
        assert.equal(answer.content, 'fine', way);
      }
    },
  },
  {
    name: 'shows images to a model that can see',
    rules: ['AI-05'],
    test: async ({ provider, reply, requests }) => {
      if (!provider.supportsVision) return;
      for (const { ask } of WAYS) {
        reply('a pixel');
        await ask(
          provider,
          contextOf([
            {
              role: 'user',
              content: [
                { type: 'text', text: 'What is this?' },
                { type: 'image', url: PIXEL, mimeType: 'image/png' },
              ],
            },
          ]),
        );
      }
      for (const { text } of requests()) assert.ok(text.includes(PIXEL.split(',')[1] ?? '?'), 'the bytes of the image are sent');
    },
  },
  {
    name: 'counts tokens by kind, what came from a cache apart',
    rules: ['AI-11'],
    needs: 'cache_counts',
    test: async ({ provider, reply }) => {
      for (const { way, ask } of WAYS) {
        reply({ text: 'counted', usage: { input: 1000, output: 50, cacheRead: 700 } });
        const { usage = {} } = await ask(provider, contextOf('Count.'));
        assert.equal(usage['input_tokens'], 300, `${way}: input without what was cached`);
        assert.equal(usage['cache_read_tokens'], 700, way);
        assert.equal(usage['output_tokens'], 50, way);
        for (const count of Object.values(usage)) assert.ok(Number.isInteger(count) && count >= 0, way);
      }
    },
  },
  {
    name: 'counts the tokens read and written',
    rules: ['AI-11'],
    needs: 'usage',
    test: async ({ provider, reply }) => {
      for (const { way, ask } of WAYS) {
        reply({ text: 'counted', usage: { input: 120, output: 7 } });
        const { usage = {} } = await ask(provider, contextOf('Count.'));
        assert.deepEqual([usage['input_tokens'], usage['output_tokens']], [120, 7], way);
      }
    },
  },
  {
    name: 'tells thoughts from words',
    rules: ['AI-11', 'STR-07'],
    needs: 'thinking',
    options: { thinks: true },
    test: async ({ provider, reply }) => {
      reply({ thinking: 'They ask about an order. I should look it up.', text: 'One moment.' });
      const { text, thinking, items } = await streamed(provider, contextOf('Where is it?'));
      assert.equal(text, 'One moment.');
      assert.equal(thinking, 'They ask about an order. I should look it up.');
      assert.ok(items.findIndex(({ type }) => type === 'thinking_delta') < items.findIndex(({ type }) => type === 'text_delta'));
      reply({ thinking: 'Hidden.', text: 'Said.' });
      assert.equal((await provider.generate(contextOf('Where is it?'))).content, 'Said.');
    },
  },
  {
    name: 'says when the answer was cut by a length limit',
    rules: ['AIP-01', 'TL-07'],
    test: async ({ provider, reply, lacks }) => {
      if (lacks?.includes('end_mark') === true || lacks?.includes('finish_reasons') === true) return;
      for (const { way, ask } of WAYS) {
        reply({ text: 'The answer is', finish: 'length' });
        assert.equal((await ask(provider, contextOf('Tell me all.', { maxTokens: 3 }))).finishReason, 'length', way);
      }
    },
  },
  {
    name: 'serves many at once and mixes nothing up',
    rules: ['AI-11'],
    test: async ({ provider }) => {
      const answers = await Promise.all(Array.from({ length: 8 }, async (_, n) => WAYS[n % 2]?.ask(provider, contextOf(`number ${n}`))));
      assert.deepEqual(
        answers.map((answer) => answer?.content),
        Array.from({ length: 8 }, (_, n) => `You said: number ${n}`),
      );
    },
  },
  {
    name: 'leaves the context as it was',
    rules: ['AI-11'],
    test: async ({ provider }) => {
      const context = contextOf([{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }], {
        systemPrompt: 'Be kind.',
        tools: [{ name: 'look_up', description: 'Looks up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } }],
      });
      const copy = structuredClone(context);
      for (const { ask } of WAYS) await ask(provider, context);
      assert.deepEqual(context, copy);
    },
  },
];
