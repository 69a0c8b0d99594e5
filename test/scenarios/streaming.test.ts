/** A reply that is still being written (behaviour §18.2), with a real WebSocket channel watching. */
import { describe, expect, it } from 'vitest';
import {
  AIChannel,
  HookResult,
  WebSocketChannel,
  type AIProvider,
  type ChannelOutput,
  type EphemeralEvent,
  type ResponseStream,
} from '../../src/index.js';
import { gapless, makeKit, messagesOf, TestAgent, TestTransport, textOf, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

type Deltas = () => AsyncGenerator<string>;

/** An agent that writes its reply piece by piece. */
function streamer(deltas: Deltas, finish: Partial<ReturnType<ResponseStream['finish']>> = {}): TestAgent & { begun: number } {
  const state = { begun: 0 };
  const agent: TestAgent = new TestAgent('bot', (): ChannelOutput => ({
    responded: true,
    responseStream: {
      deltas: (async function* () {
        state.begun++;
        yield* deltas();
      })(),
      placeholder: { source: { ...agent.source, direction: 'outbound' }, content: { type: 'text', body: '' } },
      finish: () => ({ endReason: 'completed', usage: { output_tokens: 3 }, ...finish }),
    },
  }));
  return Object.defineProperty(agent, 'begun', { get: () => state.begun }) as TestAgent & { begun: number };
}

async function* words(): AsyncGenerator<string> {
  for (const word of ['one', ' two', ' three']) yield await Promise.resolve(word);
}

interface Watched extends Harness {
  readonly frames: string[];
  readonly sms: TestTransport;
  readonly roomId: string;
}

/** A customer at a browser, a colleague by SMS, and the agent. */
async function open(agent: TestAgent): Promise<Watched> {
  const harness = makeKit();
  const { kit } = harness;
  const web = new WebSocketChannel('web');
  const frames: string[] = [];
  const sms = new TestTransport('sms');
  await kit.createRoom({ roomId: 'room' });
  for (const channel of [web, sms, agent]) {
    kit.registerChannel(channel);
    await kit.attachChannel('room', channel.channelId);
  }
  web.registerConnection(
    'browser',
    (frame) => {
      if (frame.type === 'event') frames.push(`event ${textOf(frame.event)}`);
    },
    {
      roomIds: ['room'],
      streamSend: (frame) => {
        if (frame.type === 'stream_chunk') frames.push(`chunk ${frame.text}`);
        else if (frame.type === 'stream_end') frames.push(`end ${textOf(frame.event)}`);
        else if (frame.type === 'stream_error') frames.push(`error ${frame.code}${frame.event === undefined ? '' : ` ${textOf(frame.event)}`}`);
        else frames.push('start');
      },
    },
  );
  return { ...harness, frames, sms, roomId: 'room' };
}

const ask = { channelId: 'sms', senderId: 'u', content: 'question' };

describe('a streamed reply', () => {
  it('is previewed to all who can watch, committed once, and delivered once to those who cannot', async () => {
    verifies('STR-01', 'STR-02', 'STR-03', 'STR-08', 'TURN-03', 'WS-05', 'INV-13');
    const { kit, frames, sms, roomId } = await open(streamer(words));
    kit.registerChannel(new TestTransport('mail'));
    await kit.attachChannel(roomId, 'mail');
    const result = await kit.processInbound(ask, { roomId });
    expect(frames).toEqual(['event question', 'start', 'chunk one', 'chunk one two', 'chunk one two three', 'end one two three']);
    expect(sms.texts).toEqual(['one two three']);
    expect((kit.getChannel('mail') as TestTransport).texts).toEqual(['question', 'one two three']);
    expect(result.turns).toMatchObject([{ state: 'committed', usage: { output_tokens: 3 } }]);
    const [, reply] = messagesOf(await gapless(kit, roomId));
    expect(await kit.store.getTurn(result.turns[0]?.turnId ?? '')).toMatchObject({ state: 'committed', replyEventIds: [reply?.id] });
    expect((await kit.listDeliveries({ roomId })).map((row) => [row.channelId, row.state])).toEqual([
      ['mail', 'sent'],
      ['sms', 'sent'],
      ['mail', 'sent'],
    ]);
    await kit.close();
  });

  it('is not previewed while a gate that does not allow it could still stop it', async () => {
    verifies('STR-02');
    const { kit, frames, roomId } = await open(streamer(words));
    const remove = kit.hook('before_broadcast', { name: 'strict' }, () => HookResult.allow());
    await kit.processInbound(ask, { roomId });
    expect(frames.splice(0)).toEqual(['event question', 'event one two three']);
    remove();
    kit.hook('before_broadcast', { name: 'inbound only', directions: ['inbound'] }, () => HookResult.allow());
    await kit.processInbound(ask, { roomId });
    expect(frames.splice(0)).toContain('start');
    await kit.close();
  });

  it('that is blocked in the end is taken back, one that is changed ends with the new text', async () => {
    verifies('STR-02', 'INV-05');
    const { kit, frames, sms, roomId } = await open(streamer(words));
    let verdict: 'block' | 'modify' = 'block';
    kit.hook('before_broadcast', { name: 'late', preview: true }, (event) => {
      if (event.chainDepth === 0) return HookResult.allow();
      return verdict === 'block' ? HookResult.block('no') : HookResult.modify({ ...event, content: { type: 'text', body: 'censored' } });
    });
    const blocked = await kit.processInbound(ask, { roomId });
    expect(frames.splice(0).slice(1)).toEqual(['start', 'chunk one', 'chunk one two', 'chunk one two three', 'error blocked']);
    expect(sms.texts).toEqual([]);
    expect((await kit.store.getTurn(blocked.turns[0]?.turnId ?? ''))?.state).toBe('committed');
    verdict = 'modify';
    await kit.processInbound(ask, { roomId });
    expect(frames.at(-1)).toBe('end censored');
    expect(sms.texts).toEqual(['censored']);
    expect(messagesOf(await gapless(kit, roomId)).map((event) => event.status)).toEqual(['delivered', 'blocked', 'delivered', 'delivered']);
    await kit.close();
  });

  it('that nobody watches is gathered and delivered once', async () => {
    verifies('STR-04');
    const agent = streamer(words);
    const { kit } = makeKit();
    const sms = new TestTransport('sms');
    await kit.createRoom({ roomId: 'room' });
    for (const channel of [sms, agent]) {
      kit.registerChannel(channel);
      await kit.attachChannel('room', channel.channelId);
    }
    await kit.processInbound(ask, { roomId: 'room' });
    expect(sms.texts).toEqual(['one two three']);
    await kit.close();
  });

  it('F24 stream_dies_half_way', async () => {
    verifies('F24', 'STR-03', 'STR-05');
    const { kit, frames, sms, roomId } = await open(
      streamer(async function* () {
        yield 'half a';
        await Promise.resolve();
        throw new Error('the vendor hung up');
      }),
    );
    const errors: string[] = [];
    kit.hook('on_error', (error) => void errors.push(error.category));
    const result = await kit.processInbound(ask, { roomId });
    expect(frames.slice(1)).toEqual(['start', 'chunk half a', 'error internal half a']);
    expect(sms.texts).toEqual(['half a']);
    expect(result.turns).toMatchObject([{ state: 'failed', error: { code: 'internal' } }]);
    expect(JSON.stringify(result)).not.toContain('hung up');
    const [, reply] = messagesOf(await gapless(kit, roomId));
    expect(reply).toMatchObject({ content: { body: 'half a' }, metadata: { partial: true } });
    expect(errors).toEqual(['turn']);
    await kit.close();
  });

  it('that fails before its first word, or is empty, leaves nothing', async () => {
    verifies('STR-05');
    for (const [deltas, state] of [
      [
        async function* (): AsyncGenerator<string> {
          await Promise.resolve();
          yield '';
          throw new Error('dead');
        },
        'failed',
      ],
      [
        async function* (): AsyncGenerator<string> {
          await Promise.resolve();
          yield '';
        },
        'empty',
      ],
    ] as const) {
      const { kit, frames, roomId } = await open(streamer(deltas));
      const result = await kit.processInbound(ask, { roomId });
      expect(result.turns).toMatchObject([{ state }]);
      expect(frames).toEqual(['event question']);
      expect(messagesOf(await gapless(kit, roomId))).toHaveLength(1);
      await kit.close();
    }
  });

  it('F42 mute_silences_streams', async () => {
    verifies('F42', 'PERM-03');
    const agent = streamer(words);
    const { kit, frames, roomId } = await open(agent);
    await kit.mute(roomId, 'bot');
    await kit.processInbound(ask, { roomId });
    expect(agent.begun).toBe(0);
    expect(frames).toEqual(['event question']);
    await kit.unmute(roomId, 'bot');
    await kit.attachChannel(roomId, 'web', { outputMuted: true });
    frames.length = 0;
    await kit.processInbound(ask, { roomId });
    expect(agent.begun).toBe(1);
    expect(frames).toEqual([]);
    await kit.close();
  });

  it("ends when the turn's time is up, with what there is", async () => {
    verifies('STR-05', 'TURN-02', 'STR-07');
    let returned = false;
    const harness = await open(
      streamer(async function* () {
        try {
          yield 'so far';
          await new Promise(() => undefined);
        } finally {
          returned = true;
        }
      }),
    );
    const { kit, clock, sms, roomId } = harness;
    const call = kit.processInbound(ask, { roomId });
    await clock.advance(300_000);
    expect((await call).turns).toMatchObject([{ state: 'failed', endReason: 'timeout' }]);
    expect(sms.texts).toEqual(['so far']);
    expect(returned).toBe(false); // it hangs inside: nobody waits for it
    await kit.close();
  });

  it('shows nobody what a model thinks', async () => {
    verifies('STR-07');
    const { kit, clock } = makeKit();
    const web = new WebSocketChannel('web');
    kit.registerChannel(web);
    const provider: AIProvider = {
      name: 'thinker',
      modelName: 'thinker',
      supportsVision: false,
      supportsStreaming: true,
      supportsTools: false,
      generate: async () => ({ content: '' }),
      async *generateStream() {
        yield { type: 'thinking_delta', text: 'They look rich.' };
        yield { type: 'text_delta', text: 'Hello' };
        yield { type: 'done' };
      },
    };
    kit.registerChannel(new AIChannel('thinker', { provider }));
    await kit.createRoom({ roomId: 'room' });
    for (const channelId of ['web', 'thinker']) await kit.attachChannel('room', channelId);
    const shown: EphemeralEvent[] = [];
    const published: EphemeralEvent[] = [];
    web.registerConnection('browser', () => undefined, { roomIds: ['room'], ephemeral: (event) => shown.push(event) });
    await kit.subscribeRoom('room', (event) => void published.push(event));
    const asked = kit.processInbound({ channelId: 'web', senderId: 'ann', content: 'Hi' }, { roomId: 'room' });
    await clock.advance(1000);
    expect((await asked).turns).toMatchObject([{ state: 'committed' }]);
    expect(published.map(({ data }) => data['text'])).toEqual(['They look rich.']);
    expect(shown).toEqual([]);
    await kit.close();
  });
});
