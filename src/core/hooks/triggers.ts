/**
 * THE table of hooks (behaviour §8.2): trigger → gate or notice → payload. It types `kit.hook`, so that blocking a notice
 * or rewriting with the wrong payload does not compile, and drives the engine.
 */
import type { ToolCallEvent, ToolUseEvent } from '../models/ai.js';
import type { DeliveryStatus } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { IdentityHookResult, IdentityResult } from '../models/people.js';
import type { ProtocolTrace } from '../models/trace.js';
import type * as voice from '../models/voice-events.js';
import type { HookResult } from './verdict.js';

/** Every moment a hook can be registered for. The README names the first 41; the last four are extensions (HK-13). */
export const HookTrigger = {
  BEFORE_BROADCAST: 'before_broadcast',
  AFTER_BROADCAST: 'after_broadcast',
  ON_ROOM_CREATED: 'on_room_created',
  ON_ROOM_PAUSED: 'on_room_paused',
  ON_ROOM_CLOSED: 'on_room_closed',
  ON_CHANNEL_ATTACHED: 'on_channel_attached',
  ON_CHANNEL_DETACHED: 'on_channel_detached',
  ON_CHANNEL_MUTED: 'on_channel_muted',
  ON_CHANNEL_UNMUTED: 'on_channel_unmuted',
  ON_IDENTITY_AMBIGUOUS: 'on_identity_ambiguous',
  ON_IDENTITY_UNKNOWN: 'on_identity_unknown',
  ON_PARTICIPANT_IDENTIFIED: 'on_participant_identified',
  ON_SPEECH_START: 'on_speech_start',
  ON_SPEECH_END: 'on_speech_end',
  ON_TRANSCRIPTION: 'on_transcription',
  ON_PARTIAL_TRANSCRIPTION: 'on_partial_transcription',
  ON_VAD_SILENCE: 'on_vad_silence',
  ON_VAD_AUDIO_LEVEL: 'on_vad_audio_level',
  ON_INPUT_AUDIO_LEVEL: 'on_input_audio_level',
  ON_OUTPUT_AUDIO_LEVEL: 'on_output_audio_level',
  BEFORE_TTS: 'before_tts',
  AFTER_TTS: 'after_tts',
  ON_TTS_CANCELLED: 'on_tts_cancelled',
  ON_BARGE_IN: 'on_barge_in',
  ON_SPEAKER_CHANGE: 'on_speaker_change',
  ON_DTMF: 'on_dtmf',
  ON_TURN_COMPLETE: 'on_turn_complete',
  ON_TURN_INCOMPLETE: 'on_turn_incomplete',
  ON_BACKCHANNEL: 'on_backchannel',
  ON_RECORDING_STARTED: 'on_recording_started',
  ON_RECORDING_STOPPED: 'on_recording_stopped',
  ON_REALTIME_TOOL_CALL: 'on_realtime_tool_call',
  ON_REALTIME_TEXT_INJECTED: 'on_realtime_text_injected',
  ON_PHASE_TRANSITION: 'on_phase_transition',
  ON_HANDOFF: 'on_handoff',
  ON_HANDOFF_REJECTED: 'on_handoff_rejected',
  ON_TASK_CREATED: 'on_task_created',
  ON_OBSERVATION: 'on_observation',
  ON_DELIVERY_STATUS: 'on_delivery_status',
  ON_ERROR: 'on_error',
  ON_PROTOCOL_TRACE: 'on_protocol_trace',
  BEFORE_TOOL_USE: 'before_tool_use',
  ON_TOOL_CALL: 'on_tool_call',
  ON_EVENT_UPDATED: 'on_event_updated',
  ON_EVENT_DELETED: 'on_event_deleted',
} as const;
export type HookTrigger = (typeof HookTrigger)[keyof typeof HookTrigger];

/** Handlers decide: they may allow, block or modify with a payload of type `Modify`. */
interface Gate<Payload, Modify = Payload> {
  kind: 'gate';
  payload: Payload;
  result: HookResult<Modify>;
}
/** As a gate, but returning nothing allows. */
interface LenientGate<Payload> {
  kind: 'gate';
  payload: Payload;
  result: HookResult<Payload> | void;
}
/** The first result that is not nothing wins. */
interface IdentityGate {
  kind: 'gate';
  payload: RoomEvent;
  result: IdentityHookResult | null | undefined | void;
  /** What the resolver found out, as the handler's third argument. */
  extra: [found: IdentityResult];
}
/** Handlers are told after the fact. */
interface Notice<Payload> {
  kind: 'notice';
  payload: Payload;
  result: void;
}

/** Payload of `on_error`: something failed that nobody was waiting for. Field names are snake_case, as in stored data (CON-01). */
export interface ErrorNotice {
  readonly category: 'turn' | 'delivery' | 'realtime' | 'stt' | 'tts' | 'media' | 'budget';
  readonly code: string;
  readonly message: string;
  readonly room_id?: string;
  readonly channel_id?: string;
  readonly turn_id?: string;
}

/** Trigger → payload and what its handlers may answer. Use {@link HookPayload} and {@link HookReturn} to read it. */
export interface HookTable {
  before_broadcast: Gate<RoomEvent>;
  after_broadcast: Notice<RoomEvent>;
  on_room_created: Notice<RoomEvent>;
  on_room_paused: Notice<RoomEvent>;
  on_room_closed: Notice<RoomEvent>;
  on_channel_attached: Notice<RoomEvent>;
  on_channel_detached: Notice<RoomEvent>;
  on_channel_muted: Notice<RoomEvent>;
  on_channel_unmuted: Notice<RoomEvent>;
  on_identity_ambiguous: IdentityGate;
  on_identity_unknown: IdentityGate;
  on_participant_identified: Notice<RoomEvent>;
  on_speech_start: Notice<voice.SpeechEvent>;
  on_speech_end: Notice<voice.SpeechEvent>;
  on_transcription: Gate<voice.TranscriptionEvent, voice.TranscriptionEvent | string>;
  on_partial_transcription: Notice<voice.PartialTranscriptionEvent>;
  on_vad_silence: Notice<voice.VADSilenceEvent>;
  on_vad_audio_level: Notice<voice.VADAudioLevelEvent>;
  on_input_audio_level: Notice<voice.AudioLevelEvent>;
  on_output_audio_level: Notice<voice.AudioLevelEvent>;
  before_tts: Gate<string>;
  after_tts: Notice<string>;
  on_tts_cancelled: Notice<voice.TTSCancelledEvent>;
  on_barge_in: Notice<voice.BargeInEvent>;
  on_speaker_change: Notice<voice.SpeakerChangeEvent>;
  on_dtmf: Notice<voice.DTMFDetectedEvent>;
  on_turn_complete: Notice<voice.TurnCompleteEvent>;
  on_turn_incomplete: Notice<voice.TurnIncompleteEvent>;
  on_backchannel: Notice<voice.BackchannelEvent>;
  on_recording_started: LenientGate<voice.RecordingStartedEvent>;
  on_recording_stopped: Notice<voice.RecordingStoppedEvent>;
  on_realtime_tool_call: Gate<voice.RealtimeToolCallEvent>;
  on_realtime_text_injected: Notice<RoomEvent>;
  on_phase_transition: Notice<RoomEvent>;
  on_handoff: Notice<RoomEvent>;
  on_handoff_rejected: Notice<RoomEvent>;
  on_task_created: Notice<RoomEvent>;
  on_observation: Notice<RoomEvent>;
  on_delivery_status: Notice<DeliveryStatus>;
  on_error: Notice<ErrorNotice>;
  on_protocol_trace: Notice<ProtocolTrace>;
  before_tool_use: Gate<ToolUseEvent>;
  on_tool_call: Notice<ToolCallEvent>;
  on_event_updated: Notice<RoomEvent>;
  on_event_deleted: Notice<RoomEvent>;
}

/** What handlers of this trigger are given. */
export type HookPayload<Trigger extends HookTrigger> = HookTable[Trigger]['payload'];
/** What handlers of this trigger answer: a verdict for gates, nothing for notices. */
export type HookReturn<Trigger extends HookTrigger> = HookTable[Trigger]['result'];
/** What handlers of this trigger are given after payload and context; nothing for most. */
export type HookArguments<Trigger extends HookTrigger> = HookTable[Trigger] extends { extra: infer Extra extends readonly unknown[] } ? Extra : [];
/** Triggers whose handlers decide. */
export type GateTrigger = { [T in HookTrigger]: HookTable[T]['kind'] extends 'gate' ? T : never }[HookTrigger];
/** Triggers whose handlers are told after the fact. */
export type NoticeTrigger = Exclude<HookTrigger, GateTrigger>;

/** What a modification of a gate has to be. */
export type PayloadShape = 'event' | 'string' | 'string_or_object' | 'object';

/** How the engine treats a trigger. */
export interface TriggerBehaviour {
  readonly kind: 'gate' | 'notice';
  /** What a failing handler of a gate means (HK-06). Notices are always logged. */
  readonly failure: 'open' | 'closed' | 'log';
  /** The caller does not wait for the handlers (HK-08). */
  readonly detached: boolean;
  /** What a modification must be (HK-05). */
  readonly payload: PayloadShape;
  /** `lenient`: nothing returned allows. `identity`: IdentityHookResult or nothing. */
  readonly result: 'strict' | 'lenient' | 'identity' | 'none';
}

const notice: TriggerBehaviour = { kind: 'notice', failure: 'log', detached: false, payload: 'object', result: 'none' };
const detached: TriggerBehaviour = { ...notice, detached: true };
const gate = (failure: 'open' | 'closed', payload: PayloadShape, result: TriggerBehaviour['result'] = 'strict'): TriggerBehaviour => ({
  kind: 'gate',
  failure,
  detached: false,
  payload,
  result,
});

/** The same table for the engine. */
export const TRIGGERS: { readonly [Trigger in HookTrigger]: TriggerBehaviour & { readonly kind: HookTable[Trigger]['kind'] } } = {
  before_broadcast: { ...gate('open', 'event'), kind: 'gate' },
  after_broadcast: { ...notice, kind: 'notice' },
  on_room_created: { ...notice, kind: 'notice' },
  on_room_paused: { ...notice, kind: 'notice' },
  on_room_closed: { ...notice, kind: 'notice' },
  on_channel_attached: { ...notice, kind: 'notice' },
  on_channel_detached: { ...notice, kind: 'notice' },
  on_channel_muted: { ...notice, kind: 'notice' },
  on_channel_unmuted: { ...notice, kind: 'notice' },
  on_identity_ambiguous: { ...gate('open', 'event', 'identity'), kind: 'gate' },
  on_identity_unknown: { ...gate('open', 'event', 'identity'), kind: 'gate' },
  on_participant_identified: { ...notice, kind: 'notice' },
  on_speech_start: { ...notice, kind: 'notice' },
  on_speech_end: { ...notice, kind: 'notice' },
  on_transcription: { ...gate('closed', 'string_or_object'), kind: 'gate' },
  on_partial_transcription: { ...detached, kind: 'notice' },
  on_vad_silence: { ...notice, kind: 'notice' },
  on_vad_audio_level: { ...detached, kind: 'notice' },
  on_input_audio_level: { ...detached, kind: 'notice' },
  on_output_audio_level: { ...detached, kind: 'notice' },
  before_tts: { ...gate('closed', 'string'), kind: 'gate' },
  after_tts: { ...notice, kind: 'notice' },
  on_tts_cancelled: { ...notice, kind: 'notice' },
  on_barge_in: { ...notice, kind: 'notice' },
  on_speaker_change: { ...notice, kind: 'notice' },
  on_dtmf: { ...notice, kind: 'notice' },
  on_turn_complete: { ...notice, kind: 'notice' },
  on_turn_incomplete: { ...notice, kind: 'notice' },
  on_backchannel: { ...notice, kind: 'notice' },
  on_recording_started: { ...gate('closed', 'object', 'lenient'), kind: 'gate' },
  on_recording_stopped: { ...notice, kind: 'notice' },
  on_realtime_tool_call: { ...gate('closed', 'object'), kind: 'gate' },
  on_realtime_text_injected: { ...notice, kind: 'notice' },
  on_phase_transition: { ...notice, kind: 'notice' },
  on_handoff: { ...notice, kind: 'notice' },
  on_handoff_rejected: { ...notice, kind: 'notice' },
  on_task_created: { ...notice, kind: 'notice' },
  on_observation: { ...notice, kind: 'notice' },
  on_delivery_status: { ...notice, kind: 'notice' },
  on_error: { ...notice, kind: 'notice' },
  on_protocol_trace: { ...detached, kind: 'notice' },
  before_tool_use: { ...gate('closed', 'object'), kind: 'gate' },
  on_tool_call: { ...notice, kind: 'notice' },
  on_event_updated: { ...notice, kind: 'notice' },
  on_event_deleted: { ...notice, kind: 'notice' },
};
