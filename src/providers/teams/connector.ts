/** The connector of the Bot Framework: requests with the bot's token, to addresses that are trusted, and what their refusals mean. */
import type { ProviderResult } from '../../core/models/delivery.js';
import type { HttpAnswer, HttpClient } from '../_shared/http/client.js';
import { refusal, timeoutFailure } from '../_shared/http/failure.js';
import { fieldsOf, textOf } from '../_shared/http/reading.js';
import type { TokenOutcome, Tokens } from './tokens.js';

/** One request; `url` is trusted. */
export interface ConnectorRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
}

/** These say something of the conversation, and nothing of the bot's credential. */
const ABOUT_CONVERSATION: ReadonlySet<string> = new Set([
  'BotDisabledByAdmin',
  'BotNotInConversationRoster',
  'ConversationBlockedByUser',
  'MessageWritesBlocked',
]);

export class Connector {
  readonly #http: HttpClient;
  readonly #tokens: Tokens;

  constructor(http: HttpClient, tokens: Tokens) {
    this.#http = http;
    this.#tokens = tokens;
  }

  /** The connector's answer, or the failure that it is. A token that is not taken any more is renewed once. */
  async call(request: ConnectorRequest): Promise<{ readonly json: unknown } | { readonly failure: ProviderResult }> {
    const first = await this.#attempt(request);
    if ('failure' in first) return first;
    if (first.answer.status !== 401) return outcomeOf(first.answer, first.token);
    this.#tokens.forget(first.token);
    const second = await this.#attempt(request);
    return 'failure' in second ? second : outcomeOf(second.answer, second.token);
  }

  async #attempt({ method, url, body, signal }: ConnectorRequest): Promise<{ answer: HttpAnswer; token: string } | { failure: ProviderResult }> {
    const given = await untilAborted(this.#tokens.get(), signal);
    if (given === undefined) return { failure: timeoutFailure() };
    if ('failure' in given) return given;
    const outcome = await this.#http.call({
      method,
      url,
      headers: { authorization: `Bearer ${given.token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
    });
    return 'failure' in outcome ? outcome : { answer: outcome.answer, token: given.token };
  }
}

/** The token is asked for on behalf of all: who does not want to wait any more leaves the request to the others. */
async function untilAborted(asking: Promise<TokenOutcome>, signal: AbortSignal | undefined): Promise<TokenOutcome | undefined> {
  if (signal === undefined) return asking;
  if (signal.aborted) return undefined;
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([asking, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** @see https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages */
function outcomeOf(answer: HttpAnswer, token: string): { readonly json: unknown } | { readonly failure: ProviderResult } {
  const { status, json } = answer;
  if (status >= 200 && status < 300) return { json };
  const problem = fieldsOf(fieldsOf(json)['error']);
  const code = textOf(problem['code'])?.replace(/\W/g, '').slice(0, 60);
  const named = code === undefined ? undefined : `teams_${code}`;
  // 412 is for several writers of one conversation, and passes.
  const retryable = status === 412 ? true : undefined;
  const result = refusal(answer, { code: named, message: textOf(problem['message']), retryable }, [token]);
  return { failure: status === 403 && code !== undefined && ABOUT_CONVERSATION.has(code) ? { ...result, error: `teams_${code}` } : result };
}
