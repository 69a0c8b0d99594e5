/** Posts a run to an agent, and reads the events of its answer. */
import { ProviderError } from '../../core/errors.js';
import { withTrace } from '../../core/telemetry/outgoing.js';
import { providerError } from '../_shared/ai/failure.js';
import type { Deadline } from '../_shared/ai/deadline.js';
import { serverSentEvents } from '../_shared/server-sent-events.js';
import type { RunAgentInput } from './request.js';
import { isFields, type AGUIEvent } from './run.js';

const MAX_ANSWER_BYTES = 10 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

export async function* eventsOf(
  provider: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  input: RunAgentInput,
  deadline: Deadline,
): AsyncGenerator<AGUIEvent, void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...withTrace(headers), 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(input),
    redirect: 'manual', // headers may hold a key: it goes where the program says, and nowhere else
    signal: deadline.signal,
  });
  deadline.begin();
  const { status } = response;
  if (status < 200 || status > 299) {
    const message = await beginningOf(response);
    throw providerError({ provider, status, message, headers: response.headers, cause: { status, body: message } });
  }
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || !/^text\/event-stream\b/i.test(type)) throw unreadable(provider, `a body of type '${type}'`);
  for await (const { data } of serverSentEvents(response.body, MAX_ANSWER_BYTES)) yield parsed(provider, data);
}

function parsed(provider: string, data: string): AGUIEvent {
  let event: unknown;
  try {
    event = JSON.parse(data) as unknown;
  } catch (cause) {
    throw unreadable(provider, 'an event that is no JSON', cause);
  }
  if (!isFields(event)) throw unreadable(provider, 'an event that is no object', data);
  return event;
}

function unreadable(provider: string, what: string, cause?: unknown): ProviderError {
  return new ProviderError(`${provider} answered with ${what}, where AG-UI has a stream of events. Check the url of the agent.`, {
    provider,
    code: 'invalid_response',
    retryable: false,
    cause,
  });
}

async function beginningOf({ body }: Response): Promise<string> {
  let text = '';
  if (body === null) return text;
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ERROR_BYTES) break;
  }
  return text.slice(0, MAX_ERROR_BYTES);
}
