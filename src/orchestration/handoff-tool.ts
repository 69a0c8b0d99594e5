/** The tool by which an agent gives the conversation to another one, or to a person (behaviour §19.3). */
import { ValidationError } from '../core/errors.js';
import type { AITool } from '../core/models/ai.js';
import type { Metadata } from '../core/models/json.js';

/** The name of the tool by which agents hand over. */
export const HANDOFF_TOOL_NAME = 'handoff_conversation';
/** The target that stands for a person. */
export const HUMAN_TARGET = 'human';

export const CHANNEL_ESCALATIONS = ['same', 'voice', 'email', 'sms'] as const;
/** Whether to go on in another medium. It is recorded; acting on it is the host's. */
export type ChannelEscalation = (typeof CHANNEL_ESCALATIONS)[number];

/** What a handoff is asked with. A program needs only `target`; of a model reason and summary are required. */
export interface HandoffArguments {
  /** An agent's id, an alias of one, or `human`. */
  readonly target: string;
  readonly reason?: string;
  readonly summary?: string;
  readonly next_phase?: string;
  readonly channel_escalation?: ChannelEscalation;
}

/** Whom an agent may hand over to, as its tool lists them (PIP-04). */
export interface HandoffTarget {
  readonly agentId: string;
  readonly description?: string;
}

/**
 * The tool's definition. With targets the model may name only these and `human`, and reads what each is for (PIP-04);
 * without, any agent of the room. `aliases` are further names that the handler knows for them (HND-01).
 */
export function handoffTool(targets: readonly HandoffTarget[] = [], aliases: readonly string[] = []): AITool {
  const lines = targets.map(({ agentId, description }) => `- ${agentId}${description === undefined ? '' : `: ${description}`}`);
  const target =
    targets.length === 0
      ? { type: 'string', description: `Id of the agent who takes over, or '${HUMAN_TARGET}' for a person.` }
      : {
          type: 'string',
          enum: [...new Set([...targets.map(({ agentId }) => agentId), HUMAN_TARGET, ...aliases])],
          description: ['Who takes over:', ...lines, `- ${HUMAN_TARGET}: a person`].join('\n'),
        };
  return {
    name: HANDOFF_TOOL_NAME,
    description:
      'Hand this conversation over to another agent or to a person when they can help better. ' +
      'Say so to the user first, in one short sentence; after the call you say nothing more.',
    parameters: {
      type: 'object',
      properties: {
        target,
        reason: { type: 'string', description: 'Why the conversation is handed over.' },
        summary: { type: 'string', description: 'What the next one must know: who the user is, what they want, what was done.' },
        next_phase: { type: 'string', description: 'Phase of the conversation to go on with, when it is not the usual one of the target.' },
        channel_escalation: { type: 'string', enum: [...CHANNEL_ESCALATIONS], description: 'Whether to go on in another medium; default same.' },
      },
      required: ['target', 'reason', 'summary'],
      additionalProperties: false,
    },
    // Repeated after a crash it is judged again against the state the first call left.
    idempotent: true,
  };
}

const ARGUMENT_NAMES: readonly string[] = ['target', 'reason', 'summary', 'next_phase', 'channel_escalation'];

/** Checks what a caller passed; throws ValidationError for what is no handoff at all. */
export function parseHandoffArguments(given: Metadata): Required<Pick<HandoffArguments, 'target' | 'reason' | 'summary'>> & HandoffArguments {
  const unknown = Object.keys(given).find((name) => !ARGUMENT_NAMES.includes(name));
  if (unknown !== undefined) throw new ValidationError(`A handoff has no argument '${unknown}'. It takes ${ARGUMENT_NAMES.join(', ')}.`);
  const target = given['target'];
  if (typeof target !== 'string' || target === '') {
    throw new ValidationError(`A handoff needs a target: the id of an agent, or '${HUMAN_TARGET}'; got ${JSON.stringify(target)}.`);
  }
  const text = (name: string): string | undefined => {
    const value = given[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw new ValidationError(`The ${name} of a handoff is text; got ${JSON.stringify(value)}.`);
    return value;
  };
  const escalation = text('channel_escalation');
  const known = CHANNEL_ESCALATIONS.find((value) => value === escalation);
  if (escalation !== undefined && known === undefined) {
    throw new ValidationError(`channel_escalation '${escalation}' is unknown. Use one of ${CHANNEL_ESCALATIONS.join(', ')}.`);
  }
  const nextPhase = text('next_phase');
  return {
    target,
    reason: bounded(text('reason') ?? ''),
    summary: bounded(text('summary') ?? ''),
    ...(nextPhase !== undefined && nextPhase !== '' && { next_phase: nextPhase }),
    ...(known !== undefined && { channel_escalation: known }),
  };
}

/** Longest reason and summary that is kept (HND-05). */
const MAX_TEXT = 4000;

function bounded(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const last = text.charCodeAt(MAX_TEXT - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? MAX_TEXT - 1 : MAX_TEXT);
}
