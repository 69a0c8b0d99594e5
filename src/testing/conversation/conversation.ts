/** A whole conversation as a test: people say something, and what agents answer and do is expected, line by line. */
import { AssertionError } from 'node:assert';
import { Agent, type AIChannel } from '../../ai/index.js';
import { WebSocketChannel } from '../../channels/index.js';
import type { Clock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import { RoomKit } from '../../core/kit.js';
import { silentLogger } from '../../core/logger.js';
import type { ToolCallEvent } from '../../core/models/ai.js';
import type { InboundResult } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';
import { extractText } from '../../core/rooms/visible-text.js';
import { ConversationPipeline, type PipelineStage } from '../../orchestration/index.js';
import { TestClock } from '../test-clock.js';
import { fitsText, fitsValue, shown, type ExpectedArguments, type ExpectedText } from './expected.js';
import { ConversationLog, type RecordedHandoff } from './log.js';
import { Person, type PersonOptions } from './person.js';

/** What a conversation is played with: agents, or a kit of your own. */
export interface ConversationOptions {
  /** Registered with a new kit, and attached. */
  readonly agents?: readonly AIChannel[];
  /** Who leads when: the agents are joined by a `ConversationPipeline` of these. */
  readonly stages?: readonly PipelineStage[];
  /** Called with the kit before anybody says anything: for hooks, channels, options of the room. */
  readonly prepare?: (kit: RoomKit) => void | Promise<void>;
  /** A kit of your own, with its agents and channels; it is not closed at the end. */
  readonly kit?: RoomKit;
  /** Default `conversation`. Of a kit of your own: the room, made when it does not exist. */
  readonly roomId?: string;
  /** The channel by which the customer speaks; made when it does not exist. Default `customer`. */
  readonly channelId?: string;
  /** Of a new kit; default a `TestClock`, which stands still until `passes`. */
  readonly clock?: Clock;
  /** How long, in real milliseconds, what is expected may take to come; default 5000. */
  readonly patienceMs?: number;
}

/** Of whom a reply is expected. */
export interface ExpectedReply {
  /** The agent's channel. */
  readonly from?: string;
}

/** More about an expected tool call. */
export interface ExpectedToolCall {
  /** The agent's channel. */
  readonly from?: string;
  /** What the tool gave the model. */
  readonly result?: ExpectedText;
  /** Whether it failed. */
  readonly isError?: boolean;
}

/**
 * Plays a conversation. What is expected comes in its order: each `expectReply` takes the next reply. When something else
 * comes, the error shows the whole conversation.
 * @example
 * await using talk = await Conversation.start({ agents: [support] });
 * await talk.customer.says('Where is order 12345?');
 * await talk.expectToolCall('look_up_order', { number: '12345' });
 * await talk.expectReply(/Monday/);
 */
export class Conversation {
  /** The one who speaks by the customer's channel. */
  readonly customer: Person;
  readonly #people = new Map<string, Person>();
  readonly #log: ConversationLog;
  readonly #underway = new Set<Promise<InboundResult>>();
  readonly #takenCalls = new Set<ToolCallEvent>();
  readonly #takenHandoffs = new Set<RecordedHandoff>();
  /** Replies up to this place were taken. */
  #readIndex: number;

  private constructor(
    /** The kit it is played with. */
    readonly kit: RoomKit,
    /** The room it is played in. */
    readonly roomId: string,
    private readonly channelId: string,
    private readonly ownsKit: boolean,
    private readonly patienceMs: number,
    latestIndex: number,
  ) {
    this.#readIndex = latestIndex;
    this.#log = new ConversationLog(kit, roomId);
    this.customer = this.#person('customer', channelId);
  }

  /** Makes kit and room as far as they are not there, and attaches everybody. */
  static async start(options: ConversationOptions): Promise<Conversation> {
    if (options.kit === undefined && (options.agents ?? []).length === 0)
      throw new ValidationError('A conversation needs somebody to talk to. Pass { agents: [agent] }, or { kit } with agents of your own.');
    const kit = options.kit ?? new RoomKit({ clock: options.clock ?? new TestClock(), logger: silentLogger });
    const { roomId = 'conversation', channelId = 'customer' } = options;
    for (const agent of options.agents ?? []) kit.registerChannel(agent);
    if (options.stages !== undefined) joined(kit, options.agents ?? [], options.stages);
    await options.prepare?.(kit);
    await kit.ensureRoom({ roomId });
    await attached(kit, roomId, channelId);
    for (const agent of options.agents ?? []) await kit.attachChannel(roomId, agent.channelId, { category: 'intelligence' });
    const { latestIndex } = await kit.getRoom(roomId);
    return new Conversation(kit, roomId, channelId, options.kit === undefined, options.patienceMs ?? 5000, latestIndex);
  }

  /** Somebody else in the room, on a channel of his own or on the customer's. Attached first when he is not. */
  async person(id: string, options: PersonOptions = {}): Promise<Person> {
    const known = this.#people.get(id);
    if (known !== undefined) return known;
    const { channelId = this.channelId } = options;
    await attached(this.kit, this.roomId, channelId);
    return this.#person(id, channelId);
  }

  /** Lets so much time pass, on the test clock: debounces, delays, timers. */
  async passes(seconds: number): Promise<void> {
    const { clock } = this.kit;
    if (!(clock instanceof TestClock))
      throw new ValidationError('Time passes by itself on this kit. Give it clock: new TestClock() to move it by hand.');
    this.#log.note(`… ${seconds} s later`);
    await clock.advance(seconds * 1000);
  }

  /** The next reply that the customer gets. A text is expected as it is; use a RegExp for a part of it. */
  async expectReply(expected?: ExpectedText, { from }: ExpectedReply = {}): Promise<RoomEvent> {
    const wanted = `a reply${from === undefined ? '' : ` of ${from}`}: ${shown(expected)}`;
    const reply = await this.#patiently(() => this.#nextReply());
    if (reply === undefined) return this.#fail(`There was ${wanted} expected, and none came.`, undefined, expected);
    const text = extractText(reply);
    if (from !== undefined && reply.source.channelId !== from)
      return this.#fail(`There was ${wanted} expected, and the next one is of ${reply.source.channelId}: “${text}”.`, reply.source.channelId, from);
    if (!fitsText(text, expected)) return this.#fail(`There was ${wanted} expected, and the next one says “${text}”.`, text, expected);
    this.#readIndex = reply.index;
    return reply;
  }

  /** A call of this tool that was not expected before; calls may come in any order. Arguments that are not named may be anything. */
  async expectToolCall(tool: string, args: ExpectedArguments = {}, more: ExpectedToolCall = {}): Promise<ToolCallEvent> {
    const fits = (call: ToolCallEvent): boolean =>
      !this.#takenCalls.has(call) &&
      call.tool === tool &&
      fitsValue(call.arguments, args) &&
      (more.from === undefined || call.channelId === more.from) &&
      (more.isError === undefined || call.isError === more.isError) &&
      fitsText(call.result, more.result);
    const call = await this.#patiently(() => this.#log.toolCalls.find(fits));
    if (call === undefined) {
      const others = this.#log.toolCalls.filter((other) => other.tool === tool).map((other) => other.arguments);
      const instead = others.length === 0 ? 'it was not called' : `it was called with ${others.map((other) => JSON.stringify(other)).join(' and ')}`;
      return this.#fail(`There was a call of ${tool}(${shown(args)}) expected${details(more)}, and ${instead}.`, others, args);
    }
    this.#takenCalls.add(call);
    return call;
  }

  /** A handoff to this agent that was not expected before. */
  async expectHandoff(to: string, { from, reason }: { readonly from?: string; readonly reason?: ExpectedText } = {}): Promise<RecordedHandoff> {
    const fits = (handoff: RecordedHandoff): boolean =>
      !this.#takenHandoffs.has(handoff) &&
      handoff.to === to &&
      (from === undefined || handoff.from === from) &&
      (reason === undefined || fitsText(handoff.reason ?? '', reason));
    const handoff = await this.#patiently(() => this.#log.handoffs.find(fits));
    if (handoff === undefined) {
      const others = this.#log.handoffs.map((other) => `${other.from} → ${other.to}`);
      return this.#fail(`There was a handoff to ${to} expected, and there was ${others.join(', ') || 'none'}.`, others, to);
    }
    this.#takenHandoffs.add(handoff);
    return handoff;
  }

  /** That everything has been answered, and no reply came that was not expected. */
  async expectNoMoreReplies(): Promise<void> {
    const reply = await this.#patiently(() => this.#nextReply());
    if (reply !== undefined)
      this.#fail(`There was no more reply expected, and ${reply.source.channelId} says “${extractText(reply)}”.`, extractText(reply), undefined);
    if (this.#underway.size > 0)
      this.#fail(`There was no more reply expected, and somebody still waits for one.${this.#hint()}`, undefined, undefined);
  }

  /** The conversation so far, a line for each thing that happened. */
  transcript(): string {
    return this.#log.print();
  }

  /** What agents have called, in the order it ended. */
  get toolCalls(): readonly ToolCallEvent[] {
    return this.#log.toolCalls;
  }

  /** Handoffs that were accepted. */
  get handoffs(): readonly RecordedHandoff[] {
    return this.#log.handoffs;
  }

  /** All replies that the customer can see. */
  async replies(): Promise<readonly RoomEvent[]> {
    return (await this.kit.getTimeline(this.roomId, { as: this.channelId, limit: 1000 })).filter((event) => this.#isReply(event));
  }

  /** Stops listening, and closes the kit unless it is yours. Idempotent. */
  async close(): Promise<void> {
    this.#log.stop();
    if (this.ownsKit) await this.kit.close();
  }

  /** The same as {@link Conversation.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #person(id: string, channelId: string): Person {
    const person = new Person(id, channelId, this.roomId, this.kit, (saying) => this.#follow(saying));
    this.#people.set(id, person);
    return person;
  }

  #follow(saying: Promise<InboundResult>): void {
    this.#underway.add(saying);
    const end = (): void => void this.#underway.delete(saying);
    saying.then(end, end);
  }

  #isReply(event: RoomEvent): boolean {
    const { category } = this.kit.getChannel(event.source.channelId) ?? {};
    return event.type === 'message' && event.status !== 'blocked' && category === 'intelligence';
  }

  async #nextReply(): Promise<RoomEvent | undefined> {
    const events = await this.kit.getTimeline(this.roomId, { as: this.channelId, afterIndex: this.#readIndex, limit: 1000 });
    return events.find((event) => this.#isReply(event));
  }

  /** Looks again until it is there, nothing more can come, or patience ends. */
  async #patiently<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
    const until = performance.now() + this.patienceMs;
    for (;;) {
      const isQuiet = await this.#isQuiet(); // asked first: what comes while it is asked is still looked for
      const found = await look();
      if (found !== undefined || isQuiet || performance.now() > until) return found;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async #isQuiet(): Promise<boolean> {
    if (this.#underway.size > 0) return false;
    return (await this.kit.listTurns({ roomId: this.roomId, state: ['queued', 'running'] })).length === 0;
  }

  #hint(): string {
    const { clock } = this.kit;
    const isWaiting = clock instanceof TestClock && clock.pendingTimers > 0 && this.#underway.size > 0;
    return isWaiting ? ' The clock stands still, and something waits for it: let time pass with talk.passes(seconds).' : '';
  }

  #fail(problem: string, actual: unknown, expected: unknown): never {
    throw new AssertionError({
      message: `${problem}${this.#hint()}\n\nThe conversation:\n${this.#log.print() || '      (nothing was said)'}\n`,
      actual,
      expected,
      operator: 'conversation',
    });
  }
}

/** The first stage is where a conversation begins. */
function joined(kit: RoomKit, agents: readonly AIChannel[], stages: readonly PipelineStage[]): void {
  const [first] = stages;
  const pipeline = new ConversationPipeline({ stages, ...(first !== undefined && { defaultPhase: first.phase }) });
  pipeline.install(
    kit,
    agents.filter((agent): agent is Agent => agent instanceof Agent),
  );
}

async function attached(kit: RoomKit, roomId: string, channelId: string): Promise<void> {
  if (kit.getChannel(channelId) === undefined) kit.registerChannel(new WebSocketChannel(channelId));
  if (!(await kit.listBindings(roomId)).some((binding) => binding.channelId === channelId)) await kit.attachChannel(roomId, channelId);
}

function details({ from, result, isError }: ExpectedToolCall): string {
  const said = [
    from === undefined ? '' : `by ${from}`,
    result === undefined ? '' : `with the result ${shown(result)}`,
    isError === undefined ? '' : isError ? 'that fails' : 'that succeeds',
  ].filter((part) => part !== '');
  return said.length === 0 ? '' : ` ${said.join(', ')}`;
}
