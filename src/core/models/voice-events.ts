/** Payloads of the voice hooks (behaviour §8.2). The voice channels fire them; the engine only knows their shape. */
import type { Metadata } from './json.js';

/** The least the engine knows of a live media session. */
export interface VoiceSessionInfo {
  readonly id: string;
  readonly roomId?: string;
  readonly channelId: string;
  readonly participantId?: string;
}

interface SessionEvent {
  readonly session: VoiceSessionInfo;
  /** ISO time. */
  readonly timestamp?: string;
}

export type SpeechEvent = SessionEvent;
export interface TranscriptionEvent extends SessionEvent {
  readonly text: string;
  readonly role: 'user' | 'assistant';
  readonly language?: string;
  /** 0..1. */
  readonly confidence?: number;
}
export type PartialTranscriptionEvent = TranscriptionEvent;
export interface VADSilenceEvent extends SessionEvent {
  readonly silenceMs: number;
}
export interface VADAudioLevelEvent extends SessionEvent {
  readonly levelDb: number;
  readonly isSpeech: boolean;
}
export interface AudioLevelEvent extends SessionEvent {
  readonly levelDb: number;
}
export interface TTSCancelledEvent extends SessionEvent {
  readonly reason: string;
  readonly playedMs: number;
}
export interface BargeInEvent extends SessionEvent {
  readonly interruptedText?: string;
  readonly playedMs: number;
}
export interface SpeakerChangeEvent extends SessionEvent {
  readonly speakerId: string;
  readonly confidence?: number;
}
export interface DTMFDetectedEvent extends SessionEvent {
  readonly digit: string;
  readonly durationMs?: number;
}
export interface TurnCompleteEvent extends SessionEvent {
  readonly text: string;
  readonly confidence?: number;
}
export type TurnIncompleteEvent = TurnCompleteEvent;
export interface BackchannelEvent extends SessionEvent {
  readonly text: string;
}
export interface RecordingStartedEvent extends SessionEvent {
  readonly recordingId: string;
}
export interface RecordingStoppedEvent extends RecordingStartedEvent {
  readonly durationSeconds: number;
  readonly urls?: readonly string[];
}
export interface RealtimeToolCallEvent extends SessionEvent {
  readonly callId: string;
  readonly name: string;
  readonly arguments: Metadata;
  readonly result?: string;
}
