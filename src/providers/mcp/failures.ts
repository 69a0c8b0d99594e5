/** What a failed request says, without a word that could be a secret: no URL's query, no header, no vendor's prose (F60). */

export interface Failure {
  /** In a few words, for people and models. */
  readonly words: string;
  /** The connection is not worth anything any more. */
  readonly isLost: boolean;
}

const NETWORK = /^(?:E[A-Z]{3,}|UND_ERR_\w+)$/;
const MAX_WORDS = 500;

interface Given {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

export function failureOf(error: unknown): Failure {
  if (typeof error !== 'object' || error === null) return { words: 'it failed', isLost: false };
  const { name, code, status, message }: Given = error;
  if (typeof status === 'number') {
    const help = status === 401 || status === 403 ? '; check the headers' : '';
    return { words: `it answered ${status}${help}`, isLost: status === 400 || status === 404 || status >= 500 };
  }
  const cause = causeOf(error);
  if (cause === 'MessageTooLarge') return { words: 'its message is too large', isLost: false };
  // The server's own answer, in the words it has for its callers.
  if (typeof code === 'number' && name !== 'SseError') return { words: `it refused: ${String(message).slice(0, MAX_WORDS)}`, isLost: false };
  if (code === 'REQUEST_TIMEOUT') return { words: 'it did not answer in time', isLost: false };
  if (code === 'INVALID_RESULT' || code === 'UNSUPPORTED_RESULT_TYPE')
    return { words: 'its result does not have the form it promised', isLost: false };
  if (code === 'UNAUTHORIZED' || name === 'UnauthorizedError') return { words: 'it wants to know who calls; check the headers', isLost: false };
  if (cause !== undefined) return { words: `it cannot be reached (${cause})`, isLost: true };
  if (code === 'CONNECTION_CLOSED' || code === 'NOT_CONNECTED' || code === 'SEND_FAILED') return { words: 'the connection broke off', isLost: true };
  if (name === 'SseError' || error instanceof TypeError) return { words: 'it cannot be reached', isLost: true };
  return { words: 'it does not answer as an MCP server does', isLost: false };
}

/** The code of a system's error, somewhere below. */
function causeOf(error: unknown): string | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < 6 && typeof at === 'object' && at !== null; depth++) {
    const { code, name, cause }: Given = at;
    if (name === 'MessageTooLarge') return name;
    if (typeof code === 'string' && NETWORK.test(code)) return code;
    at = cause;
  }
  return undefined;
}
