import { describe, expect, it } from 'vitest';
import { ben } from '../../demo/agents/ben.js';
import { mia } from '../../demo/agents/mia.js';
import { lookupOrder } from '../../demo/agents/orders.js';
import { ScriptedProvider, type Answer, type Conversation } from '../../demo/agents/script.js';
import { tara } from '../../demo/agents/tara.js';

const target = (answer: Answer): unknown => answer.call?.arguments['target'];

describe('the demo’s agents', () => {
  it('Mia brings in whoever knows best', () => {
    expect(target(mia(after('I was charged twice for order 12345')))).toBe('ben');
    expect(target(mia(after('My router is broken')))).toBe('tara');
    expect(target(mia(after('Can I talk to a human?')))).toBe('human');
  });

  it('Mia looks up an order herself, and says what she found', () => {
    expect(mia(after('Where is order 20817?')).call).toEqual({ name: 'lookup_order', arguments: { number: '20817' } });
    expect(mia(after('Where is order 20817?', { results: { lookup_order: order('20817') } })).say).toContain('on its way');
    expect(mia(after('Where is order 99999?', { results: { lookup_order: order('99999') } })).say).toContain('cannot find');
  });

  it('Mia does not fetch a person again when a person hands back to her', () => {
    expect(target(mia(after('I want a human', { takenOverFrom: 'human' })))).toBeUndefined();
  });

  it('Ben reads the charges from the order, refunds when asked to, and hands back when thanked', () => {
    const explained = ben(after('I was charged twice for order 12345', { results: { lookup_order: order('12345') } }));
    expect(explained.say).toContain('€49.90 and €49.90');
    expect(ben(after('yes', { own: [explained.say] })).say).toContain('refund is on its way');
    expect(target(ben(after('thanks', { own: [explained.say] })))).toBe('mia');
  });

  it('Tara goes step by step and gets a person when nothing helps', () => {
    const first = tara(after('My router is broken'));
    const second = tara(after('no, still dead', { own: [first.say] }));
    expect(second.say).not.toBe(first.say);
    expect(target(tara(after('still nothing', { own: [first.say, second.say] })))).toBe('human');
  });

  it('reads the customer’s words out of a conversation of several, and streams the answer in words', async () => {
    const heard: Conversation[] = [];
    const provider = new ScriptedProvider({
      name: 'test',
      thinkingMs: 0,
      wordMs: 0,
      script: (conversation) => {
        heard.push(conversation);
        return { say: 'Three words here', call: { name: 'lookup_order', arguments: {} } };
      },
    });
    const context = {
      messages: [
        { role: 'user', content: '[Context from previous agent (mia)]: about a bill' },
        { role: 'user', content: 'Ada Park: My bill is wrong\nmia: Let me bring in Ben.\nmia: You have just taken over this conversation. Go on.' },
        { role: 'assistant', content: [{ type: 'tool_call', id: 'c', name: 'lookup_order', arguments: {} }] },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'c', name: 'lookup_order', result: '{"item":"lamp"}' }] },
      ],
      tools: [lookupOrder],
      targetMediaTypes: [],
    } as const;
    const items = [];
    for await (const item of provider.generateStream(context)) items.push(item.type === 'text_delta' ? item.text : item.type);
    expect(items).toEqual(['Three ', 'words ', 'here', 'tool_call', 'done']);
    expect(heard[0]).toMatchObject({ said: 'My bill is wrong', customer: ['My bill is wrong'], takenOverFrom: 'mia' });
    expect(heard[0]?.results.get('lookup_order')).toEqual({ item: 'lamp' });
  });

  it('stops in mid-sentence when it is aborted', async () => {
    const provider = new ScriptedProvider({ name: 'test', thinkingMs: 60_000, script: () => ({ say: 'never said' }) });
    const controller = new AbortController();
    const reading = provider.generateStream({ messages: [], tools: [], targetMediaTypes: [] }, { signal: controller.signal }).next();
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});

function after(said: string, given: { own?: string[]; results?: Record<string, unknown>; takenOverFrom?: string } = {}): Conversation {
  return { said, customer: [said], own: given.own ?? [], results: new Map(Object.entries(given.results ?? {})), takenOverFrom: given.takenOverFrom };
}

function order(number: string): unknown {
  const context = { roomId: 'r', channelId: 'mia', turnId: 't', callId: 'c', signal: new AbortController().signal, idempotencyKey: 'k' };
  return lookupOrder.handler?.({ number }, context);
}
