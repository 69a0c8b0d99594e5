/** What the emulators of all model vendors have in common: starting, scripting, looking at what was asked. */
import type { ServerResponse } from 'node:http';
import { LoopbackServer, type RecordedRequest } from './loopback.js';
import {
  Playbook,
  type ModelRequest,
  type ModelRule,
  type ModelScript,
  type ScriptedAnswer,
  type ScriptedFailure,
  type ScriptedModelReply,
} from './script.js';

/** What every model emulator is started with. */
export interface ModelEmulatorOptions extends ModelScript {
  /** The only key it takes; default `test-key`. */
  readonly apiKey?: string;
  /** The models it knows; default one, `test-model`. */
  readonly models?: readonly string[];
  /** Tokens that fit into a request, four letters each; default 200,000. */
  readonly contextWindow?: number;
  /** Default: a free one. */
  readonly port?: number;
}

/** A vendor's API on loopback. */
export abstract class ModelEmulator {
  protected readonly apiKey: string;
  protected readonly models: readonly string[];
  protected readonly contextWindow: number;
  readonly #playbook: Playbook;
  readonly #server: LoopbackServer;
  readonly #port: number | undefined;

  protected constructor(options: ModelEmulatorOptions) {
    this.#playbook = new Playbook(options);
    this.apiKey = options.apiKey ?? 'test-key';
    this.models = options.models ?? ['test-model'];
    this.contextWindow = options.contextWindow ?? 200_000;
    this.#port = options.port;
    this.#server = new LoopbackServer((request, response) => this.answer(request, response));
  }

  /** Where it listens: `http://127.0.0.1:PORT`. */
  get url(): string {
    return this.#server.url;
  }

  /** What was asked, oldest first; refused requests too. */
  get requests(): readonly RecordedRequest[] {
    return this.#server.requests;
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#server.openConnections;
  }

  /** Scripted answers that nobody has asked for yet. */
  get waitingReplies(): number {
    return this.#playbook.waiting;
  }

  /** Answers to give next, once each. */
  enqueue(...replies: readonly ScriptedModelReply[]): void {
    this.#playbook.enqueue(replies);
  }

  /** A rule that goes before those that are there. */
  addRule(rule: ModelRule): void {
    this.#playbook.addRule(rule);
  }

  /** Ends every connection. Idempotent. */
  close(): Promise<void> {
    return this.#server.close();
  }

  /** The same as {@link ModelEmulator.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What to answer to this request. */
  protected nextReply(request: ModelRequest): ScriptedAnswer | { readonly failure: ScriptedFailure; readonly hold?: Promise<unknown> } {
    return this.#playbook.next(request);
  }

  /** Begins to serve. */
  protected listen(): Promise<void> {
    return this.#server.listen(this.#port);
  }

  /** Answers one request of the vendor's protocol. */
  protected abstract answer(request: RecordedRequest, response: ServerResponse): Promise<void>;
}
