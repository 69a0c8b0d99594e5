/**
 * How orchestration reaches a channel that speaks, without knowing voice: voices per agent, a greeting, and another
 * agent in the running sessions. Voice channels implement it; it says nothing about audio.
 */
import type { Channel } from './channel.js';
import type { Awaitable } from './models/json.js';

/** A channel that speaks for agents. Implement it to let a pipeline's `voiceChannelId` name a voice channel of your own. */
export interface SpeakingChannel extends Channel {
  /** Agent id → voice; merged into what the channel has already (PIP-05). */
  setVoices(voices: ReadonlyMap<string, string>): void;
  /** Lets the room hear this agent greet. Resolves when the greeting has been asked for, not when it was spoken. */
  greet(roomId: string, greeting: SpokenGreeting): Awaitable<void>;
  /** Gives the room's running sessions to this agent: prompt, voice and tools (RO-03). A room without session: nothing. */
  reconfigure(roomId: string, agent: SpokenAgent): Awaitable<void>;
  /**
   * True when the channel's model speaks by itself (speech to speech): its agents need no provider and no binding of
   * their own (HND-01, RO-01).
   */
  readonly isRealtime?: boolean;
}

/** Who speaks in a room, and in which language. */
export interface SpokenAgent {
  readonly agentId: string;
  /** The room's language, when one is set (HND-11). */
  readonly language?: string;
}

/** What is to be said after a handoff. */
export interface SpokenGreeting extends SpokenAgent {
  /** The agent's own words, as they would be spoken; absent when it has none. */
  readonly text?: string;
  /** What a model is told to do; begins with `[Respond in LANGUAGE] ` when the room's language is known. */
  readonly instruction: string;
  /** Whose words are held back until the greeting (PIP-06). */
  readonly leavingAgentId?: string;
}

/** Whether a channel has what orchestration needs to speak through it. */
export function isSpeakingChannel(channel: Channel | undefined): channel is SpeakingChannel {
  const candidate = channel as Partial<SpeakingChannel> | undefined; // looked at member by member
  return typeof candidate?.setVoices === 'function' && typeof candidate.greet === 'function' && typeof candidate.reconfigure === 'function';
}
