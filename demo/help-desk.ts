/**
 * The help desk of the demo, built as any user would build one: a store, two web channels, a phone, a mailbox and
 * Telegram, three agents in a pipeline and a few hooks, from the public parts of the package.
 */
import {
  Agent,
  ConversationPipeline,
  getConversationState,
  HandoffMemoryProvider,
  HookResult,
  RoomKit,
  setConversationState,
  SlidingWindowMemory,
  WebSocketChannel,
  type ConversationStore,
  type RealtimeBackend,
  type RoomEvent,
  type RoomLockManager,
} from 'roomkit';
import { ben } from './agents/ben.js';
import { mia } from './agents/mia.js';
import type { DeskModel } from './agents/models.js';
import { lookupOrder, refund } from './agents/orders.js';
import { PROMPTS } from './agents/prompts.js';
import { ScriptedProvider, type Script } from './agents/script.js';
import { tara } from './agents/tara.js';
import { COLLEAGUE, CUSTOMER, CUSTOMER_CHANNELS, FAMILY_ROOM_ID, ROOM_ID } from './cast.js';
import { attachLines, registerLines } from './customer-channels.js';
import type { LinesByChannel } from './lines.js';
import { LOOKED_UP, rememberPeople, whoWrites } from './who-writes.js';

export interface HelpDeskOptions {
  /** Where everything is kept; the demo's server passes a SQLite file, or a database that processes share. */
  readonly store: ConversationStore;
  /** Of processes that share a store. */
  readonly lockManager?: RoomLockManager | undefined;
  readonly realtime?: RealtimeBackend | undefined;
  /** Who plays the agents; absent: their scripts. */
  readonly model?: DeskModel | undefined;
  /** Vendors over which the customer writes, too; absent: the web chat alone. */
  readonly lines?: LinesByChannel | undefined;
  /** Whether this process reads the customer's mailbox; of several one does. Default true. */
  readonly readsMail?: boolean | undefined;
  /** Let the agents answer without pausing between words; for tests. */
  readonly fast?: boolean;
}

/** A kit with the help desk in it; the room is the same one after every start. */
export async function openHelpDesk(options: HelpDeskOptions): Promise<RoomKit> {
  const { store, lockManager, realtime, model, lines, readsMail = true, fast = false } = options;
  const kit = new RoomKit({
    store,
    ...(lockManager !== undefined && { lockManager }),
    ...(realtime !== undefined && { realtime }),
    identityResolver: whoWrites(store, lines),
    identityChannelTypes: [...LOOKED_UP],
  });

  // The customer's page and the desk of a human colleague. `echo`: several pages of one customer show the same chat.
  kit.registerChannel(new WebSocketChannel(CUSTOMER.channelId, { echo: true }));
  kit.registerChannel(new WebSocketChannel(COLLEAGUE.channelId, { echo: true }));

  // Who writes three lines gets one answer.
  const patienceMs = fast ? 15 : 700;
  const agent = (id: keyof typeof PROMPTS, script: Script, about: { role: string; description: string }): Agent =>
    new Agent(id, {
      provider: model?.open() ?? new ScriptedProvider({ name: id, script, ...(fast && { thinkingMs: 5, wordMs: 1 }) }),
      systemPrompt: PROMPTS[id],
      memory: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 50 })),
      tools: id === 'ben' ? [lookupOrder, refund] : [lookupOrder],
      collision: { policy: 'burst', debounceMs: patienceMs, leadingDebounceMs: patienceMs },
      ...about,
    });
  const agents = [
    agent('mia', mia, { role: 'Triage', description: 'Greets, answers questions about orders, finds out what it is about' }),
    agent('ben', ben, { role: 'Billing', description: 'Bills, charges and refunds' }),
    agent('tara', tara, { role: 'Technical help', description: 'Devices that do not work' }),
  ];
  for (const one of agents) kit.registerChannel(one);

  const pipeline = new ConversationPipeline({
    stages: [
      { phase: 'triage', agentId: 'mia', next: 'billing', canReturnTo: ['technical'] },
      { phase: 'billing', agentId: 'ben', canReturnTo: ['triage'] },
      { phase: 'technical', agentId: 'tara', canReturnTo: ['triage'] },
    ],
  });
  // Who takes over answers at once, instead of waiting for the customer to repeat the question.
  const [, handoff] = pipeline.install(kit, agents, { continueOnHandoff: true });

  // A gate may rewrite what is said before anybody hears it …
  kit.hook('before_broadcast', { name: 'redact_cards', channelIds: CUSTOMER_CHANNELS, directions: ['inbound'] }, (event) => {
    const text = textOf(event);
    const redacted = text.replace(/\b(?:\d[ -]?){9,15}(\d{4})\b/g, '•••• •••• •••• $1');
    return redacted === text ? HookResult.allow() : HookResult.modify({ ...event, content: { type: 'text', body: redacted } });
  });

  // … or stop it. What is blocked stays in the timeline, for the host to see.
  kit.hook('before_broadcast', { name: 'spam_filter', channelIds: CUSTOMER_CHANNELS, directions: ['inbound'] }, (event) =>
    /\b(won a cruise|free crypto|casino)\b/i.test(textOf(event)) ? HookResult.block('spam') : HookResult.allow(),
  );

  // What a colleague says is for the customer: no agent answers it.
  kit.hook('before_broadcast', { name: 'for_the_customer', channelIds: ['desk'], directions: ['inbound'] }, (event) =>
    HookResult.modify({ ...event, addressedTo: [] }),
  );

  // A notice comes after the fact. This one shows the customer that somebody is about to answer.
  kit.hook('after_broadcast', { name: 'typing', channelIds: CUSTOMER_CHANNELS }, async (event, { room }) => {
    const { activeAgentId } = getConversationState(room);
    if (activeAgentId) await kit.publishTyping(room.id, activeAgentId);
  });

  // While a person has the conversation no agent answers, until somebody says that the assistant takes over again.
  kit.hook('after_broadcast', { name: 'hand_back', channelIds: [...CUSTOMER_CHANNELS, 'desk'] }, async (event, { room }) => {
    if (getConversationState(room).context['handled_by'] !== 'human' || !asksForMia(event)) return;
    await handoff.handle({ roomId: room.id, callingAgentId: 'human', arguments: { target: 'mia', reason: 'The person is done' } });
  });

  await openRoom(kit, ROOM_ID, 'Help desk', [CUSTOMER, COLLEAGUE]);
  if (lines !== undefined) {
    await openRoom(kit, FAMILY_ROOM_ID, 'The phone at home', [COLLEAGUE]);
    await rememberPeople(kit, lines);
    await registerLines(kit, lines, readsMail);
    await attachLines(kit, lines);
  }
  return kit;
}

/** Makes a room whole: all of it at the first start, nothing later, and the rest when a first start was cut short. */
async function openRoom(kit: RoomKit, roomId: string, title: string, people: readonly (typeof CUSTOMER)[]): Promise<void> {
  if ((await kit.store.getRoom(roomId)) === null) await kit.createRoom({ roomId, metadata: { title } });
  const attached = new Set((await kit.listBindings(roomId)).map(({ channelId }) => channelId));
  for (const { channelId } of people) if (!attached.has(channelId)) await kit.attachChannel(roomId, channelId);
  for (const id of ['mia', 'ben', 'tara']) if (!attached.has(id)) await kit.attachChannel(roomId, id, { category: 'intelligence' });
  for (const person of people) {
    const { channelId, participantId, displayName } = person;
    // Who is of the shop may allow what agents may not do alone.
    const role = person === COLLEAGUE ? 'agent' : 'member';
    const known = await kit.ensureParticipant(roomId, channelId, participantId, { displayName, role });
    if (known.role !== role) await kit.updateParticipant(roomId, participantId, { role });
  }
  const room = await kit.getRoom(roomId);
  if (getConversationState(room).phase === 'intake')
    await kit.store.updateRoom(setConversationState(room, { phase: 'triage', activeAgentId: 'mia' }));
}

function textOf(event: RoomEvent): string {
  return event.content.type === 'text' ? event.content.body : '';
}

function asksForMia(event: RoomEvent): boolean {
  const words = textOf(event).slice(0, 200);
  return /\b(mia|assistant|bot)\b/i.test(words) && /\b(back|takes? over|return|again|please)\b/i.test(words);
}
