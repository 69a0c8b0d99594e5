/** What all text channels share: limits and typed taps, through a kit and a vendor that does what it is told. */
import { describe, expect, it } from 'vitest';
import { HookResult, InMemoryStore, smsSegments, type Card, type ChannelOutput, type EventContent, type InboundResult } from '../../src/index.js';
import { TestAgent, textOf } from '../support/harness.js';
import { phone } from '../support/phone.js';
import { newPath, openStore } from '../support/sqlite.js';
import { verifies } from '../requirements.js';

describe('the length of a text message', () => {
  it('F26 1600 units with an emoji at the border: what does not fit goes whole into the next part', async () => {
    verifies('F26', 'TRC-03');
    const family = '👨‍👩‍👧‍👦';
    const { kit, say, texts } = await phone();
    await say('a'.repeat(1600));
    await say('a'.repeat(1598) + '😀');
    await say('a'.repeat(1599) + '😀');
    await say('a'.repeat(1595) + family);
    expect(texts()).toEqual(['a'.repeat(1600), 'a'.repeat(1598) + '😀', 'a'.repeat(1599), '😀', 'a'.repeat(1595), family]);
    await kit.close();

    const cut = await phone({ capabilities: { mediaTypes: ['text'], maxLength: 1600 } });
    await cut.say('a'.repeat(1596) + '😀bcd');
    await cut.say('a'.repeat(1590) + family + 'b');
    expect(cut.texts()).toEqual(['a'.repeat(1596) + '...', 'a'.repeat(1590) + '...']);
    await cut.kit.close();
  });

  it('F26 parts go in order, each under its own key, and after a failure on from the first that was not taken', async () => {
    verifies('F26', 'TRC-03', 'OUT-05');
    const { kit, clock, provider, say, texts } = await phone();
    const [one, two, three] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(1499)}.`);
    provider.onSend = ({ part, attempt }) => {
      if (part?.index === 1 && attempt === 1) throw new Error('down');
    };
    const call = say(`${one} ${two} ${three}`);
    const behind = say('and this');
    await clock.advance(60_000);
    expect((await call).deliveryResults['sms']).toMatchObject({ status: 'sent', attempts: 2 });
    await behind;
    expect(texts()).toEqual([one, two, three, 'and this']);
    expect(provider.requests.map(({ part, attempt }) => [part?.index, part?.count, attempt])).toEqual([
      [0, 3, 1],
      [1, 3, 1],
      [1, 3, 2],
      [2, 3, 2],
      [undefined, undefined, 1],
    ]);
    const keys = provider.sent.map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(4);
    expect(provider.requests[1]?.idempotencyKey).toBe(provider.requests[2]?.idempotencyKey);
    await kit.close();
  });

  it('F26 a table whose writer fails in the middle of a row arrives as far as it came, cut between rows', async () => {
    verifies('F26', 'TRC-03', 'STR-04', 'STR-05');
    const { kit, texts } = await phone({ capabilities: { mediaTypes: ['text'], maxLength: 320, overflow: 'split' } });
    const head = '| order | state | when |\n|---|---|---|\n';
    const rows = Array.from({ length: 30 }, (_, row) => `| no. ${row} | on its way | 2026-11-${String(row + 1).padStart(2, '0')} |\n`);
    const agent: TestAgent = new TestAgent('bot', (): ChannelOutput => ({
      responded: true,
      responseStream: {
        deltas: (async function* () {
          for (const piece of [head, ...rows]) yield await Promise.resolve(piece);
          yield '| no. 30 | on i';
          throw new Error('the vendor hung up');
        })(),
        placeholder: { source: { ...agent.source, direction: 'outbound' }, content: { type: 'text', body: '' } },
        finish: () => ({ endReason: 'completed', usage: {} }),
      },
    }));
    kit.registerChannel(agent);
    await kit.attachChannel('r', 'bot');
    await kit.processInbound({ channelId: 'sms', senderId: '+15550100', content: 'where are my orders?' }, { roomId: 'r' });
    const parts = texts();
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.join('\n')).toBe(`${head}${rows.join('')}| no. 30 | on i`);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(320);
      expect(part.startsWith('|')).toBe(true);
      expect(part.endsWith('|') || part === parts.at(-1)).toBe(true);
      expect(smsSegments(part).segments).toBeLessThanOrEqual(3);
    }
    await kit.close();
  });
});

const pizza: EventContent = {
  type: 'rich',
  body: 'Which one?',
  buttons: [
    { id: 'b-1', label: 'Margherita', kind: 'reply', value: 'm' },
    { id: 'b-2', label: 'Funghi', kind: 'reply' },
    { id: 'b-3', label: 'See all', kind: 'url', url: 'https://pizza.example' },
  ],
  quickReplies: ['No thanks', { id: 'q-5', label: 'Later', value: 'l' }],
};

/** What the message became: its text, and what was tapped. */
function said(result: InboundResult): unknown {
  return [result.event && textOf(result.event), result.event?.metadata['action']];
}

describe('a typed number or label', () => {
  it('is the tap of what the newest message offered, as from any vendor', async () => {
    verifies('TRC-05');
    const { kit, say, texts, answer } = await phone();
    const offer = await say(pizza);
    expect(texts()).toEqual(['Which one?\n1. Margherita\n2. Funghi\n3. See all: https://pizza.example\n4. No thanks\n5. Later']);
    expect(said(await answer('1'))).toEqual(['Margherita', { id: 'b-1', value: 'm', kind: 'reply', source_event_id: offer.event?.id, typed: '1' }]);
    for (const typed of ['1', ' 1. ', '1)', 'margherita', 'MARGHERITA\n']) {
      await say(pizza); // nobody is held to an older one
      expect(said(await answer(typed))).toMatchObject(['Margherita', { id: 'b-1' }]);
    }
    const again = await say(pizza);
    expect(said(await answer('2'))).toEqual(['Funghi', { id: 'b-2', kind: 'reply', source_event_id: again.event?.id, typed: '2' }]);
    expect(said(await answer('4'))).toEqual(['No thanks', { id: 'No thanks', kind: 'reply', source_event_id: again.event?.id, typed: '4' }]);
    expect(said(await answer('later'))).toEqual([
      'Later',
      { id: 'q-5', value: 'l', kind: 'reply', source_event_id: again.event?.id, typed: 'later' },
    ]);
    await kit.close();
  });

  it('is an ordinary message when it is none of them', async () => {
    verifies('TRC-05');
    const { kit, say, answer } = await phone();
    const isOrdinary = async (typed: string): Promise<void> => expect(said(await answer(typed))).toEqual([typed, undefined]);
    await isOrdinary('1');
    await say(pizza);
    // A link comes back from nowhere; the rest is out of range, or more than an answer.
    for (const typed of ['3', '0', '6', '99', '-1', '1 2', '1 please', 'one', 'See all', 'Marg', '１']) await isOrdinary(typed);
    await isOrdinary('2');
    await kit.close();
  });

  it('counts for the newest choice: numbers until something else is said, labels for five messages', async () => {
    verifies('TRC-05');
    const { kit, say, answer } = await phone();
    await say(pizza);
    const newest = await say({ type: 'rich', body: 'And to drink?', quickReplies: ['Water', 'Wine'] });
    expect(said(await answer('1'))).toMatchObject(['Water', { source_event_id: newest.event?.id }]);
    expect(said(await answer('3'))).toEqual(['3', undefined]);
    expect(said(await answer('Funghi'))).toEqual(['Funghi', undefined]);
    await say('How many?');
    expect(said(await answer('2'))).toEqual(['2', undefined]);
    expect(said(await answer('wine'))).toEqual(['wine', undefined]); // the sixth
    await say(pizza);
    await answer('hm');
    await say('Take your time.');
    expect(said(await answer('funghi'))).toMatchObject(['Funghi', { id: 'b-2' }]);
    await say(pizza);
    for (let n = 0; n < 4; n++) await answer('hm');
    expect(said(await answer('1'))).toMatchObject(['Margherita', { id: 'b-1' }]);
    expect(said(await answer('1'))).toEqual(['1', undefined]);
    await kit.close();
  });

  it('does not count where it could mean two things, or where the person saw none of it', async () => {
    verifies('TRC-05');
    const { kit, say, answer, texts } = await phone();
    const buy = (id: string): Card => ({ title: id, buttons: [{ id, label: 'Buy', kind: 'reply' }] });
    await say({
      type: 'composite',
      parts: [
        { type: 'rich', body: 'Two', cards: [buy('a'), buy('b')], buttons: [{ id: 'c', label: 'None', kind: 'reply' }] },
        { type: 'rich', body: 'or', quickReplies: ['2'] },
      ],
    });
    // Numbers run on through the whole message.
    expect(texts()).toEqual(['Two\na\n1. Buy\nb\n2. Buy\n3. None\nor\n4. 2']);
    expect(said(await answer('buy'))).toEqual(['buy', undefined]);
    expect(said(await answer('1'))).toMatchObject(['Buy', { id: 'a' }]);
    expect(said(await answer('3'))).toMatchObject(['None', { id: 'c' }]);
    expect(said(await answer('2'))).toMatchObject(['2', { id: '2' }]); // what it is called goes before what number it has
    await kit.sendEvent('r', 'desk', pizza, { visibility: 'desk' });
    expect(said(await answer('Funghi'))).toEqual(['Funghi', undefined]);
    const gone = await say(pizza);
    await kit.processInbound(
      { channelId: 'desk', senderId: 'colleague', content: { type: 'delete', targetEventId: gone.event?.id ?? '' } },
      { roomId: 'r' },
    );
    expect(said(await answer('Funghi'))).toEqual(['Funghi', undefined]);
    const own = await answer(pizza);
    expect(own.event?.content.type).toBe('rich');
    expect(said(await answer('Funghi'))).toEqual(['Funghi', undefined]);
    await kit.close();
  });

  it('follows an edit of the choices, and leaves alone who brings a tap of the vendor', async () => {
    verifies('TRC-05');
    const { kit, say, answer } = await phone();
    const offer = await say(pizza);
    const targetEventId = offer.event?.id ?? '';
    const edit: EventContent = { type: 'edit', targetEventId, newContent: { type: 'rich', body: 'Which?', quickReplies: ['Calzone', 'Marinara'] } };
    await kit.processInbound({ channelId: 'desk', senderId: 'colleague', content: edit }, { roomId: 'r' });
    expect(said(await answer('2'))).toEqual(['Marinara', { id: 'Marinara', kind: 'reply', source_event_id: targetEventId, typed: '2' }]);
    expect(said(await answer('1', { action: { id: 'x', kind: 'reply' } }))).toEqual(['1', { id: 'x', kind: 'reply' }]);
    await kit.close();
  });

  it('is not looked for where the channel shows everything, nor by number under a transcoder of the host', async () => {
    verifies('TRC-05', 'TRC-04');
    const rich = {
      mediaTypes: ['text', 'rich'],
      supportsRichText: true,
      supportsButtons: true,
      supportsQuickReplies: true,
      supportsCards: true,
    } as const;
    const shown = await phone({ capabilities: rich });
    await shown.say(pizza);
    expect(said(await shown.answer('1'))).toEqual(['1', undefined]);
    expect(said(await shown.answer('Funghi'))).toEqual(['Funghi', undefined]);
    await shown.kit.close();

    const three = await phone({ capabilities: { ...rich, maxButtons: 1 } });
    await three.say(pizza);
    expect(said(await three.answer('1'))).toMatchObject(['Funghi', { id: 'b-2' }]);
    expect(said(await three.answer('Margherita'))).toEqual(['Margherita', undefined]);
    await three.kit.close();

    const lettered = await phone({}, { transcoder: { transcode: () => ({ type: 'text', body: 'A) Margherita B) Funghi' }) } });
    await lettered.say(pizza);
    expect(said(await lettered.answer('1'))).toEqual(['1', undefined]);
    expect(said(await lettered.answer('Funghi'))).toMatchObject(['Funghi', { id: 'b-2' }]);
    await lettered.kit.close();
  });

  it('is seen by gates and agents as the tap, in the order in which people wrote', async () => {
    verifies('TRC-05', 'INB-07');
    const { kit, say } = await phone();
    const agent = new TestAgent('bot', () => undefined);
    kit.registerChannel(agent);
    await kit.attachChannel('r', 'bot');
    const gated: unknown[] = [];
    kit.hook('before_broadcast', { name: 'watch', directions: ['inbound'] }, (event) => {
      gated.push([textOf(event), event.metadata['action'] !== undefined]);
      return HookResult.allow();
    });
    await say(pizza);
    gated.length = 0;
    const typed = ['hello', '1', 'or rather', '2', 'thanks'];
    await Promise.all(typed.map((content) => kit.processInbound({ channelId: 'sms', senderId: '+15550100', content }, { roomId: 'r' })));
    expect(gated).toEqual([
      ['hello', false],
      ['Margherita', true],
      ['or rather', false],
      ['Funghi', true],
      ['thanks', false],
    ]);
    expect(agent.asked.slice(-5).map(textOf)).toEqual(['hello', 'Margherita', 'or rather', 'Funghi', 'thanks']);
    await kit.close();
  });

  it('is known to the process after a crash by one look, and costs rooms without choices none', async () => {
    verifies('TRC-05', 'INB-04');
    const path = newPath();
    const first = await phone({}, { store: await openStore(path) });
    await first.say(pizza);
    await first.kit.close();
    let looks = 0;
    const store = await openStore(path);
    const listEvents = store.listEvents.bind(store);
    store.listEvents = (...given) => (looks++, listEvents(...given));
    const second = await phone({}, { store });
    expect(said(await second.answer('2'))).toMatchObject(['Funghi', { id: 'b-2' }]);
    expect(said(await second.answer('1'))).toMatchObject(['Margherita', { id: 'b-1' }]);
    for (const words of ['hello', 'you', '3']) await second.answer(words);
    await second.say('yes?');
    await second.answer('2');
    expect(looks).toBe(1);
    await second.kit.close();

    // The same of a store in memory that an earlier kit has used.
    const shared = new InMemoryStore();
    const before = await phone({}, { store: shared });
    await before.say(pizza);
    await before.kit.close();
    const after = await phone({}, { store: shared });
    expect(said(await after.answer('2'))).toMatchObject(['Funghi', { id: 'b-2' }]);
    await after.kit.close();

    const { kit, say, answer } = await phone();
    kit.store.listEvents = () => {
      throw new Error('nobody asked for that');
    };
    await say('hello');
    expect(said(await answer('1'))).toEqual(['1', undefined]);
    await kit.close();
  });
});
