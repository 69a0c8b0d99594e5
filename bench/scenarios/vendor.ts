/** agent_turn_vendor: what a turn costs of our own, beside the vendor's own client asked for the same answer on the same wire. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import Anthropic from '@anthropic-ai/sdk';
import { Agent, RoomKit, SlidingWindowMemory, WebSocketChannel } from 'roomkit';
import { AnthropicAIProvider } from 'roomkit/anthropic';
import { atMost } from '../figures.js';
import { BODY, check, type Bench, type Scenario } from '../harness.js';
import { addRoom, Counter } from '../rooms.js';

const ANSWER = 'Your order 12345 is on its way.';
const PROMPT = 'You help customers.';
const WINDOW = 50;
const KEY = 'test-key';
const MODEL = 'test-model';

/** Processor time, in milliseconds for each turn: what counts is what the process has to do, not how long the wire takes. */
export const agentTurnVendor: Scenario = {
  name: 'agent_turn_vendor',
  async run(bench) {
    const turns = bench.size(400, 3);
    const { url, vendor } = await startVendor();
    const counter = new Counter();
    const kit = await kitOf(url, counter);
    const client = new Anthropic({ apiKey: KEY, baseURL: url, maxRetries: 0 });
    try {
      const ours = (): Promise<void> => throughKit(kit, counter, turns);
      const alone = (): Promise<void> => throughClient(client, turns);
      if (!bench.options.quick) {
        await ours(); // fills the window, too
        await alone();
      }
      const added: number[] = [];
      const whole: number[] = [];
      const limit: number[] = [];
      for (let repetition = 0; repetition < bench.repetitions; repetition++) {
        const plain = await millisecondsPerTurn(alone, turns);
        const full = await millisecondsPerTurn(ours, turns);
        limit.push(plain);
        whole.push(full);
        added.push(full - plain);
      }
      report(bench, whole, limit, added);
    } finally {
      await kit.close();
      vendor.disconnect();
    }
  },
};

function report(bench: Bench, whole: readonly number[], limit: readonly number[], added: readonly number[]): void {
  bench.report('turn', 'ms of CPU', whole, { limit });
  bench.report('added by us', 'ms of CPU', added, { goal: atMost(1) });
}

async function millisecondsPerTurn(work: () => Promise<void>, turns: number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / turns;
}

async function throughKit(kit: RoomKit, counter: Counter, turns: number): Promise<void> {
  counter.delivered = 0;
  for (let n = 0; n < turns; n++) await kit.processInbound({ channelId: 'web', senderId: 'user-1', content: BODY }, { roomId: 'room' });
  check(counter.delivered === turns, `${counter.delivered} answers instead of ${turns}`);
}

/** The same request that the kit makes once its window is full. */
async function throughClient(client: Anthropic, turns: number): Promise<void> {
  const messages: Anthropic.MessageParam[] = Array.from({ length: WINDOW + 1 }, (_, n) => ({
    role: n % 2 === 0 ? 'user' : 'assistant',
    content: [{ type: 'text', text: n % 2 === 0 ? BODY : ANSWER, ...(n >= WINDOW - 1 && { cache_control: { type: 'ephemeral' } }) }],
  }));
  for (let n = 0; n < turns; n++) {
    const events = await client.messages.create({
      model: MODEL,
      max_tokens: 4096,
      system: [{ type: 'text', text: PROMPT, cache_control: { type: 'ephemeral' } }],
      messages,
      stream: true,
    });
    let text = '';
    for await (const event of events) if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
    check(text === ANSWER, `the vendor says “${text}”`);
  }
}

async function kitOf(baseUrl: string, counter: Counter): Promise<RoomKit> {
  const kit = new RoomKit();
  const web = new WebSocketChannel('web');
  kit.registerChannel(web);
  web.registerConnection('connection', counter.send, { roomIds: ['room'] });
  const provider = new AnthropicAIProvider({ apiKey: KEY, model: MODEL, baseUrl });
  kit.registerChannel(new Agent('agent', { provider, systemPrompt: PROMPT, memory: new SlidingWindowMemory({ maxEvents: WINDOW }) }));
  await addRoom(kit, 'room', ['web', 'agent']);
  return kit;
}

async function startVendor(): Promise<{ url: string; vendor: ChildProcess }> {
  const isSource = import.meta.url.endsWith('.ts');
  const vendor = fork(new URL(isSource ? '../vendor.ts' : '../vendor.js', import.meta.url), [ANSWER], {
    execArgv: isSource ? ['--import', 'tsx'] : [],
  });
  const [url] = (await once(vendor, 'message')) as [string];
  return { url, vendor };
}
