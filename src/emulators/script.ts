/** What an emulated model is told to answer: the next of a queue, else what the first fitting rule says. */

/** A tool the emulated model calls. */
export interface ScriptedToolCall {
  readonly name: string;
  /** An object, or the text that the model writes in the place of JSON: a broken one, say. */
  readonly arguments?: Readonly<Record<string, unknown>> | string;
  /** Default: made up by the emulator, in the vendor's form. */
  readonly id?: string;
}

/** How an answer goes over the wire. Counts are those of the vendor's own stream events. */
export interface Pacing {
  /** The first byte waits until this is settled. */
  readonly hold?: Promise<unknown>;
  /** After so many events the stream waits until `until` is settled. */
  readonly pause?: { readonly after: number; readonly until: Promise<unknown> };
  /** After so many events the connection is cut. Of an answer in one piece: after half of its bytes. */
  readonly cutAfter?: number;
  /** After so many events the stream ends as if all had been said. */
  readonly endAfter?: number;
  /** After so many events the stream reports this failure, where the vendor's protocol can. */
  readonly failAfter?: { readonly events: number; readonly failure: ScriptedFailure };
  /** Letters of one delta; default 12. */
  readonly pieceChars?: number;
}

/** What the model says. */
export interface ScriptedAnswer extends Pacing {
  readonly text?: string;
  readonly thinking?: string;
  readonly toolCalls?: readonly ScriptedToolCall[];
  /** Tokens; default: counted from the letters, four a token. */
  readonly usage?: {
    /** All that were read, those from a cache included. */
    readonly input?: number;
    /** All that were written, those of thinking included. */
    readonly output?: number;
    readonly cacheRead?: number;
    readonly cacheWrite?: number;
    readonly thinking?: number;
  };
  /** The vendor's own word for why it ended; default: what follows from the answer. */
  readonly finish?: string;
}

/** How a request fails. */
export interface ScriptedFailure {
  /** Of HTTP: 400, 401, 404, 429, 500, 529 … */
  readonly status: number;
  /** The vendor's word for it; default the usual one of this status. */
  readonly type?: string;
  /** The vendor's prose. */
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

/** A text, a whole answer, or a failure. */
export type ScriptedModelReply = string | ScriptedAnswer | { readonly failure: ScriptedFailure; readonly hold?: Promise<unknown> };

/** What a request asks, told alike for every vendor. */
export interface ModelRequest {
  readonly model: string;
  readonly system: string;
  /** The newest text of the user. */
  readonly userText: string;
  /** Texts of the tool results that follow it, in order. */
  readonly toolResults: readonly string[];
  /** Names of the tools on offer. */
  readonly tools: readonly string[];
  readonly imageCount: number;
  readonly isStreamed: boolean;
  /** The vendor's own request. */
  readonly body: unknown;
}

/** What to answer when `when` fits. */
export interface ModelRule {
  /** Matched against the newest text of the user, or asked with the whole request. */
  readonly when: RegExp | string | ((request: ModelRequest) => boolean);
  /** What it says then, or how that follows from the request. */
  readonly reply: ScriptedModelReply | ((request: ModelRequest) => ScriptedModelReply);
}

/** What every emulated model can be told. */
export interface ModelScript {
  /** Answers given once each, before any rule. */
  readonly script?: readonly ScriptedModelReply[];
  /** The first that fits answers. Default: the model repeats what it was told. */
  readonly rules?: readonly ModelRule[];
}

/** Decides the answers of one emulator. */
export class Playbook {
  readonly #queue: ScriptedModelReply[];
  readonly #rules: ModelRule[];

  constructor(script: ModelScript) {
    this.#queue = [...(script.script ?? [])];
    this.#rules = [...(script.rules ?? [])];
  }

  enqueue(replies: readonly ScriptedModelReply[]): void {
    this.#queue.push(...replies);
  }

  addRule(rule: ModelRule): void {
    this.#rules.unshift(rule);
  }

  /** How many scripted answers nobody has asked for yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  next(request: ModelRequest): Exclude<ScriptedModelReply, string> {
    const reply = this.#queue.shift() ?? this.#byRule(request) ?? `You said: ${request.userText}`;
    return typeof reply === 'string' ? { text: reply } : reply;
  }

  #byRule(request: ModelRequest): ScriptedModelReply | undefined {
    const rule = this.#rules.find(({ when }) => {
      if (typeof when === 'function') return when(request);
      return typeof when === 'string' ? request.userText.toLowerCase().includes(when.toLowerCase()) : when.test(request.userText);
    });
    return typeof rule?.reply === 'function' ? rule.reply(request) : rule?.reply;
  }
}

export function isFailure(
  reply: Exclude<ScriptedModelReply, string>,
): reply is { readonly failure: ScriptedFailure; readonly hold?: Promise<unknown> } {
  return 'failure' in reply;
}

/** A text in pieces, whole letters each. */
export function piecesOf(text: string, pieceChars = 12): readonly string[] {
  const letters = [...text];
  const pieces: string[] = [];
  for (let at = 0; at < letters.length; at += pieceChars) pieces.push(letters.slice(at, at + pieceChars).join(''));
  return pieces;
}

/** Four letters a token, as a rule of thumb goes. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

/** The JSON text of a call's arguments; what was scripted as text stays as it is. */
export function argumentsText(call: ScriptedToolCall): string {
  return typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments ?? {});
}
