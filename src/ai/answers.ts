/** What an agent's turn gives the kit: a whole answer, or one that is still being written. */
import { AbortedError } from '../core/errors.js';
import type { ChannelOutput, ResponseStream, StreamOutcome } from '../core/models/delivery.js';
import type { EventDraft, EventSource } from '../core/models/event.js';
import { EMPTY, type Metadata } from '../core/models/json.js';
import type { AgentParts, TurnParts } from './loop-parts.js';
import type { AIProvider } from './provider.js';
import { PulledText } from './pulled-text.js';
import { ToolLoop, type LoopOutcome } from './tool-loop.js';

/** A plain model: the whole answer at once. */
export function answerAtOnce(agent: AgentParts, parts: TurnParts, source: EventSource): Promise<ChannelOutput> {
  const loop = new ToolLoop(agent, parts);
  return loop.run((failure) => output(agent, parts, loop.outcome(), source, failure));
}

function output(agent: AgentParts, parts: TurnParts, outcome: LoopOutcome, source: EventSource, failure: unknown): ChannelOutput {
  const { endReason, usage, tasks, observations, error, text, suspend, later } = outcome;
  // Nobody has seen anything of a cancelled answer that was not streamed.
  const isSaid = (error === undefined || endReason === 'budget_exceeded') && text !== '' && endReason !== 'cancelled';
  if (isSaid && error === undefined && tasks.length === 0 && observations.length === 0 && later.length === 0 && suspend === undefined) {
    return { responded: true, endReason, usage, responseEvents: [draftOf(agent, outcome, source)] };
  }
  const rest = {
    endReason,
    usage,
    ...(tasks.length > 0 && { tasks }),
    ...(observations.length > 0 && { observations }),
    ...(later.length > 0 && { laterTasks: later }),
    ...(suspend !== undefined && { suspend }),
  };
  if (isSaid) return { responded: true, responseEvents: [draftOf(agent, outcome, source)], ...rest, ...(error !== undefined && { error }) };
  if (error !== undefined && failure === undefined) return { responded: false, error, ...rest }; // refused, and not failed
  if (error !== undefined) {
    // What the rounds before it cost and left behind is kept; what the model failed with, only the log is told.
    const { services, channelId } = agent;
    services.logger.error('A turn failed.', { roomId: parts.room.id, channelId, turnId: parts.turn.id, code: error.code, error: failure });
    return { responded: false, error, ...rest };
  }
  return { responded: false, ...rest };
}

/** Frozen, so that the room's timeline can take it as it is. */
function draftOf(agent: AgentParts, outcome: LoopOutcome, own: EventSource): EventDraft {
  const source = outcome.provider === agent.provider ? own : providerSource(agent.channelId, outcome.provider);
  const content = Object.freeze({ type: 'text', body: outcome.text } as const);
  return {
    type: 'message',
    source,
    content,
    metadata: outcome.error === undefined ? replyMetadata(outcome) : Object.freeze({ ...replyMetadata(outcome), partial: true }),
  };
}

/** A streaming model: the kit takes the words as they come, and commits what they add up to. */
export function answerInPieces(agent: AgentParts, parts: TurnParts, placeholder: EventDraft): ChannelOutput {
  return { responded: true, responseStream: new StreamedAnswer(agent, parts, placeholder) };
}

/** What is known of a streamed answer before it begins. */
export function placeholderOf(source: EventSource, provider: AIProvider): EventDraft {
  const content = Object.freeze({ type: 'text', body: '' } as const);
  return Object.freeze({ type: 'message', source, content, metadata: Object.freeze({ model: provider.modelName }) } as const);
}

class StreamedAnswer implements ResponseStream {
  readonly #loop: ToolLoop;

  constructor(
    private readonly agent: AgentParts,
    private readonly parts: TurnParts,
    readonly placeholder: EventDraft,
  ) {
    this.#loop = new ToolLoop(agent, parts);
  }

  readonly pipe = (write: (text: string) => void): Promise<void> =>
    this.#loop.run((failure) => {
      if (failure !== undefined) throw failure;
    }, write);

  readonly finish = (): StreamOutcome => streamOutcome(this.#loop.outcome(), this.agent);

  get deltas(): AsyncIterable<string> {
    const stop = (): void => this.parts.cancellation.abort(new AbortedError('Nobody reads this answer any more.'));
    return { [Symbol.asyncIterator]: () => new PulledText(this.pipe, stop) };
  }
}

function streamOutcome(outcome: LoopOutcome, agent: AgentParts): StreamOutcome {
  const { endReason, usage, tasks, observations, error, suspend, later } = outcome;
  const isCut = outcome.isPartial && endReason === 'timeout';
  const metadata = isCut ? { ...replyMetadata(outcome), partial: true } : replyMetadata(outcome);
  const isPlain =
    tasks.length === 0 &&
    observations.length === 0 &&
    error === undefined &&
    endReason !== 'cancelled' &&
    later.length === 0 &&
    suspend === undefined;
  if (isPlain && outcome.provider === agent.provider) return { endReason, usage, metadata };
  return {
    endReason,
    usage,
    metadata,
    ...(tasks.length > 0 && { tasks }),
    ...(observations.length > 0 && { observations }),
    ...(error !== undefined && { error }),
    ...(later.length > 0 && { laterTasks: later }),
    ...(suspend !== undefined && { suspend }),
    ...(endReason === 'cancelled' && { cancelled: true }),
    ...(outcome.provider !== agent.provider && { source: providerSource(agent.channelId, outcome.provider) }),
  };
}

function replyMetadata(outcome: LoopOutcome): Metadata {
  return Object.freeze({
    ai_usage: outcome.usage,
    model: outcome.provider.modelName,
    end_reason: outcome.suspend === undefined ? outcome.endReason : 'waiting',
  });
}

/** Whose words these are. */
export function providerSource(channelId: string, provider: AIProvider): EventSource {
  return Object.freeze({ channelId, channelType: 'ai', direction: 'outbound', provider: provider.name, rawPayload: EMPTY });
}
