import { RoomKit } from 'roomkit';
import { describe, expect, it } from 'vitest';
import { ben } from '../../demo/agents/ben.js';
import { mia } from '../../demo/agents/mia.js';
import { lookupOrder } from '../../demo/agents/orders.js';
import { ScriptedProvider, type Answer, type Conversation } from '../../demo/agents/script.js';
import { tara } from '../../demo/agents/tara.js';
import { answerIn, understand, type Topic } from '../../demo/agents/topics.js';

const target = (answer: Answer): unknown => answer.call?.arguments['target'];

describe('what a message is about', () => {
  it.each<[Topic, readonly string[]]>([
    ['greeting', ['hi', 'Hello!', 'Good morning', 'Helo']],
    ['order', ['Where is order 20817?', '20817', 'when will it arrive?', 'my parcel', 'ordr 12345', 'The delivery was slow']],
    [
      'billing',
      [
        'I was charged twice',
        'refund for order 20817',
        'I was chraged twcie',
        'my bil is wrong',
        'WRONG INVOICE!!!',
        'I would like to speak with Ben',
      ],
    ],
    ['technical', ['My router is broken', 'nothing works', "it doesn't work", 'my keyboard does not charge', 'wi-fi down', 'forgot my pasword']],
    ['human', ['a person please', 'can I speak to someone?', 'I want to complain', 'Get me the manager']],
    ['change', ['cancel my order 31002', 'I want to return a lamp', 'change my delivery address']],
    ['shop', ['what are your opening hours?', 'do you sell headphones?', 'how long does delivery take']],
    ['who', ['who are you?', 'What can you do?', 'help']],
    ['small_talk', ['how are you?', 'tell me a joke']],
    ['thanks', ['thanks', 'Great, thank you', 'that is all']],
    ['bye', ['bye', 'Good-bye? goodbye!']],
    ['yes', ['yes', 'OK', 'sure']],
    ['no', ['no', 'not really', 'I do not want to talk to a person', 'this is not about the bill']],
    ['foreign', ['qué tal', 'Ich brauche bitte Rat']],
    ['other', ['asdfghjkl', '?', '👍', '', '<script>alert(1)</script>', 'x'.repeat(100_000)]],
  ])('%s', (topic, texts) => {
    for (const text of texts) expect([text.slice(0, 40), understand(text).topic]).toEqual([text.slice(0, 40), topic]);
  });

  it('finds the order number, and one that cannot be', () => {
    expect(understand('12345 and 20817').order).toBe('20817');
    expect(understand('order number 1234')).toMatchObject({ order: undefined, wrongNumber: '1234' });
    expect(understand('order 123456').wrongNumber).toBe('123456');
    expect(understand('card •••• •••• •••• 1111')).toMatchObject({ order: undefined, wrongNumber: undefined });
    expect(understand('since 2019 I have had this').wrongNumber).toBeUndefined();
  });

  it('tells yes from no in short answers only', () => {
    expect(['yes please', 'Sure!', 'of course', 'the second one, please'].map(answerIn)).toEqual(['yes', 'yes', 'yes', 'yes']);
    expect(['no, thanks', 'Nope', 'not really'].map(answerIn)).toEqual(['no', 'no', 'no']);
    expect([answerIn('maybe'), answerIn('please tell me where the parcel is that I ordered in May')]).toEqual([undefined, undefined]);
  });
});

describe('the demo’s agents', () => {
  it('Mia brings in whoever knows best', () => {
    expect(target(mia(after('I was charged twice for order 12345')))).toBe('ben');
    expect(target(mia(after('My router is broken')))).toBe('tara');
    expect(target(mia(after('Can I talk to a human?')))).toBe('human');
  });

  it('Mia looks up an order herself, also the one that was spoken of before, and says what she found', () => {
    expect(mia(after('Where is order 20817?')).call).toEqual({ name: 'lookup_order', arguments: { number: '20817' } });
    expect(mia(after('When will it arrive?', { before: ['I have order 31002'] })).call?.arguments).toEqual({ number: '31002' });
    expect(mia(after('Where is order 20817?', { results: { lookup_order: order('20817') } })).say).toContain('is on its way');
    expect(mia(after('Where is order 99999?', { results: { lookup_order: order('99999') } })).say).toContain('cannot find');
    expect(mia(after('Where is my order?')).say).toContain('What is the order number?');
    expect(mia(after('order 1234')).say).toContain('1234 cannot be an order');
  });

  it('Mia offers more each time she does not understand, and in the end a person', () => {
    const own: string[] = [];
    const answers = Array.from({ length: 3 }, () => {
      own.push(mia(after('asdfghjkl', { own })).say);
      return own.at(-1);
    });
    expect(new Set(answers).size).toBe(3);
    expect(target(mia(after('yes', { own })))).toBe('human');
    expect(target(mia(after('no', { own })))).toBeUndefined();
  });

  it('Mia takes what was said to a colleague for no question to her', () => {
    for (const takenOverFrom of ['human', 'ben', 'tara']) {
      const back = mia(after('yes, it works', { takenOverFrom }));
      expect([back.say, back.call]).toEqual(['Here I am again. What can I do for you?', undefined]);
    }
    expect(target(mia(after('I want a human', { takenOverFrom: 'human' })))).toBeUndefined();
    expect(target(mia(after('the wifi is down', { takenOverFrom: 'ben' })))).toBe('tara');
    expect(mia(after('where is order 20817', { takenOverFrom: 'ben' })).call?.arguments).toEqual({ number: '20817' });
  });

  it('Ben reads the charges from the order, asks for leave to refund, tells what came of it, and hands back when thanked', () => {
    const explained = ben(after('I was charged twice for order 12345', { results: { lookup_order: order('12345') } }));
    expect(explained.say).toContain('€49.90 and €49.90');
    const asked = ben(after('yes', { own: [explained.say] }));
    expect(asked.call).toEqual({ name: 'refund', arguments: { number: '12345', amount: '€49.90' } });
    expect(ben(after('how is it going?', { own: [explained.say, asked.say] })).say).toContain('not decided yet');
    const outcome = (refund: unknown): string => ben(after('yes', { own: [explained.say, asked.say], results: { refund } })).say;
    expect(outcome({ error: 'A person has rejected this call.' })).toContain('was not allowed');
    const refunded = { say: outcome({ refunded: '€49.90' }) };
    expect(refunded.say).toContain('The refund for order 12345 is on its way');
    expect(ben(after('how long does it take?', { own: [refunded.say] })).say).toContain('three working days');
    expect(ben(after('12345 again', { own: [explained.say, refunded.say], results: { lookup_order: order('12345') } })).say).toContain(
      'under way already',
    );
    expect(ben(after('no', { own: [explained.say] })).say).toContain('leave it as it is');
    expect(target(ben(after('thanks', { own: [explained.say] })))).toBe('mia');
    expect(target(ben(after('no', { own: [refunded.say] })))).toBe('mia');
  });

  it('Ben gets a person for what he cannot settle', () => {
    const right = ben(after('bill of 20817', { results: { lookup_order: order('20817') } }));
    expect(right.say).toContain('charged once: €32.00');
    const offered = ben(after('It should be 30', { own: [right.say] }));
    expect(target(ben(after('yes', { own: [offered.say] })))).toBe('human');
    expect(ben(after('I do not know the number', { own: ['Hello'] })).say).toContain('colleague');
  });

  it('Tara goes step by step, with other steps for a password, and gets a person when nothing helps', () => {
    const first = tara(after('My router is broken'));
    const second = tara(after('no, still dead', { own: [first.say] }));
    expect(second.say).not.toBe(first.say);
    expect(target(tara(after('still nothing', { own: [first.say, second.say] })))).toBe('human');
    expect(tara(after('why?', { own: [first.say] })).say).toContain('stuck inside');
    expect(tara(after('my password does not work')).say).toContain('Forgotten password');
    for (const words of ['yes', 'it works now', 'that helped, thanks']) expect(target(tara(after(words, { own: [first.say] })))).toBe('mia');
    for (const words of ['no', 'it still does not work', 'not working']) expect(target(tara(after(words, { own: [first.say] })))).toBeUndefined();
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
        { role: 'assistant', content: 'Said when it had the conversation before.' },
        { role: 'user', content: 'Ada Park: My bill\nis wrong\nmia: Let me bring in Ben.\nmia: You have just taken over this conversation. Go on.' },
        { role: 'assistant', content: [{ type: 'tool_call', id: 'c', name: 'lookup_order', arguments: {} }] },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'c', name: 'lookup_order', result: '{"item":"lamp"}' }] },
      ],
      tools: [lookupOrder],
      targetMediaTypes: [],
    } as const;
    const items = [];
    for await (const item of provider.generateStream(context)) items.push(item.type === 'text_delta' ? item.text : item.type);
    expect(items).toEqual(['Three ', 'words ', 'here', 'tool_call', 'done']);
    expect(heard[0]).toMatchObject({ said: 'My bill\nis wrong', customer: ['My bill\nis wrong'], own: [], takenOverFrom: 'mia' });
    expect(heard[0]?.results.get('lookup_order')).toEqual({ item: 'lamp' });
  });

  it('says that nobody can be reached when a handoff was refused, instead of asking for it again', async () => {
    const provider = new ScriptedProvider({ name: 'mia', script: mia });
    const context = {
      messages: [
        { role: 'user', content: 'My bill is wrong' },
        { role: 'assistant', content: [{ type: 'tool_call', id: 'c', name: 'handoff_conversation', arguments: {} }] },
        { role: 'tool', content: [{ type: 'tool_result', toolCallId: 'c', name: 'handoff_conversation', result: '{"accepted":false}' }] },
      ],
      tools: [],
      targetMediaTypes: [],
    } as const;
    expect(await provider.generate(context)).toMatchObject({ content: expect.stringContaining('cannot reach anybody'), toolCalls: [] });
  });

  it('stops in mid-sentence when it is aborted', async () => {
    const provider = new ScriptedProvider({ name: 'test', thinkingMs: 60_000, script: () => ({ say: 'never said' }) });
    const controller = new AbortController();
    const reading = provider.generateStream({ messages: [], tools: [], targetMediaTypes: [] }, { signal: controller.signal }).next();
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});

function after(
  said: string,
  given: { before?: string[]; own?: string[]; results?: Record<string, unknown>; takenOverFrom?: string } = {},
): Conversation {
  const { before = [], own = [], results = {}, takenOverFrom } = given;
  return { said, customer: [...before, said], own, asked: own.at(-1) ?? '', results: new Map(Object.entries(results)), takenOverFrom };
}

function order(number: string): unknown {
  const context = {
    roomId: 'r',
    channelId: 'mia',
    turnId: 't',
    callId: 'c',
    signal: new AbortController().signal,
    idempotencyKey: 'k',
    kit: new RoomKit(),
  };
  return lookupOrder.handler?.({ number }, context);
}
