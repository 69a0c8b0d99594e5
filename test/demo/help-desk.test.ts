/** The help desk's conversations on a real kit, without a network. */
import { describe, expect, it } from 'vitest';
import { getConversationState, InMemoryStore, type RoomEvent, type RoomKit } from 'roomkit';
import { CUSTOMER, ROOM_ID } from '../../demo/cast.js';
import { openHelpDesk } from '../../demo/help-desk.js';

describe('the demo’s help desk', () => {
  it('greets, hands a bill to Ben who reads the order, and goes back to Mia', async () => {
    await using desk = await HelpDesk.open();
    expect(await desk.say('Hello!')).toEqual(['mia: Hello, I am Mia. Is it about an order, about a bill, or about something that does not work?']);
    const [announced, answered] = await desk.say('I was charged twice for order 12345');
    expect(announced).toBe('mia: That is one for billing. Let me bring in Ben.');
    expect(answered).toMatch(/^ben: Ben from billing here.*\n\n.*€49.90 and €49.90/);
    expect(await desk.say('yes please')).toEqual([expect.stringMatching(/^ben: Gladly: €49.90 for order 12345. A colleague has to allow it/)]);
    const before = desk.heard.length;
    const [approval] = await desk.kit.listApprovals({ state: 'pending' });
    expect(approval).toMatchObject({ agentId: 'ben', tool: 'refund', arguments: { number: '12345', amount: '€49.90' }, askedBy: ['ada'] });
    // The customer may not allow it; the colleague may.
    const resolve = (by: string) => desk.kit.resolveApproval(approval?.id ?? '', { approve: true, by, isParticipant: true });
    expect((await resolve('ada')).status).toBe('forbidden');
    expect((await resolve('sam')).status).toBe('resolved');
    await desk.settled(() => desk.heard.length > before);
    expect(desk.words(before)).toEqual([expect.stringMatching(/^ben: Done. The refund for order 12345 is on its way/)]);
    expect((await desk.say('How long does it take?')).join()).toContain('the bank decides the rest');
    expect(await desk.say('Thanks')).toEqual(['ben: Glad I could help. I am handing you back to Mia.', 'mia: You are welcome. Have a lovely day!']);
    expect(desk.logged).toEqual([]);
  });

  it('passes from one specialist through Mia to the other when the topic changes', async () => {
    await using desk = await HelpDesk.open();
    await desk.say('My bill is wrong');
    expect((await desk.say('and the wifi is down')).map((words) => words.slice(0, 4))).toEqual(
      ['ben:', 'mia:', 'tara'].map((name) => expect.stringContaining(name) as string),
    );
    expect((await desk.state()).activeAgentId).toBe('tara');
  });

  it('takes card numbers out, and stops spam', async () => {
    await using desk = await HelpDesk.open();
    await desk.say('My card is 4111 1111 1111 1111');
    expect(JSON.stringify(await desk.kit.getTimeline(ROOM_ID, { limit: 200 }))).not.toContain('4111 1111');
    expect(await desk.say('You have won a cruise')).toEqual([]);
    expect((await desk.kit.getTimeline(ROOM_ID, { limit: 200 })).at(-1)).toMatchObject({ status: 'blocked', blockedBy: 'spam_filter' });
  });

  it('lets no agent answer what a colleague says', async () => {
    await using desk = await HelpDesk.open();
    await desk.say('My bill is wrong');
    const before = desk.heard.length;
    await desk.kit.processInbound({ channelId: 'desk', senderId: 'sam', content: 'Sam here: Ben is the right one for this.' }, { roomId: ROOM_ID });
    expect(desk.words(before)).toEqual(['desk: Sam here: Ben is the right one for this.']);
  });

  it('begins anew with a second trouble of the same kind', async () => {
    await using desk = await HelpDesk.open();
    await desk.say('My router is broken');
    await desk.say('no');
    expect(await desk.say('yes, it works')).toEqual([
      'tara: Wonderful. I am handing you back to Mia.',
      'mia: Here I am again. What can I do for you?',
    ]);
    expect((await desk.say('Now the router of my mother is broken')).at(-1)).toMatch(/^tara: Hello, Tara here/);
  });

  it('leaves the conversation to a person, until somebody hands it back', async () => {
    await using desk = await HelpDesk.open();
    await desk.say('I want to talk to a person');
    expect(await desk.say('Is somebody there?')).toEqual([]);
    const before = desk.heard.length;
    await desk.kit.processInbound({ channelId: 'desk', senderId: 'sam', content: 'Mia takes over again.' }, { roomId: ROOM_ID });
    await desk.settled(() => desk.heard.length >= before + 2);
    expect(desk.words(before)).toEqual(['desk: Mia takes over again.', 'mia: Here I am again. What can I do for you?']);
  });

  it('is the same room after a restart, and completes one whose first start was cut short', async () => {
    const store = new InMemoryStore();
    await using first = await HelpDesk.open(store);
    await first.say('Hello!');
    await first.kit.detachChannel(ROOM_ID, 'tara');
    const count = (await first.kit.getTimeline(ROOM_ID, { limit: 200 })).length;
    await using second = await HelpDesk.open(store);
    expect((await second.kit.getTimeline(ROOM_ID, { limit: 200 })).length).toBe(count + 1);
    expect((await second.kit.listBindings(ROOM_ID)).map(({ channelId }) => channelId).sort()).toEqual(['ben', 'desk', 'mia', 'tara', 'web']);
  });
});

class HelpDesk {
  static async open(store = new InMemoryStore()): Promise<HelpDesk> {
    const kit = await openHelpDesk({ store, fast: true });
    const desk = new HelpDesk(kit);
    await kit.connectWebsocket(CUSTOMER.channelId, 'browser', (frame) => void (frame.type === 'event' && desk.heard.push(frame.event)), {
      roomIds: [ROOM_ID],
    });
    return desk;
  }

  readonly heard: RoomEvent[] = [];
  readonly logged: unknown[] = [];

  private constructor(readonly kit: RoomKit) {
    kit.on('hook_error', (event) => void this.logged.push(event.data));
    kit.on('turn_failed', (event) => void this.logged.push(event.data));
  }

  /** What the customer hears in answer, as `agent: words`. */
  async say(content: string): Promise<string[]> {
    const before = this.heard.length;
    await this.kit.processInbound({ channelId: CUSTOMER.channelId, senderId: CUSTOMER.participantId, content }, { roomId: ROOM_ID });
    return this.words(before).filter((words) => !words.startsWith('web:'));
  }

  words(from: number): string[] {
    return this.heard.slice(from).flatMap(({ source, content }) => (content.type === 'text' ? [`${source.channelId}: ${content.body}`] : []));
  }

  async state(): Promise<ReturnType<typeof getConversationState>> {
    return getConversationState(await this.kit.getRoom(ROOM_ID));
  }

  /** Waits for what a notice does beside its cause. */
  async settled(test: () => boolean): Promise<void> {
    while (!test()) await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kit.close();
  }
}
