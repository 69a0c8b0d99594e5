/**
 * How vendors with a plain HTTP interface are called (PV-02): one request, a limit in time and size, and an answer or a
 * reason that says whether another attempt may succeed. Nothing is thrown, nothing is followed elsewhere.
 */
import { isTimeout, networkFailure, timeoutFailure } from './failure.js';
import type { ProviderResult } from '../../../core/models/delivery.js';
import { withTrace } from '../../../core/telemetry/outgoing.js';

/** What a provider's HTTP client is made with. */
export interface HttpClientOptions {
  /** Default: the platform's. */
  readonly fetch?: typeof fetch | undefined;
  /** Until the whole answer is there. */
  readonly timeoutSeconds: number;
}

/** One request. */
export interface HttpRequest {
  readonly method: string;
  /** Never shown in an error: some vendors want their key in it. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<RequestInit['body']>;
  /** The caller's; aborts the request on the wire. */
  readonly signal?: AbortSignal | undefined;
}

/** What the vendor answered, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body read as JSON; undefined when it is none. */
  readonly json: unknown;
}

/** An answer, or why there is none. */
export type HttpOutcome = { readonly answer: HttpAnswer } | { readonly failure: ProviderResult };

const MAX_ANSWER_BYTES = 10 * 1024 * 1024;

/** Calls one vendor. */
export class HttpClient {
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;

  constructor({ fetch: given, timeoutSeconds }: HttpClientOptions) {
    this.#fetch = given ?? ((input, init) => fetch(input, init));
    this.#timeoutMs = Math.min(timeoutSeconds * 1000, 2 ** 31 - 1);
  }

  async call({ method, url, headers, body, signal }: HttpRequest): Promise<HttpOutcome> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const all = withTrace(headers);
    try {
      const response = await this.#fetch(url, {
        method,
        redirect: 'manual',
        signal: either,
        ...(all !== undefined && { headers: all }),
        ...(body !== undefined && { body }),
      });
      const text = await textOf(response);
      return { answer: { status: response.status, headers: response.headers, text, json: parsed(text) } };
    } catch (error) {
      return { failure: either.aborted || isTimeout(error) ? timeoutFailure() : networkFailure(error) };
    }
  }
}

/** The body, read no further than allowed: what comes behind is cut off. */
async function textOf(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    text += decoder.decode(value, { stream: true });
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      return text;
    }
  }
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
