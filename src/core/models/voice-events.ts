/** Payloads of the voice hooks (behaviour §8.2). The voice channels fire them; the engine only knows their shape. */
import type { Metadata } from './json.js';

/** The least the engine knows of a live media session. */
export interface VoiceSessionInfo {
  readonly id: string;
  readonly roomId?: string;
  readonly channelId: string;
  readonly participantId?: string;
}

/** What all payloads of the voice hooks have in common. */
export interface VoiceSessionEvent {
  readonly session: VoiceSessionInfo;
  /** ISO time. */
  readonly timestamp?: string;
}

/** Payload of `on_speech_start` and `on_speech_end`. */
export type SpeechEvent = VoiceSessionEvent;
/** Payload of `on_transcription`: final words, before anything leaves the channel. */
export interface TranscriptionEvent extends VoiceSessionEvent {
  readonly text: string;
  readonly role: 'user' | 'assistant';
  readonly language?: string;
  /** 0..1. */
  readonly confidence?: number;
}
/** Payload of `on_partial_transcription`: words that may still change. */
export type PartialTranscriptionEvent = TranscriptionEvent;
/** Payload of `on_vad_silence`. */
export interface VADSilenceEvent extends VoiceSessionEvent {
  readonly silenceMs: number;
}
/** Payload of `on_vad_audio_level`. The level is in dBFS, 0 at most. */
export interface VADAudioLevelEvent extends VoiceSessionEvent {
  readonly levelDb: number;
  readonly isSpeech: boolean;
}
/** Payload of `on_input_audio_level` and `on_output_audio_level`: dBFS, at most one per 100 ms, session and direction. */
export interface AudioLevelEvent extends VoiceSessionEvent {
  readonly levelDb: number;
}
/** Payload of `on_tts_cancelled`: playback was cut short after `playedMs`. */
export interface TTSCancelledEvent extends VoiceSessionEvent {
  readonly reason: string;
  readonly playedMs: number;
}
/** Payload of `on_barge_in`: the caller interrupted, and playback has stopped. */
export interface BargeInEvent extends VoiceSessionEvent {
  readonly interruptedText?: string;
  readonly playedMs: number;
}
/** Payload of `on_speaker_change`. Confidence is 0..1. */
export interface SpeakerChangeEvent extends VoiceSessionEvent {
  readonly speakerId: string;
  readonly confidence?: number;
}
/** Payload of `on_dtmf`: one key, `0`–`9`, `*`, `#` or `A`–`D`. */
export interface DTMFDetectedEvent extends VoiceSessionEvent {
  readonly digit: string;
  readonly durationMs?: number;
}
/** Payload of `on_turn_complete`: the caller has finished. Confidence is 0..1. */
export interface TurnCompleteEvent extends VoiceSessionEvent {
  readonly text: string;
  readonly confidence?: number;
}
/** Payload of `on_turn_incomplete`: the caller paused and will go on. */
export type TurnIncompleteEvent = TurnCompleteEvent;
/** Payload of `on_backchannel`: an "uh-huh" that interrupts nobody. */
export interface BackchannelEvent extends VoiceSessionEvent {
  readonly text: string;
}
/** Payload of `on_recording_started`; a block means that nothing is recorded. */
export interface RecordingStartedEvent extends VoiceSessionEvent {
  readonly recordingId: string;
}
/** Payload of `on_recording_stopped`. */
export interface RecordingStoppedEvent extends RecordingStartedEvent {
  readonly durationSeconds: number;
  readonly urls?: readonly string[];
}
/** Payload of `on_realtime_tool_call`: a speech-to-speech model asks for a tool that no handler took. `result` answers it. */
export interface RealtimeToolCallEvent extends VoiceSessionEvent {
  readonly callId: string;
  readonly name: string;
  readonly arguments: Metadata;
  readonly result?: string;
}
