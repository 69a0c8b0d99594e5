/** A trace goes on: from a request into the room, over the store to whoever carries out what it set in motion, and out to vendors. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  AIChannel,
  createWebhookHandler,
  InMemoryStore,
  MockAIProvider,
  SMSChannel,
  type InboundOptions,
  type RoomKitOptions,
  type TelemetryConfig,
  type TraceContext,
} from '../../src/index.js';
import { createHandler } from '../../src/server/index.js';
import { TwilioSMSProvider } from '../../src/providers/twilio/index.js';
import { CarryingTelemetry } from '../support/carrying-telemetry.js';
import { newPath, openStore } from '../support/sqlite.js';
import { makeKit, TestAgent, TestTransport, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SAMPLED: TraceContext = { traceparent: `00-${TRACE}-b7ad6b7169203331-01`, tracestate: 'theirs=1' };
const NOT_SAMPLED: TraceContext = { traceparent: `00-${TRACE}-b7ad6b7169203331-00` };

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const kit of opened.splice(0)) await kit.close();
});

interface Scene extends Harness {
  readonly provider: CarryingTelemetry;
  readonly sms: TestTransport;
  readonly mail: TestTransport;
  say(options?: InboundOptions): Promise<unknown>;
}

async function scene(telemetry: TelemetryConfig = {}, options: Partial<RoomKitOptions> = {}, provider = new CarryingTelemetry()): Promise<Scene> {
  const { kit, clock } = makeKit({ ...options, telemetry: { provider, ...telemetry } });
  opened.push(kit);
  const sms = new TestTransport('sms');
  const mail = new TestTransport('mail', { channelType: 'email' });
  kit.registerChannel(sms);
  kit.registerChannel(mail);
  kit.registerChannel(new TestAgent('bot', () => undefined));
  await kit.ensureRoom({ roomId: 'room' });
  for (const channelId of ['sms', 'mail', 'bot']) await kit.attachChannel('room', channelId);
  const say = async (given?: InboundOptions): Promise<unknown> => {
    const asked = kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room', ...given });
    await clock.advance(1000);
    return asked;
  };
  return { kit, clock, provider, sms, mail, say };
}

const rootOf = ({ provider }: Scene) => provider.of('framework.inbound').at(-1);

describe('a trace that comes with a message', () => {
  it('is carried on, with what its vendors have added', async () => {
    verifies('TEL-08');
    const talk = await scene();
    await talk.say({ trace: { ...SAMPLED } });
    expect(rootOf(talk)?.options.remoteParent).toEqual(SAMPLED);
    expect(talk.provider.spans.every(({ id }) => id.slice(3, 35) === TRACE)).toBe(true);
  });

  it('is that of the request the call is made in', async () => {
    verifies('TEL-08');
    const talk = await scene();
    await talk.kit.continueTrace(new Headers({ ...SAMPLED }), () => talk.say());
    expect(rootOf(talk)?.options.remoteParent).toEqual(SAMPLED);
    await talk.say();
    expect(rootOf(talk)?.options.remoteParent).toBeUndefined();
  });

  it('decides nothing here: how much is recorded is for the kit to say', async () => {
    verifies('TEL-09');
    const none = await scene({ sampleRate: 0 });
    await none.say({ trace: { ...SAMPLED } });
    expect(none.provider.spans).toEqual([]);
    const all = await scene();
    await all.say({ trace: { ...NOT_SAMPLED } });
    expect(rootOf(all)?.options.remoteParent).toEqual({ traceparent: SAMPLED.traceparent });
  });

  it('decides where the host trusts it', async () => {
    verifies('TEL-09');
    const talk = await scene({ sampleRate: 0, incomingTrace: 'trust' });
    await talk.say({ trace: { ...NOT_SAMPLED } });
    await talk.say();
    expect(talk.provider.spans).toEqual([]);
    await talk.say({ trace: { ...SAMPLED } });
    expect(rootOf(talk)?.options.remoteParent).toEqual(SAMPLED);
  });

  it.each([
    ['where it is to be', { incomingTrace: 'ignore' }, SAMPLED],
    ['when it is malformed', {}, { traceparent: `00-${TRACE}-01` }],
    ['when it is malformed, also where it is trusted', { incomingTrace: 'trust' }, { traceparent: `${SAMPLED.traceparent},${SAMPLED.traceparent}` }],
  ] as const)('is ignored %s', async (_when, telemetry, trace) => {
    verifies('TEL-09');
    const talk = await scene(telemetry);
    await talk.say({ trace: { ...trace } });
    expect(talk.provider.spans.length).toBeGreaterThan(0);
    expect(talk.provider.spans.some(({ id, options }) => id.includes(TRACE) || options.remoteParent !== undefined)).toBe(false);
  });

  it('is never taken from what the message says', async () => {
    verifies('TEL-09');
    const talk = await scene();
    const message = { channelId: 'sms', senderId: 'ann', content: 'Hi', metadata: { ...SAMPLED }, rawPayload: { ...SAMPLED } };
    await talk.kit.processInbound(message, { roomId: 'room', wait: 'commit' });
    expect(rootOf(talk)?.options.remoteParent).toBeUndefined();
  });

  it('goes behind a span of the program that is active', async () => {
    verifies('TEL-08');
    const talk = await scene();
    talk.provider.isInsideOther = true;
    await talk.say({ trace: { ...SAMPLED } });
    expect(rootOf(talk)?.options.remoteParent).toBeUndefined();
  });
});

/** A message whose delivery and turn this process cannot carry out; what its rows say of their trace. */
async function leave(path: string, telemetry: TelemetryConfig = {}): Promise<[Scene, (TraceContext | undefined)[]]> {
  const store = await openStore(path);
  const first = await scene(telemetry, { store });
  for (const channelId of ['mail', 'bot']) await first.kit.unregisterChannel(channelId);
  await first.say({ wait: 'commit' });
  const [row] = store.listRows({ roomId: 'room', channelId: 'mail' });
  const [turn] = store.listTurns({ roomId: 'room' });
  await first.kit.close();
  return [first, [row?.trace, turn?.trace]];
}

/** Another process, which can. */
async function takeUp(path: string): Promise<Scene> {
  const second = await scene({}, { store: await openStore(path) }, new CarryingTelemetry(2));
  await second.clock.advance(40_000);
  expect(second.mail.texts).toEqual(['Hi']);
  return second;
}

describe('the work a message leaves', () => {
  it('carries its trace in its rows, and whoever does it later goes on in it', async () => {
    verifies('TEL-08', 'TEL-04');
    const path = newPath();
    const [first, left] = await leave(path);
    const inbound = rootOf(first);
    expect(left).toEqual([{ traceparent: inbound?.id }, { traceparent: inbound?.id }]);
    expect([...first.provider.of('framework.delivery'), ...first.provider.of('framework.turn')]).toEqual([]);
    const second = await takeUp(path);
    const [delivery] = second.provider.of('framework.delivery');
    const [run] = second.provider.of('framework.turn');
    expect([delivery?.options.remoteParent, run?.options.remoteParent]).toEqual([{ traceparent: inbound?.id }, { traceparent: inbound?.id }]);
    expect(delivery?.id.slice(3, 35)).toBe(inbound?.id.slice(3, 35));
  });

  it('is not recorded later when its trace was not', async () => {
    verifies('TEL-01', 'TEL-08');
    const path = newPath();
    const [first, left] = await leave(path, { sampleRate: 0 });
    expect(first.provider.spans).toEqual([]);
    expect(left.map((trace) => trace?.traceparent.slice(-3))).toEqual(['-00', '-00']);
    const second = await takeUp(path);
    expect(second.provider.of('framework.delivery')).toEqual([]);
    expect(second.provider.of('framework.turn')).toEqual([]);
  });

  it('has none without telemetry that knows trace context', async () => {
    verifies('TEL-08');
    const store = new InMemoryStore();
    const { kit } = makeKit({ store });
    opened.push(kit);
    kit.registerChannel(new TestTransport('sms'));
    kit.registerChannel(new TestTransport('mail'));
    await kit.createRoom({ roomId: 'room' });
    for (const channelId of ['sms', 'mail']) await kit.attachChannel('room', channelId);
    await kit.processInbound({ channelId: 'sms', senderId: 'ann', content: 'Hi' }, { roomId: 'room', trace: { ...SAMPLED } });
    const [row] = store.listRows({ roomId: 'room', channelId: 'mail' });
    expect(row).toMatchObject({ roomId: 'room', channelId: 'mail' });
    expect(row).not.toHaveProperty('trace');
  });
});

describe('what runs inside a span', () => {
  it('has that span active: hooks, agents, models, tools and deliveries', async () => {
    verifies('TEL-08');
    const provider = new CarryingTelemetry();
    const active: Record<string, string | undefined> = {};
    const note = (what: string): void => void (active[what] ??= provider.spans.find(({ id }) => id === provider.active.getStore())?.kind);
    const talk = await scene({}, {}, provider);
    const script = [{ toolCalls: [{ id: 'c1', name: 'look', arguments: {} }] }, 'Done.'];
    for (const streaming of [true, false]) {
      const model = new MockAIProvider({ script, streaming });
      const generate = model.generate.bind(model);
      model.generate = (...given) => {
        note('plain model');
        return generate(...given);
      };
      const generateStream = model.generateStream?.bind(model);
      if (generateStream !== undefined) {
        model.generateStream = async function* (...given) {
          await Promise.resolve();
          note('streaming model');
          yield* generateStream(...given);
        };
      }
      const look = { name: 'look', description: 'Looks.', handler: () => Promise.resolve().then(() => (note('tool'), 'seen')) };
      talk.kit.registerChannel(new AIChannel(`model-${streaming}`, { provider: model, tools: [look] }));
      await talk.kit.attachChannel('room', `model-${streaming}`);
    }
    talk.kit.hook('before_broadcast', async () => {
      await Promise.resolve();
      note('hook');
      return { action: 'allow' } as never;
    });
    const live = new TestTransport('live', { channelType: 'websocket', durable: false, deliver: () => void note('live delivery') });
    talk.kit.registerChannel(live);
    await talk.kit.attachChannel('room', 'live');
    const deliver = talk.mail.deliver.bind(talk.mail);
    talk.mail.deliver = (...given) => {
      note('delivery');
      return deliver(...given);
    };
    talk.kit.registerChannel(new TestAgent('noting', () => void note('agent')));
    await talk.kit.attachChannel('room', 'noting');
    await talk.say();
    await talk.clock.advance(5000);
    expect(active).toEqual({
      hook: 'hook.sync',
      agent: 'framework.turn',
      'plain model': 'llm.generate',
      'streaming model': 'llm.generate',
      tool: 'llm.tool_call',
      delivery: 'framework.delivery',
      'live delivery': 'framework.delivery',
    });
  });
});

describe('requests of a kit with telemetry', () => {
  /** An SMS by webhook, which an agent answers by SMS. */
  async function texting(telemetry: TelemetryConfig = {}) {
    const provider = new CarryingTelemetry();
    const { kit, clock } = makeKit({ telemetry: { provider, ...telemetry } });
    opened.push(kit);
    const sent: Headers[] = [];
    const fetch = ((_url: unknown, init?: RequestInit) => {
      sent.push(new Headers(init?.headers));
      return Promise.resolve(Response.json({ sid: `SM${sent.length}`, status: 'queued' }, { status: 201 }));
    }) as typeof globalThis.fetch;
    const vendor = new TwilioSMSProvider({ accountSid: `AC${'0'.repeat(32)}`, authToken: 'secret', fromNumber: '+15550001111', fetch });
    kit.registerChannel(new SMSChannel('sms', { provider: vendor, fromNumber: '+15550001111' }));
    kit.registerChannel(new TestAgent('bot', () => 'Hello!'));
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'sms', { metadata: { phone_number: '+15552223333' } });
    await kit.attachChannel('room', 'bot');
    return { kit, clock, provider, sent, vendor };
  }

  it('tell vendors of the trace that a webhook came with', async () => {
    verifies('TEL-08');
    const { kit, clock, provider, sent, vendor } = await texting();
    const webhook = createWebhookHandler({ kit, provider: vendor, channelId: 'sms', verify: false, insecureAllowUnsigned: true });
    const body = new URLSearchParams({ MessageSid: 'SM9', From: '+15552223333', To: '+15550001111', Body: 'Hi', NumMedia: '0' });
    const request = new Request('http://host/webhooks/sms', { method: 'POST', body, headers: { ...SAMPLED } });
    expect((await webhook(request)).status).toBe(200);
    await clock.advance(1000);
    const [delivery] = provider.of('framework.delivery');
    expect(sent.map((headers) => headers.get('traceparent'))).toEqual([delivery?.id]);
    expect(delivery?.id.slice(3, 35)).toBe(TRACE);
    expect(provider.of('framework.inbound')[0]?.options.remoteParent).toEqual(SAMPLED);
  });

  it.each([[{ outgoingTrace: false }], [{ sampleRate: 0 }]])('tell vendors nothing with %j', async (telemetry) => {
    verifies('TEL-08');
    const { kit, clock, sent } = await texting(telemetry);
    await kit.processInbound({ channelId: 'sms', senderId: '+15552223333', content: 'Hi' }, { roomId: 'room', wait: 'commit' });
    await clock.advance(1000);
    expect(sent.map((headers) => headers.get('traceparent'))).toEqual([null]);
  });

  it('carry on the trace of a call over REST', async () => {
    verifies('TEL-08');
    const talk = await scene();
    const handler = createHandler(talk.kit);
    const answering = handler(
      new Request('http://localhost/api/rooms/room/messages', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...SAMPLED },
        body: JSON.stringify({ channelId: 'sms', senderId: 'ann', content: 'Hi', wait: 'commit' }),
      }),
      { address: '127.0.0.1' },
    );
    await talk.clock.advance(1000);
    expect((await answering).status).toBeLessThan(300);
    expect(rootOf(talk)?.options.remoteParent).toEqual(SAMPLED);
  });
});
