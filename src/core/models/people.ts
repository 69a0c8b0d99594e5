/** People: participants of a room, identities behind them, and what resolving a sender may answer (behaviour §3.2). */
import type { ContentInput } from './content.js';
import type { Metadata } from './json.js';
import type { ChannelType, IdentificationStatus, ParticipantRole, ParticipantStatus } from './vocabulary.js';

/** Somebody, or some program, as one room knows it. The same person in two rooms is two participants with one `identityId`. */
export interface Participant {
  readonly id: string;
  readonly roomId: string;
  readonly channelId: string;
  readonly displayName?: string;
  readonly role: ParticipantRole;
  readonly status: ParticipantStatus;
  readonly identification: IdentificationStatus;
  readonly identityId?: string;
  readonly candidates?: readonly Identity[];
  /** Further channels this person speaks through. */
  readonly connectedVia: readonly string[];
  readonly externalId?: string;
  readonly resolvedAt?: string;
  readonly resolvedBy?: string;
  readonly joinedAt: string;
  readonly metadata: Metadata;
}

/** A person behind the senders: addresses by channel type, ids in other systems. */
export interface Identity {
  readonly id: string;
  readonly organizationId?: string;
  readonly displayName?: string;
  readonly email?: string;
  readonly phone?: string;
  /** Channel type → addresses. An address belongs to one identity per organization (IDN-09). */
  readonly channelAddresses?: Readonly<Partial<Record<ChannelType, readonly string[]>>>;
  readonly externalId?: string;
  readonly externalIds?: Readonly<Record<string, string>>;
  readonly metadata?: Metadata;
}

/** What an {@link IdentityResolver} found out about a sender (§12). */
export interface IdentityResult {
  readonly status: IdentificationStatus;
  readonly identity?: Identity;
  readonly candidates?: readonly Identity[];
  /** Default: the sender's id (IDN-03). */
  readonly address?: string;
  readonly channelType?: ChannelType;
  readonly challengeType?: string;
  readonly message?: string;
  /** With `challenge_sent`: delivered to the sender's channel, as what a hook's challenge asks (IDN-08). */
  readonly inject?: ContentInput;
  /** The message is nothing but the answer to a challenge, right or wrong: it is neither said nor held (IDN-11). Default false. */
  readonly isAnswer?: boolean;
  /** Several people write from this address: the resolver is asked for each of its messages (IDN-01). Default false. */
  readonly isShared?: boolean;
}

/** A merge of two identities, with what it moved, so that it can be undone exactly (IDN-13). */
export interface IdentityMerge {
  readonly intoId: string;
  readonly fromId: string;
  readonly by: string;
  readonly reason?: string;
  readonly at: string;
  /** The merged-away identity as it was. */
  readonly from: Identity;
  readonly movedAddresses: Readonly<Partial<Record<ChannelType, readonly string[]>>>;
  readonly movedExternalIds: Readonly<Record<string, string>>;
}

/** What a hook on an unknown or ambiguous sender decides (IDN-06). The first result wins. */
export class IdentityHookResult {
  private constructor(
    readonly outcome: 'resolved' | 'pending' | 'challenge' | 'reject',
    readonly identity?: Identity,
    readonly displayName?: string,
    readonly candidates?: readonly Identity[],
    readonly inject?: ContentInput,
    readonly reason?: string,
  ) {}

  /** The sender is this identity. */
  static resolved(identity: Identity): IdentityHookResult {
    return new IdentityHookResult('resolved', identity);
  }

  /** The message goes on under a pending participant. */
  static pending(options: { displayName?: string; candidates?: readonly Identity[] } = {}): IdentityHookResult {
    return new IdentityHookResult('pending', undefined, options.displayName, options.candidates);
  }

  /** Asks the sender (`inject` is delivered to the sender's channel) and holds the message (IDN-11). */
  static challenge(inject: ContentInput, message?: string): IdentityHookResult {
    return new IdentityHookResult('challenge', undefined, undefined, undefined, inject, message);
  }

  /** Refuses the message. Default reason: `unknown_sender`, or `identity_rejected` for one the resolver has found. */
  static reject(reason?: string): IdentityHookResult {
    return new IdentityHookResult('reject', undefined, undefined, undefined, undefined, reason);
  }
}
