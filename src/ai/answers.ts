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
  return loop.run().then(
    () => output(agent, parts, loop.outcome(), source, undefined),
    (failure: unknown) => output(agent, parts, loop.outcome(), source, failure),
  );
}

function output(agent: AgentParts, parts: TurnParts, outcome: LoopOutcome, source: EventSource, failure: unknown): ChannelOutput {
  const { endReason, usage, tasks, observations, error, text } = outcome;
  // Nobody has seen anything of a cancelled answer that was not streamed.
  const isSaid = error === undefined && text !== '' && endReason !== 'cancelled';
  if (isSaid && tasks.length === 0 && observations.length === 0) {
    return { responded: true, endReason, usage, responseEvents: [draftOf(agent, outcome, source)] };
  }
  const rest = { endReason, usage, ...(tasks.length > 0 && { tasks }), ...(observations.length > 0 && { observations }) };
  if (isSaid) return { responded: true, responseEvents: [draftOf(agent, outcome, source)], ...rest };
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
  return { type: 'message', source, content, metadata: replyMetadata(outcome) };
}

/** A streaming model: the kit takes the words as they come, and commits what they add up to. */
export function answerInPieces(agent: AgentParts, parts: TurnParts, source: EventSource): ChannelOutput {
  const loop = new ToolLoop(agent, parts);
  const pipe = (write: (text: string) => void): Promise<void> => loop.run(write);
  const stop = (): void => parts.cancellation.abort(new AbortedError('Nobody reads this answer any more.'));
  const responseStream: ResponseStream = {
    pipe,
    deltas: { [Symbol.asyncIterator]: () => new PulledText(pipe, stop) },
    placeholder: { type: 'message', source, content: NO_WORDS, metadata: { model: agent.provider.modelName } },
    finish: () => streamOutcome(loop.outcome(), agent),
  };
  return { responded: true, responseStream };
}

const NO_WORDS = { type: 'text', body: '' } as const;

function streamOutcome(outcome: LoopOutcome, agent: AgentParts): StreamOutcome {
  const { endReason, usage, tasks, observations, error } = outcome;
  const isCut = outcome.isPartial && endReason === 'timeout';
  const metadata = replyMetadata(outcome);
  const result: { -readonly [Field in keyof StreamOutcome]: StreamOutcome[Field] } = {
    endReason,
    usage,
    metadata: isCut ? { ...metadata, partial: true } : metadata,
  };
  if (tasks.length > 0) result.tasks = tasks;
  if (observations.length > 0) result.observations = observations;
  if (error !== undefined) result.error = error;
  if (endReason === 'cancelled') result.cancelled = true;
  if (outcome.provider !== agent.provider) result.source = providerSource(agent.channelId, outcome.provider);
  return result;
}

function replyMetadata(outcome: LoopOutcome): Metadata {
  return Object.freeze({ ai_usage: outcome.usage, model: outcome.provider.modelName, end_reason: outcome.endReason });
}

/** Whose words these are. */
export function providerSource(channelId: string, provider: AIProvider): EventSource {
  return Object.freeze({ channelId, channelType: 'ai', direction: 'outbound', provider: provider.name, rawPayload: EMPTY });
}
