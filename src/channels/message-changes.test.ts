/** Edits and deletes of a text that went out in several messages (TRC-06). */
import { describe, expect, it } from 'vitest';
import { RoomKit } from '../core/kit.js';
import { silentLogger } from '../core/logger.js';
import type { ChannelCapabilities } from '../core/models/capabilities.js';
import type { EventContent } from '../core/models/content.js';
import { MockTransportProvider } from '../testing/mock-transport-provider.js';
import { TestClock } from '../testing/test-clock.js';
import { verifies } from '../../test/requirements.js';
import type { TransportRequest } from './transport.js';
import { TransportChannel } from './transport.js';

/** A vendor whose messages can be looked at: what was sent is there, as it was changed, until it is deleted. */
class Board extends MockTransportProvider {
  readonly shown = new Map<string, string>();

  override async send(request: TransportRequest) {
    const result = await super.send(request);
    if (!result.success) return result;
    const { content, targetMessageId } = request;
    if (content.type === 'delete') this.shown.delete(targetMessageId ?? '');
    else if (content.type === 'edit' && content.newContent.type === 'text') this.shown.set(targetMessageId ?? '', content.newContent.body);
    else if (content.type === 'text') this.shown.set(result.providerMessageId ?? '', content.body);
    return result;
  }

  get texts(): readonly string[] {
    return [...this.shown.values()];
  }
}

async function board(capabilities: Partial<ChannelCapabilities> = {}, isNameless = false) {
  const provider = new Board();
  if (isNameless) {
    const send = provider.send.bind(provider);
    provider.send = async (request) => ({ success: (await send(request)).success });
  }
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger });
  kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
  kit.registerChannel(
    new TransportChannel('chat', {
      channelType: 'telegram',
      provider,
      capabilities: { mediaTypes: ['text'], maxLength: 10, overflow: 'split', supportsEdit: true, supportsDelete: true, ...capabilities },
    }),
  );
  await kit.createRoom({ roomId: 'r' });
  for (const id of ['desk', 'chat']) await kit.attachChannel('r', id);
  const say = (content: EventContent | string) => kit.processInbound({ channelId: 'desk', senderId: 'grace', content }, { roomId: 'r' });
  const said = async (text: string): Promise<string> => (await say(text)).event?.id ?? '';
  const edit = (targetEventId: string, body: string) => say({ type: 'edit', targetEventId, newContent: { type: 'text', body } });
  const remove = (targetEventId: string) => say({ type: 'delete', targetEventId });
  return { kit, clock, provider, say, said, edit, remove };
}

describe('a text that went out in several messages', () => {
  it('is changed in each of them; what is left over goes, what is more is sent, and the next change knows of it', async () => {
    verifies('TRC-06');
    const { kit, provider, said, edit, remove } = await board();
    const id = await said('one two three four five');
    await said('and on');
    expect(provider.texts).toEqual(['one two', 'three four', 'five', 'and on']);
    await edit(id, 'ONE TWO THREE FOUR FIVE');
    expect(provider.texts).toEqual(['ONE TWO', 'THREE FOUR', 'FIVE', 'and on']);
    await edit(id, 'short');
    expect(provider.texts).toEqual(['short', 'and on']);
    await edit(id, 'now it is long again');
    expect(provider.texts).toEqual(['now it is', 'and on', 'long again']);
    await edit(id, 'NOW IT IS LONG AGAIN');
    expect(provider.texts).toEqual(['NOW IT IS', 'and on', 'LONG AGAIN']);
    await remove(id);
    expect(provider.texts).toEqual(['and on']);
    expect(new Set(provider.sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(provider.sent.length);
    await kit.close();
  });

  it('a short one may become long, and loses no word', async () => {
    verifies('TRC-06');
    const { kit, provider, said, edit } = await board();
    const id = await said('short');
    await edit(id, 'one two three four');
    expect(provider.texts).toEqual(['one two', 'three four']);
    await kit.close();
  });

  it('is changed on from the message that failed, and none of it twice', async () => {
    verifies('TRC-06', 'OUT-05');
    const { kit, clock, provider, said, edit } = await board();
    const id = await said('one two three four five');
    const before = provider.requests.length;
    provider.onSend = () => {
      const made = provider.requests.length - before;
      if (made === 2 || made === 6) provider.failNext();
    };
    const editing = edit(id, 'ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT');
    await clock.advance(10_000);
    expect((await editing).deliveryResults['chat']).toMatchObject({ status: 'sent', attempts: 3 });
    expect(provider.texts).toEqual(['ONE TWO', 'THREE FOUR', 'FIVE SIX', 'SEVEN', 'EIGHT']);
    expect(provider.requests.slice(before).map(({ idempotencyKey }) => idempotencyKey.split(':').at(-1))).toEqual([
      '0',
      '1',
      '1',
      '2',
      '3',
      '4',
      '4',
    ]);
    provider.onSend = undefined;
    await edit(id, 'end');
    expect(provider.texts).toEqual(['end']);
    await kit.close();
  });

  it('is told in words where its messages are not known, or cannot be taken away', async () => {
    verifies('TRC-06');
    const { kit, provider, said, edit } = await board({ supportsDelete: false });
    const id = await said('one two three four');
    await edit(id, 'new');
    expect(provider.texts).toEqual(['one two', 'three four', 'Correction', ': new']);
    await kit.close();

    const nameless = await board({}, true);
    await nameless.edit(await nameless.said('one two three four'), 'new');
    expect(nameless.provider.sent.map(({ content }) => (content.type === 'text' ? content.body : content.type))).toEqual([
      'one two',
      'three four',
      'Correction',
      ': new',
    ]);
    await nameless.kit.close();
  });
});
