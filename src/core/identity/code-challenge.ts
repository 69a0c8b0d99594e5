/**
 * Several people write from one phone, and only one of them can be meant. Each gets a code of their own by a way that is theirs
 * alone; the code that comes back says who is writing (IDN-15).
 */
import { SystemClock, type Clock } from '../clock.js';
import { errorMessage, NotSupportedError, ValidationError } from '../errors.js';
import { StderrLogger, type Logger } from '../logger.js';
import type { ContentInput } from '../models/content.js';
import type { InboundMessage } from '../models/delivery.js';
import type { Awaitable, Metadata } from '../models/json.js';
import type { Identity, IdentityResult } from '../models/people.js';
import { checkOptionNames } from '../option-names.js';
import type { RoomContext } from '../rooms/context.js';
import type { ConversationStore } from '../store/store.js';
import { digestOf, isCode, newCodes, typedCode, type CodeDigest, type TypedCode } from './code.js';
import type { IdentityResolver } from './resolver.js';

/** Whom it asks, how, and for how long an answer counts. */
export interface CodeChallengeOptions {
  /** The kit's. It has to keep facts: what is open survives a restart. */
  readonly store: ConversationStore;
  /** Who may be behind a sender. Whom it calls `ambiguous` or `pending`, with candidates, is asked for a code; every other answer stands. */
  readonly resolver: IdentityResolver;
  /**
   * Sends a code to one of the candidates: a mail, a letter of the app. Never over the sender's own channel, and not as an event, which
   * agents and colleagues would read. False: there is no way to this person. It counts into `identityTimeoutSeconds`.
   */
  readonly sendCode: (delivery: CodeDelivery) => Awaitable<boolean>;
  /** What the sender is told. Default English. */
  readonly words?: CodeChallengeWords;
  /** Default 6; from 4 to 9. */
  readonly digits?: number;
  /** How long a code is taken, and after how long new ones are sent at the earliest. Default 600. */
  readonly validForSeconds?: number;
  /** Wrong ones beyond this end the codes. Default 5. */
  readonly maxTries?: number;
  /** How long a right code answers for what comes from this sender. Default 1800. */
  readonly knownForSeconds?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Told of codes that could not be sent, never of a code. Default: stderr. */
  readonly logger?: Logger;
}

/** A code on its way to somebody. */
export interface CodeDelivery {
  readonly code: string;
  /** To whom. */
  readonly identity: Identity;
  /** Who is asked for it. */
  readonly sender: { readonly channelId: string; readonly senderId: string };
  readonly validForSeconds: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** What a sender is told. */
export interface CodeChallengeWords {
  /** Codes were sent. */
  readonly ask?: ContentInput;
  /** That was none of them. */
  readonly wrong?: ContentInput;
  /** That was none of them, and no further one is taken. */
  readonly exhausted?: ContentInput;
}

const WORDS: Required<CodeChallengeWords> = {
  ask: 'Several people write from here. We have sent you a code: please answer with it.',
  wrong: 'That is not the code. Please try again.',
  exhausted: 'That is not the code, and no further try is taken. Please write to us again later.',
};

/** Codes are out. */
interface Open {
  readonly state: 'open';
  readonly codes: readonly (CodeDigest & { readonly identityId: string })[];
  readonly expiresAt: number;
  readonly tries: number;
}

/** One came back. */
interface Answered {
  readonly state: 'answered';
  readonly identityId: string;
  readonly until: number;
  /** The code that came back: the same message twice is one answer. */
  readonly code: CodeDigest;
}

/**
 * A resolver in front of yours: `new RoomKit({ store, identityResolver: new CodeChallenge({ store, resolver, sendCode }) })`.
 * What the sender writes meanwhile waits (IDN-11).
 */
export class CodeChallenge implements IdentityResolver {
  readonly #options: CodeChallengeOptions;
  readonly #words: Required<CodeChallengeWords>;
  readonly #digits: number;
  readonly #validForSeconds: number;
  readonly #maxTries: number;
  readonly #knownForSeconds: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** One message of a sender after another: two at once are not two tries for one. */
  readonly #lines = new Map<string, Promise<unknown>>();

  /** Throws NotSupportedError when the store keeps no facts, ValidationError for a number that makes no sense. */
  constructor(options: CodeChallengeOptions) {
    checkOptionNames('new CodeChallenge(…)', options, OPTION_NAMES);
    const { store } = options;
    if (store.getFact === undefined || store.putFact === undefined)
      throw new NotSupportedError(
        `The store '${store.name}' keeps no facts, so codes would be forgotten. Use SqliteStore, or give your store getFact, putFact and listFacts.`,
      );
    this.#options = options;
    this.#words = { ...WORDS, ...options.words };
    this.#digits = whole('digits', options.digits ?? 6, 4, 9);
    this.#validForSeconds = whole('validForSeconds', options.validForSeconds ?? 600, 1);
    this.#maxTries = whole('maxTries', options.maxTries ?? 5, 1);
    this.#knownForSeconds = whole('knownForSeconds', options.knownForSeconds ?? 1800, 0);
    this.#clock = options.clock ?? new SystemClock();
    this.#logger = options.logger ?? new StderrLogger();
  }

  async resolve(message: InboundMessage, context: RoomContext, options: { signal: AbortSignal }): Promise<IdentityResult> {
    const found = await this.#options.resolver.resolve(message, context, options);
    if ((found.status !== 'ambiguous' && found.status !== 'pending') || (found.candidates ?? []).length === 0) return found;
    const key = `identity_code:${JSON.stringify([message.channelId, message.senderId])}`;
    const before = this.#lines.get(key);
    const own = (before ?? Promise.resolve()).then(() => this.#decide(key, message, found, options.signal));
    const settled = own.then(ignore, ignore);
    this.#lines.set(key, settled);
    try {
      return await own;
    } finally {
      if (this.#lines.get(key) === settled) this.#lines.delete(key);
    }
  }

  async #decide(key: string, message: InboundMessage, found: IdentityResult, signal: AbortSignal): Promise<IdentityResult> {
    const record = (await this.#options.store.getFact?.(key)) as unknown as Open | Answered | null; // written by this class only
    const typed = typedCode(message, this.#digits);
    const now = this.#clock.now();
    if (record?.state === 'answered' && now < record.until) {
      const identity = await this.#candidate(record.identityId, found);
      const isAnswer = typed?.isWhole === true && (await isCode(typed.code, record.code));
      if (identity !== undefined) return identified(identity, isAnswer);
    }
    if (record?.state !== 'open' || now >= record.expiresAt) {
      // A code that comes too late is still no part of the conversation; any other number is.
      const isLate = typed !== undefined && record?.state === 'open' && (await this.#which(record, typed)) !== undefined;
      return this.#ask(key, message, found, isLate ? typed : undefined, signal);
    }
    // A message without a code waits for the one that brings it; so does everything once the tries are used up.
    if (typed === undefined) return { status: 'challenge_sent', challengeType: 'code' };
    if (record.tries >= this.#maxTries) return challenged(undefined, typed);
    return this.#check(key, record, typed, found);
  }

  async #check(key: string, record: Open, typed: TypedCode, found: IdentityResult): Promise<IdentityResult> {
    const tries = record.tries + 1;
    // Counted before it is looked at: nothing that goes wrong in between makes a try free.
    await this.#put(key, { ...record, tries });
    const right = await this.#which(record, typed);
    const identity = right === undefined ? undefined : await this.#candidate(right.identityId, found);
    if (right === undefined || identity === undefined) return challenged(tries < this.#maxTries ? this.#words.wrong : this.#words.exhausted, typed);
    const { identityId, salt, digest } = right;
    await this.#put(key, { state: 'answered', identityId, until: this.#clock.now() + this.#knownForSeconds * 1000, code: { salt, digest } });
    return identified(identity, typed.isWhole);
  }

  /** All are looked at, whichever it is. */
  async #which({ codes }: Open, { code }: TypedCode): Promise<Open['codes'][number] | undefined> {
    const checked = await Promise.all(codes.map((one) => isCode(code, one)));
    return codes[checked.indexOf(true)];
  }

  /** New codes, one to each. Where none could be sent nobody is asked, and the resolver's own answer stands. */
  async #ask(
    key: string,
    message: InboundMessage,
    found: IdentityResult,
    typed: TypedCode | undefined,
    signal: AbortSignal,
  ): Promise<IdentityResult> {
    const candidates = found.candidates ?? [];
    const codes = newCodes(candidates.length, this.#digits);
    const sent = await Promise.all(candidates.map((identity, position) => this.#send(message, identity, codes[position] ?? '', signal)));
    const out = sent.filter((code) => code !== undefined);
    // Who waited too long for this has taken the sender for unknown: nothing is open.
    if (out.length === 0 || signal.aborted) return found;
    await this.#put(key, { state: 'open', codes: out, expiresAt: this.#clock.now() + this.#validForSeconds * 1000, tries: 0 });
    return challenged(this.#words.ask, typed);
  }

  async #send(message: InboundMessage, identity: Identity, code: string, signal: AbortSignal): Promise<Open['codes'][number] | undefined> {
    const { channelId, senderId } = message;
    try {
      const isOut = await this.#options.sendCode({ code, identity, sender: { channelId, senderId }, validForSeconds: this.#validForSeconds, signal });
      return isOut ? { ...(await digestOf(code)), identityId: identity.id } : undefined;
    } catch (error) {
      const fields = { channelId, identityId: identity.id, error: errorMessage(error).replaceAll(code, '…') };
      this.#logger.warn('A code that asks who is writing could not be sent.', fields);
      return undefined;
    }
  }

  /** One of those it may be; merged since, the one it went into. */
  async #candidate(identityId: string, { candidates = [] }: IdentityResult): Promise<Identity | undefined> {
    const own = candidates.find(({ id }) => id === identityId);
    if (own !== undefined) return own;
    const now = await this.#options.store.getIdentity(identityId);
    return candidates.find(({ id }) => id === now?.id);
  }

  async #put(key: string, record: Open | Answered): Promise<void> {
    await this.#options.store.putFact?.(key, record as unknown as Metadata);
  }
}

function identified(identity: Identity, isAnswer: boolean): IdentityResult {
  return { status: 'identified', identity, isShared: true, isAnswer, challengeType: 'code' };
}

/** The message waits, unless it was a code. */
function challenged(inject: ContentInput | undefined, typed: TypedCode | undefined): IdentityResult {
  return { status: 'challenge_sent', challengeType: 'code', isAnswer: typed?.isWhole === true, ...(inject !== undefined && { inject }) };
}

function whole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const limits = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  throw new ValidationError(`${name} of a CodeChallenge is ${String(value)}. Give a whole number, ${limits}.`);
}

function ignore(): undefined {
  return undefined;
}

const OPTION_NAMES: Readonly<Record<keyof CodeChallengeOptions, true>> = {
  store: true,
  resolver: true,
  sendCode: true,
  words: true,
  digits: true,
  validForSeconds: true,
  maxTries: true,
  knownForSeconds: true,
  clock: true,
  logger: true,
};
