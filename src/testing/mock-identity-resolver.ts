/** An identity resolver that knows whom it is told (behaviour §28). */
import type { IdentityResolver } from '../core/identity/resolver.js';
import type { InboundMessage } from '../core/models/delivery.js';
import type { Identity, IdentityResult } from '../core/models/people.js';
import type { IdentificationStatus } from '../core/models/vocabulary.js';

/** Whom a mock resolver knows. */
export interface MockIdentityResolverOptions {
  /** Sender id → who that is. */
  readonly mapping?: Readonly<Record<string, Identity>>;
  /** Sender id → who it may be; asked where `mapping` has no answer. */
  readonly ambiguous?: Readonly<Record<string, readonly Identity[]>>;
  /** What everybody else is; default `unknown`. */
  readonly unknownStatus?: Exclude<IdentificationStatus, 'identified'>;
}

/** For tests: answers from two lists and remembers whom it was asked for. */
export class MockIdentityResolver implements IdentityResolver {
  /** The messages it was asked about, in order. */
  readonly calls: InboundMessage[] = [];

  constructor(private readonly options: MockIdentityResolverOptions = {}) {}

  resolve(message: InboundMessage): IdentityResult {
    this.calls.push(message);
    const { mapping = {}, ambiguous = {}, unknownStatus = 'unknown' } = this.options;
    const { senderId } = message;
    const identity = Object.hasOwn(mapping, senderId) ? mapping[senderId] : undefined;
    if (identity !== undefined) return { status: 'identified', identity };
    const candidates = Object.hasOwn(ambiguous, senderId) ? ambiguous[senderId] : undefined;
    return candidates === undefined ? { status: unknownStatus } : { status: 'ambiguous', candidates };
  }
}
