/** What the engine must know of speech, small and structural: the voice layer brings the real contracts. */
import type { Awaitable } from './models/json.js';

/** Speech to text, for `kit.transcribe`: option `stt`. */
export interface SpeechRecognition {
  readonly name: string;
  /** Turns a whole recording into text. */
  transcribe(audio: unknown, options?: { signal?: AbortSignal }): Awaitable<{ readonly text: string }>;
  /** Called when the kit closes. */
  close?(): Awaitable<void>;
}

/** Text to speech, for `kit.synthesize`: option `tts`. */
export interface SpeechSynthesis {
  readonly name: string;
  /** Turns a text into audio. */
  synthesize(text: string, options?: { voice?: string; signal?: AbortSignal }): Awaitable<unknown>;
  /** Called when the kit closes. */
  close?(): Awaitable<void>;
}

/** A voice backend: option `voice`. The kit closes it. */
export interface VoiceTransport {
  readonly name: string;
  /** Called when the kit closes. */
  close?(): Awaitable<void>;
}
