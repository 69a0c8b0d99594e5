/**
 * What the emulators of all messaging vendors have in common: starting, faults on demand, and calling the webhook of the
 * program under test as the vendor would. Vendors of models have {@link ModelEmulator}.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallbackFault, VendorFault } from './faults.js';
import { LoopbackServer, type RecordedRequest } from './loopback.js';

/** What every emulator of a messaging vendor is started with. */
export interface VendorEmulatorOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Where messages and statuses are reported to: the program's webhook. May be set later. */
  readonly webhookUrl?: string;
}

/** A call to the webhook and what was answered. */
export interface WebhookCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Of the answer; 0 when there was none. */
  readonly status: number;
  readonly answer: string;
}

/** A messaging vendor on loopback. */
export abstract class VendorEmulator {
  /** Where messages and statuses are reported to. */
  webhookUrl: string | undefined;
  readonly #server: LoopbackServer;
  readonly #port: number | undefined;
  readonly #faults: { fault: VendorFault; left: number }[] = [];
  readonly #callbackFaults: { fault: CallbackFault; left: number }[] = [];
  readonly #calls: WebhookCall[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  protected constructor(options: VendorEmulatorOptions) {
    this.#port = options.port;
    this.webhookUrl = options.webhookUrl;
    this.#server = new LoopbackServer((request, response) => this.#serve(request, response));
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

  /** Calls that were made to the webhook, oldest first. */
  get webhookCalls(): readonly WebhookCall[] {
    return this.#calls;
  }

  /** Lets something go wrong with the next requests. */
  fail(fault: VendorFault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Lets something go wrong with the next calls to the webhook. */
  disturbCallbacks(fault: CallbackFault): void {
    this.#callbackFaults.push({ fault, left: fault.times ?? 1 });
  }

  /** Resolves when no call to the webhook is on its way. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  /** Ends every connection; calls that are on their way are given up. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.settled();
    await this.#server.close();
  }

  /** The same as {@link VendorEmulator.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Begins to serve. */
  protected listen(): Promise<void> {
    return this.#server.listen(this.#port);
  }

  /** Answers one request of the vendor's protocol. */
  protected abstract answer(request: RecordedRequest, response: ServerResponse): void | Promise<void>;

  /** The vendor's body for a status that a fault asked for. */
  protected abstract failureBody(status: number): unknown;

  /** Calls the webhook, in order with the calls before; rejects only when the emulator closes. */
  protected callWebhook(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
    method: 'GET' | 'POST' = 'POST',
  ): Promise<WebhookCall> {
    const fault = taken(this.#callbackFaults, () => true);
    const calling = this.#call(url, headers, body, method, fault);
    this.#track(calling);
    return calling;
  }

  /** Work beside an answer, such as a status that is reported a moment later. */
  protected beside(work: () => Promise<unknown>): void {
    this.#track(Promise.resolve().then(work));
  }

  #track(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  async #call(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
    method: 'GET' | 'POST',
    fault: CallbackFault | undefined,
  ): Promise<WebhookCall> {
    const signal = this.#closing.signal;
    if (fault?.delayMs !== undefined) await pause(fault.delayMs, undefined, { signal });
    if (fault?.isDropped === true) return { url, headers, body, status: 0, answer: '' };
    const call = await this.#request(url, headers, body, method);
    return fault?.isDoubled === true ? this.#request(url, headers, body, method) : call;
  }

  async #request(url: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array, method: 'GET' | 'POST'): Promise<WebhookCall> {
    let status = 0;
    let answer = '';
    try {
      // Copied: the platform's types want bytes that are nobody else's.
      const sent = typeof body === 'string' ? body : new Uint8Array(body);
      const response = await fetch(url, { method, headers: { ...headers }, body: method === 'GET' ? null : sent, signal: this.#closing.signal });
      status = response.status;
      answer = await response.text();
    } catch (error) {
      if (this.#closing.signal.aborted) throw error;
    }
    const call = { url, headers, body, status, answer };
    this.#calls.push(call);
    return call;
  }

  async #serve(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const fault = taken(this.#faults, ({ path }) => path === undefined || request.path.includes(path));
    if (fault?.delayMs !== undefined) await pause(fault.delayMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    if (fault?.hangs === true) return;
    if (fault?.cuts === true) {
      await this.answer(request, withoutAnswer(response));
      response.socket?.destroy();
      return;
    }
    if (fault?.status === undefined) {
      await this.answer(request, response);
      return;
    }
    const body = fault.body ?? this.failureBody(fault.status);
    response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

function taken<Fault>(waiting: { fault: Fault; left: number }[], befalls: (fault: Fault) => boolean): Fault | undefined {
  const index = waiting.findIndex(({ fault }) => befalls(fault));
  const found = waiting[index];
  if (found === undefined) return undefined;
  if (--found.left <= 0) waiting.splice(index, 1);
  return found.fault;
}

/** A response into which everything can be written and nothing goes out. */
function withoutAnswer(response: ServerResponse): ServerResponse {
  return new Proxy(response, {
    get: (target, name) => {
      if (name === 'writeHead' || name === 'end' || name === 'write' || name === 'setHeader') return () => target;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
