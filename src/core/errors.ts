/**
 * What goes wrong, for the person who reads it: a code, and a message that says what failed, with which value, and how
 * to mend it (CON-07). What belongs to the business (blocked, duplicate, refused) is a return value instead.
 */

export interface RoomKitErrorOptions {
  readonly cause?: unknown;
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean;
}

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

export class RoomNotFoundError extends RoomKitError {
  override readonly name = 'RoomNotFoundError';
  constructor(roomId: string) {
    super('room_not_found', `Room '${roomId}' does not exist. Create it with kit.createRoom({ roomId: '${roomId}' }) first.`);
  }
}

export class RoomExistsError extends RoomKitError {
  override readonly name = 'RoomExistsError';
  constructor(roomId: string) {
    super('room_exists', `Room '${roomId}' exists already. Use kit.getRoom('${roomId}'), or choose another id.`);
  }
}

export class RoomClosedError extends RoomKitError {
  override readonly name = 'RoomClosedError';
  constructor(roomId: string, status = 'closed') {
    super('room_closed', `Room '${roomId}' is ${status} and takes no more events. Use kit.reopenRoom('${roomId}') to go on with it.`);
  }
}

export class ChannelNotFoundError extends RoomKitError {
  override readonly name = 'ChannelNotFoundError';
  constructor(roomId: string, channelId: string, bound: readonly string[] = []) {
    super(
      'channel_not_found',
      `Channel '${channelId}' is not attached to room '${roomId}'. Call kit.attachChannel('${roomId}', '${channelId}') first; attached: ${bound.join(', ') || 'none'}.`,
    );
  }
}

export class ChannelNotRegisteredError extends RoomKitError {
  override readonly name = 'ChannelNotRegisteredError';
  constructor(channelId: string, registered: Iterable<string> = [], kind = 'Channel') {
    super(
      'channel_not_registered',
      `${kind} '${channelId}' is not registered. Call kit.registerChannel(channel) first; registered: ${[...registered].join(', ') || 'none'}.`,
    );
  }
}

export class ChannelAlreadyRegisteredError extends RoomKitError {
  override readonly name = 'ChannelAlreadyRegisteredError';
  constructor(channelId: string) {
    super(
      'channel_already_registered',
      `A channel '${channelId}' is registered already. Give the new one another id, or call kit.unregisterChannel('${channelId}') first.`,
    );
  }
}

export class ParticipantNotFoundError extends RoomKitError {
  override readonly name = 'ParticipantNotFoundError';
  constructor(roomId: string, participantId: string) {
    super(
      'participant_not_found',
      `Room '${roomId}' has no participant '${participantId}'. Call kit.ensureParticipant('${roomId}', channelId, '${participantId}') first.`,
    );
  }
}

export class IdentityNotFoundError extends RoomKitError {
  override readonly name = 'IdentityNotFoundError';
  constructor(identityId: string) {
    super('identity_not_found', `Identity '${identityId}' does not exist. Create it with kit.store.createIdentity(identity) first.`);
  }
}

export class SourceAlreadyAttachedError extends RoomKitError {
  override readonly name = 'SourceAlreadyAttachedError';
  constructor(channelId: string) {
    super('source_already_attached', `Channel '${channelId}' has a source already. Call kit.detachSource('${channelId}') first.`);
  }
}

export class SourceNotFoundError extends RoomKitError {
  override readonly name = 'SourceNotFoundError';
  constructor(channelId: string) {
    super('source_not_found', `Channel '${channelId}' has no source. Attach one with kit.attachSource('${channelId}', source).`);
  }
}

export class VoiceNotConfiguredError extends RoomKitError {
  override readonly name = 'VoiceNotConfiguredError';
  constructor(what: 'stt' | 'tts') {
    super(
      'voice_not_configured',
      `The kit has no ${what === 'stt' ? 'speech recognition' : 'speech synthesis'}. Pass new RoomKit({ ${what}: provider }).`,
    );
  }
}

export class VoiceBackendNotConfiguredError extends RoomKitError {
  override readonly name = 'VoiceBackendNotConfiguredError';
  constructor() {
    super('voice_backend_not_configured', 'The kit has no voice backend. Pass new RoomKit({ voice: backend }).');
  }
}

export class VoiceSessionEndedError extends RoomKitError {
  override readonly name = 'VoiceSessionEndedError';
  constructor(sessionId: string) {
    super('voice_session_ended', `Voice session '${sessionId}' has ended. Start a new one before sending to it.`);
  }
}

export class LeaseLostError extends RoomKitError {
  override readonly name = 'LeaseLostError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('lease_lost', message, { retryable: true, ...options });
  }
}

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

export class ConflictError extends RoomKitError {
  override readonly name = 'ConflictError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('conflict', message, { retryable: true, ...options });
  }
}

export class ValidationError extends RoomKitError {
  override readonly name = 'ValidationError';
  constructor(message: string, options?: RoomKitErrorOptions) {
    super('invalid', message, options);
  }
}

export class NotSupportedError extends RoomKitError {
  override readonly name = 'NotSupportedError';
  constructor(message: string) {
    super('not_supported', message);
  }
}

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

export interface ProviderErrorOptions extends RoomKitErrorOptions {
  readonly provider: string;
  readonly code?: string;
  readonly statusCode?: number;
  readonly retryAfterSeconds?: number;
}

/** A vendor's client failed. Its prose never enters a room. */
export class ProviderError extends RoomKitError {
  override readonly name = 'ProviderError';
  readonly provider: string;
  readonly statusCode?: number;
  readonly retryAfterSeconds?: number;

  constructor(message: string, options: ProviderErrorOptions) {
    super(options.code ?? 'provider_error', message, options);
    this.provider = options.provider;
    if (options.statusCode !== undefined) this.statusCode = options.statusCode;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export interface DeliveryErrorOptions extends RoomKitErrorOptions {
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

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
