/** What can go wrong at the client's end, as one error with a code for programs and a message that says how to mend it. */

/** What a {@link ClientError} knows beside its code and message. */
export interface ClientErrorOptions {
  /** Whether the same call may succeed later. Default false. */
  readonly retryable?: boolean;
  /** How long the server asks to wait. */
  readonly retryAfterSeconds?: number;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** What was underneath. */
  readonly cause?: unknown;
}

/**
 * The server refused something, or could not be asked. `code` is the server's (such as `room_not_found`), or the client's
 * own: `network`, `timeout`, `token_failed`, `queue_full`, `client_closed`.
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly retryable: boolean;
  readonly retryAfterSeconds?: number;
  readonly status?: number;

  constructor(
    readonly code: string,
    message: string,
    options: ClientErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryable = options.retryable ?? false;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
    if (options.status !== undefined) this.status = options.status;
  }
}

/** An error of this client's own, whatever was thrown. */
export function asClientError(error: unknown, code: string, what: string): ClientError {
  if (error instanceof ClientError) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new ClientError(code, `${what}: ${said}`, { retryable: true, cause: error });
}
