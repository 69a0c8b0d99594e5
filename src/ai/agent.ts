/** A channel with a character: who it is goes into its prompt, how it sounds and greets is for orchestration (§18.5). */
import { NotSupportedError } from '../core/errors.js';
import { getConversationState, hasConversationState } from '../core/models/conversation-state.js';
import { checkOptionNames, type OptionNames } from '../core/option-names.js';
import type { RoomContext } from '../core/rooms/context.js';
import type { AIChannelOptions } from './ai-channel-options.js';
import { AIChannel } from './ai-channel.js';
import { IDENTITY_MARK, singleLine } from './escape.js';
import type { AIProvider } from './provider.js';

/** Who an agent is, beside what an AI channel is made with. Role, description, scope and language go into its prompt (AGT-01). */
export interface AgentOptions extends Omit<AIChannelOptions, 'provider'> {
  /** Without one the agent is configuration for speech-to-speech use and generates nothing itself (AGT-03). */
  readonly provider?: AIProvider;
  /** What it is, in a few words. */
  readonly role?: string;
  /** What it does; other agents read it when they hand over. */
  readonly description?: string;
  /** What it may deal with. */
  readonly scope?: string;
  /** Voice id for speech. */
  readonly voice?: string;
  /** What it says first after a handoff. */
  readonly greeting?: string;
  /** The language it answers in; the room's own wins (AGT-02). */
  readonly language?: string;
  /** Whether it greets by itself where orchestration lets agents greet; default true. */
  readonly autoGreet?: boolean;
}

const NAMES: OptionNames<AgentOptions> = {
  provider: true,
  systemPrompt: true,
  temperature: true,
  maxTokens: true,
  maxContextEvents: true,
  tools: true,
  toolHandler: true,
  toolPolicy: true,
  skills: true,
  scriptExecutor: true,
  maxToolRounds: true,
  loopTimeoutSeconds: true,
  toolTimeoutSeconds: true,
  maxToolCallsPerRound: true,
  maxToolResultChars: true,
  parallelTools: true,
  memory: true,
  retryPolicy: true,
  budget: true,
  fallbackProvider: true,
  collision: true,
  ownsProvider: true,
  role: true,
  description: true,
  scope: true,
  voice: true,
  greeting: true,
  language: true,
  autoGreet: true,
};

/**
 * An AI channel with role, description, scope and language in its prompt.
 * @example new Agent('agent-triage', { provider, role: 'Triage agent', systemPrompt: 'You triage incoming requests.' })
 */
export class Agent extends AIChannel {
  override readonly isConfigOnly: boolean;
  readonly role: string | undefined;
  readonly description: string | undefined;
  readonly scope: string | undefined;
  readonly voice: string | undefined;
  readonly greeting: string | undefined;
  readonly language: string | undefined;
  readonly autoGreet: boolean;
  #lastPrompt: { readonly own: string | undefined; readonly language: string | undefined; readonly whole: string | undefined } | undefined;

  constructor(channelId: string, options: AgentOptions = {}) {
    if (new.target === Agent) checkOptionNames('new Agent', options, NAMES);
    super(channelId, { ...options, provider: options.provider ?? configOnlyProvider(channelId) });
    this.isConfigOnly = options.provider === undefined;
    this.role = options.role;
    this.description = options.description;
    this.scope = options.scope;
    this.voice = options.voice;
    this.greeting = options.greeting;
    this.language = options.language;
    this.autoGreet = options.autoGreet ?? true;
  }

  /** The agent's prompt with the block of who it is; for channels that prompt a model by themselves. */
  promptWithIdentity(prompt: string | undefined, language: string | undefined = this.language): string | undefined {
    const lines: string[] = [];
    if (isGiven(this.role)) lines.push(`Role: ${singleLine(this.role)}`);
    if (isGiven(this.description)) lines.push(`Description: ${singleLine(this.description)}`);
    if (isGiven(this.scope)) lines.push(`Scope: ${singleLine(this.scope)}`);
    if (isGiven(language)) lines.push(`Language: Always respond in ${singleLine(language, MAX_LANGUAGE)}`);
    if (lines.length === 0) return prompt;
    const block = [IDENTITY_MARK, ...lines].join('\n');
    return prompt === undefined || prompt === '' ? block : `${prompt}\n${block}`;
  }

  protected override systemPromptFor(prompt: string | undefined, context: RoomContext): string | undefined {
    const roomLanguage = hasConversationState(context.room) ? getConversationState(context.room).context['language'] : undefined;
    const language = typeof roomLanguage === 'string' && roomLanguage !== '' ? roomLanguage : this.language;
    // Most turns are asked with the words of the one before.
    const last = this.#lastPrompt;
    if (last !== undefined && last.own === prompt && last.language === language) return last.whole;
    const whole = this.promptWithIdentity(prompt, language);
    this.#lastPrompt = { own: prompt, language, whole };
    return whole;
  }
}

const MAX_LANGUAGE = 60;

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function configOnlyProvider(channelId: string): AIProvider {
  return {
    name: 'none',
    modelName: 'none',
    supportsVision: false,
    supportsStreaming: false,
    supportsTools: false,
    generate: () =>
      Promise.reject(
        new NotSupportedError(
          `Agent '${channelId}' has no provider: it is configuration for speech-to-speech channels, whose own model speaks. Pass { provider } to let it answer texts.`,
        ),
      ),
  };
}
