/**
 * What goes wrong, for the person who reads it: a code, and a message that says what failed, with which value, and how
 * to mend it (CON-07). What belongs to the business (blocked, duplicate, refused) is a return value instead.
 */

/** What goes with every error. */
export interface RoomKitErrorOptions {
  /** What went wrong before. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean;
}

/** Everything this package throws on purpose. `code` is stable, `retryable` says whether the same call may succeed later. */
export class RoomKitError extends Error {
  override readonly name: string = 'RoomKitError';
  readonly retryable: boolean;

  constructor(
    readonly code: string,
    message: string,
    options: RoomKitErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryable = options.retryable ?? false;
  }
}

/** `room_not_found`: there is no such room, or it belongs to another organization. */
export class RoomNotFoundError extends RoomKitError {
  override readonly name = 'RoomNotFoundError';
  constructor(roomId: string) {
    super('room_not_found', `Room '${roomId}' does not exist. Create it with kit.createRoom({ roomId: '${roomId}' }) first.`);
  }
}

/** `room_exists`: the id is taken. */
export class RoomExistsError extends RoomKitError {
  override readonly name = 'RoomExistsError';
  constructor(roomId: string) {
    super('room_exists', `Room '${roomId}' exists already. Use kit.getRoom('${roomId}'), or choose another id.`);
  }
}

/** `room_closed`: closed and archived rooms never grow (ROOM-04). */
export class RoomClosedError extends RoomKitError {
  override readonly name = 'RoomClosedError';
  constructor(roomId: string, status = 'closed') {
    super('room_closed', `Room '${roomId}' is ${status} and takes no more events. Use kit.reopenRoom('${roomId}') to go on with it.`);
  }
}

/** `channel_not_found`: the channel is not attached to this room. */
export class ChannelNotFoundError extends RoomKitError {
  override readonly name = 'ChannelNotFoundError';
  constructor(roomId: string, channelId: string, bound: readonly string[] = []) {
    super(
      'channel_not_found',
      `Channel '${channelId}' is not attached to room '${roomId}'. Call kit.attachChannel('${roomId}', '${channelId}') first; attached: ${bound.join(', ') || 'none'}.`,
    );
  }
}

/** `channel_not_registered`: the kit does not know this channel. */
export class ChannelNotRegisteredError extends RoomKitError {
  override readonly name = 'ChannelNotRegisteredError';
  constructor(channelId: string, registered: Iterable<string> = [], kind = 'Channel') {
    super(
      'channel_not_registered',
      `${kind} '${channelId}' is not registered. Call kit.registerChannel(channel) first; registered: ${[...registered].join(', ') || 'none'}.`,
    );
  }
}

/** `channel_already_registered`: the id is taken (CHO-01). */
export class ChannelAlreadyRegisteredError extends RoomKitError {
  override readonly name = 'ChannelAlreadyRegisteredError';
  constructor(channelId: string) {
    super(
      'channel_already_registered',
      `A channel '${channelId}' is registered already. Give the new one another id, or call kit.unregisterChannel('${channelId}') first.`,
    );
  }
}

/** `participant_not_found`: the room knows nobody of this id. */
export class ParticipantNotFoundError extends RoomKitError {
  override readonly name = 'ParticipantNotFoundError';
  constructor(roomId: string, participantId: string) {
    super(
      'participant_not_found',
      `Room '${roomId}' has no participant '${participantId}'. Call kit.ensureParticipant('${roomId}', channelId, '${participantId}') first.`,
    );
  }
}

/** `identity_not_found`: the store knows no such identity. */
export class IdentityNotFoundError extends RoomKitError {
  override readonly name = 'IdentityNotFoundError';
  constructor(identityId: string) {
    super('identity_not_found', `Identity '${identityId}' does not exist. Create it with kit.createIdentity({ id: '${identityId}', … }) first.`);
  }
}

/** `source_already_attached`: a channel has one source at a time (SRC-01). */
export class SourceAlreadyAttachedError extends RoomKitError {
  override readonly name = 'SourceAlreadyAttachedError';
  constructor(channelId: string) {
    super('source_already_attached', `Channel '${channelId}' has a source already. Call kit.detachSource('${channelId}') first.`);
  }
}

/** `source_not_found`: the channel has no source (SRC-01). */
export class SourceNotFoundError extends RoomKitError {
  override readonly name = 'SourceNotFoundError';
  constructor(channelId: string) {
    super('source_not_found', `Channel '${channelId}' has no source. Attach one with kit.attachSource('${channelId}', source).`);
  }
}

/** `voice_not_configured`: the kit has no `stt` or no `tts` (KIT-06). */
export class VoiceNotConfiguredError extends RoomKitError {
  override readonly name = 'VoiceNotConfiguredError';
  constructor(what: 'stt' | 'tts') {
    super(
      'voice_not_configured',
      `The kit has no ${what === 'stt' ? 'speech recognition' : 'speech synthesis'}. Pass new RoomKit({ ${what}: provider }).`,
    );
  }
}

/** `voice_backend_not_configured`: the kit has no `voice`. */
export class VoiceBackendNotConfiguredError extends RoomKitError {
  override readonly name = 'VoiceBackendNotConfiguredError';
  constructor() {
    super('voice_backend_not_configured', 'The kit has no voice backend. Pass new RoomKit({ voice: backend }).');
  }
}

/** `voice_session_ended`: nothing more can be sent to this session. */
export class VoiceSessionEndedError extends RoomKitError {
  override readonly name = 'VoiceSessionEndedError';
  constructor(sessionId: string) {
    super('voice_session_ended', `Voice session '${sessionId}' has ended. Start a new one before sending to it.`);
  }
}

/** `lease_lost`, retryable: the room's lock was lost before the work was done (LOCK-01). */
export class LeaseLostError extends RoomKitError {
  override readonly name = 'LeaseLostError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('lease_lost', message, { retryable: true, ...options });
  }
}

/** `fenced`, retryable: a newer holder of the room has written (LOCK-03). */
export class FencedError extends RoomKitError {
  override readonly name = 'FencedError';
  constructor(roomId: string, token: number, highest: number) {
    super(
      'fenced',
      `A newer holder of room '${roomId}' has written (token ${highest}); this one (token ${token}) may not write any more. Repeat the call.`,
      { retryable: true },
    );
  }
}

/** `conflict`, retryable: something else changed what this call was based on (LOCK-07, STO-14). */
export class ConflictError extends RoomKitError {
  override readonly name = 'ConflictError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('conflict', message, { retryable: true, ...options });
  }
}

/** `invalid`: what was given cannot be used. The message names field, value and limit (CON-13). */
export class ValidationError extends RoomKitError {
  override readonly name = 'ValidationError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('invalid', message, options);
  }
}

/** `not_supported`: this object never does that. */
export class NotSupportedError extends RoomKitError {
  override readonly name = 'NotSupportedError';
  constructor(message: string) {
    super('not_supported', message);
  }
}

/** `kit_closed`: the kit takes no more work (KIT-03). */
export class KitClosedError extends RoomKitError {
  override readonly name = 'KitClosedError';
  constructor(message = 'This kit is closed and takes no more work. Create a new RoomKit.') {
    super('kit_closed', message);
  }
}

/** An operation ended because its signal was aborted. */
export class AbortedError extends RoomKitError {
  override readonly name = 'AbortedError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('aborted', message, options);
  }
}

/** A bounded wait was too long. */
export class TimeoutError extends RoomKitError {
  override readonly name = 'TimeoutError';
  constructor(message: string) {
    super('timeout', message, { retryable: true });
  }
}

/** An optional package that this feature needs is not installed. */
export class MissingPeerError extends RoomKitError {
  override readonly name = 'MissingPeerError';
  constructor(feature: string, packageName: string, options?: RoomKitErrorOptions) {
    super('missing_peer', `${feature} needs the package '${packageName}'. Run: npm install ${packageName}`, options);
  }
}

/** What a vendor's client knows of its failure. `retryAfterSeconds` is what the vendor asked for. */
export interface ProviderErrorOptions extends RoomKitErrorOptions {
  /** The vendor's name. */
  readonly provider: string;
  /** Default `provider_error`. */
  readonly code?: string;
  /** Of HTTP, where there is one. */
  readonly statusCode?: number;
  /** How long the vendor asks to be left alone. */
  readonly retryAfterSeconds?: number;
  /** Tokens that the failed generation cost all the same, where the vendor says so (USG-01). */
  readonly usage?: Readonly<Record<string, number>>;
}

/** A vendor's client failed. Its prose never enters a room. */
export class ProviderError extends RoomKitError {
  override readonly name = 'ProviderError';
  readonly provider: string;
  readonly statusCode?: number;
  readonly retryAfterSeconds?: number;
  readonly usage?: Readonly<Record<string, number>>;

  constructor(message: string, options: ProviderErrorOptions) {
    super(options.code ?? 'provider_error', message, options);
    this.provider = options.provider;
    if (options.statusCode !== undefined) this.statusCode = options.statusCode;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
    if (options.usage !== undefined) this.usage = options.usage;
  }
}

/** What a channel knows of a failed delivery. */
export interface DeliveryErrorOptions extends RoomKitErrorOptions {
  /** How long the vendor asks to be left alone. */
  readonly retryAfterSeconds?: number;
  /** The vendor's answer. */
  readonly result?: unknown;
  /** How many parts of a split text had been sent before (TRC-03). */
  readonly partsSent?: number;
}

/** A delivery did not succeed; thrown by `channel.deliver` (TRN-05). */
export class DeliveryError extends RoomKitError {
  override readonly name = 'DeliveryError';
  readonly retryAfterSeconds?: number;
  readonly result?: unknown;
  readonly partsSent?: number;

  constructor(code: string, message: string, options: DeliveryErrorOptions = {}) {
    super(code, message, options);
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
    if (options.result !== undefined) this.result = options.result;
    if (options.partsSent !== undefined) this.partsSent = options.partsSent;
  }
}

/** The code of any thrown value: its own for ours, `internal` for everything else. */
export function errorCode(error: unknown): string {
  return error instanceof RoomKitError ? error.code : 'internal';
}

/** The message of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
