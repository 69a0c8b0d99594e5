/** The help desk with real models' providers, in front of emulators that speak the vendors' protocols. */
import { extractText, getConversationState, InMemoryStore, type RoomEvent, type RoomKit } from 'roomkit';
import { AnthropicEmulator, GeminiEmulator, OpenAIEmulator, VllmEmulator, type ModelRule } from 'roomkit/emulators';
import { describe, expect, it } from 'vitest';
import { chooseModel } from '../../demo/agents/models.js';
import { PROMPTS } from '../../demo/agents/prompts.js';
import { CUSTOMER, ROOM_ID } from '../../demo/cast.js';
import { openHelpDesk } from '../../demo/help-desk.js';

const MODEL = { ROOMKIT_MODEL: 'test-model' };

async function say(kit: RoomKit, content: string): Promise<void> {
  await kit.processInbound({ channelId: CUSTOMER.channelId, senderId: CUSTOMER.participantId, content }, { roomId: ROOM_ID });
}

async function answers(kit: RoomKit): Promise<RoomEvent[]> {
  const events = await kit.getTimeline(ROOM_ID, { limit: 100 });
  return events.filter(({ type, source, visibility }) => type === 'message' && source.channelType === 'ai' && visibility === 'all');
}

/** What Claude would make of a double charge: Mia hands over, Ben looks the order up and tells what he has found. */
const RULES: readonly ModelRule[] = [
  {
    when: ({ system, userText }) => system.includes('You are Mia') && userText.includes('charged twice'),
    reply: {
      text: 'I will bring in Ben.',
      toolCalls: [{ name: 'handoff_conversation', arguments: { target: 'ben', reason: 'Double charge', summary: 'Order 12345 was charged twice' } }],
    },
  },
  {
    when: ({ system, toolResults }) => system.includes('You are Ben') && toolResults.length === 0,
    reply: { text: 'One moment.', toolCalls: [{ name: 'lookup_order', arguments: { number: '12345' } }] },
  },
  {
    when: ({ system }) => system.includes('You are Ben'),
    reply: ({ toolResults }) => `I see ${toolResults[0]?.match(/€49\.90/g)?.length} charges of €49.90.`,
  },
  { when: /.*/s, reply: ({ system }) => `Hello from ${/You are (\w+)/.exec(system)?.[1]}.` },
];

describe('the help desk with a model', () => {
  it('goes through a handoff and a tool call with Claude', async () => {
    await using vendor = await AnthropicEmulator.start({ rules: RULES });
    const model = await chooseModel({ ...MODEL, ANTHROPIC_API_KEY: 'test-key' }, vendor.url);
    expect(model?.name).toBe('Anthropic, test-model');
    await using kit = await openHelpDesk({ store: new InMemoryStore(), model, fast: true });
    await say(kit, 'I was charged twice for order 12345');
    expect((await answers(kit)).map((event) => `${event.source.channelId}: ${extractText(event)}`)).toEqual([
      'mia: I will bring in Ben.',
      'ben: One moment.\n\nI see 2 charges of €49.90.',
    ]);
    expect(getConversationState(await kit.getRoom(ROOM_ID))).toMatchObject({ activeAgentId: 'ben', phase: 'billing' });
    // Each is told who it is, and offered what it may do.
    const asked = vendor.requests.map(({ body }) => body as { system: unknown; tools: { name: string }[] });
    expect(asked).toHaveLength(3);
    expect(
      asked.map(
        ({ system }) => Object.entries(PROMPTS).find(([, prompt]) => JSON.stringify(system).includes(JSON.stringify(prompt).slice(1, -1)))?.[0],
      ),
    ).toEqual(['mia', 'ben', 'ben']);
    for (const { tools } of asked) expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['lookup_order', 'handoff_conversation']));
  });

  it('gives one answer to somebody who writes three lines', async () => {
    await using vendor = await AnthropicEmulator.start({ rules: RULES });
    const model = await chooseModel({ ...MODEL, ANTHROPIC_API_KEY: 'test-key' }, vendor.url);
    await using kit = await openHelpDesk({ store: new InMemoryStore(), model, fast: true });
    await Promise.all(['Hello', 'I have a question', 'about my lamp'].map((words) => say(kit, words)));
    const said = await answers(kit);
    expect(said.map(extractText)).toEqual(['Hello from Mia.']);
    const customers = (await kit.getTimeline(ROOM_ID, { limit: 100 })).filter(({ source }) => source.channelId === CUSTOMER.channelId);
    expect(said[0]?.metadata['answers']).toEqual(customers.filter(({ type }) => type === 'message').map(({ id }) => id));
    expect(vendor.requests).toHaveLength(1);
  });

  it.each([
    ['OpenAI', 'OPENAI_API_KEY', () => OpenAIEmulator.start({ rules: RULES }), (vendor: { url: string }) => `${vendor.url}/v1`],
    ['Gemini', 'GEMINI_API_KEY', () => GeminiEmulator.start({ rules: RULES }), ({ url }: { url: string }) => url],
    ['vLLM', 'ROOMKIT_VLLM_URL', () => VllmEmulator.start({ rules: RULES }), (vendor: { url: string }) => `${vendor.url}/v1`],
  ] as const)('is played by %s when %s is set', async (name, variable, start, addressOf) => {
    await using vendor = await start();
    const chosen = variable === 'ROOMKIT_VLLM_URL' ? addressOf(vendor) : 'test-key';
    const model = await chooseModel({ ...MODEL, [variable]: chosen }, variable === 'ROOMKIT_VLLM_URL' ? undefined : addressOf(vendor));
    expect(model?.name).toBe(`${name}, test-model`);
    await using kit = await openHelpDesk({ store: new InMemoryStore(), model, fast: true });
    await say(kit, 'I was charged twice for order 12345');
    expect((await answers(kit)).map(extractText).at(-1)).toMatch(/I see 2 charges of €49\.90\.$/);
  });
});

describe('which model answers', () => {
  it('is that of the first vendor with a key, by its own default unless one is named', async () => {
    const nameOf = async (environment: NodeJS.ProcessEnv): Promise<string | undefined> => (await chooseModel(environment))?.name;
    expect(await nameOf({})).toBeUndefined();
    expect(await nameOf({ ANTHROPIC_API_KEY: '', ROOMKIT_MODEL: 'large' })).toBeUndefined();
    expect(await nameOf({ ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'b' })).toMatch(/^Anthropic, claude-/);
    expect(await nameOf({ OPENAI_API_KEY: 'b', GEMINI_API_KEY: 'c' })).toMatch(/^OpenAI, gpt-/);
    expect(await nameOf({ GEMINI_API_KEY: 'c', ROOMKIT_MODEL: '' })).toMatch(/^Gemini, gemini-/);
    expect(await nameOf({ ROOMKIT_VLLM_URL: 'http://localhost:8000/v1', ROOMKIT_MODEL: 'mine' })).toBe('vLLM, mine');
  });
});
