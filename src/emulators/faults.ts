/** What can go wrong at a vendor's, as a test asks for it. */

/** What goes wrong with a request. */
export interface VendorFault {
  /** How many requests it befalls. Default 1. */
  readonly times?: number;
  /** Only requests whose path holds this. */
  readonly path?: string;
  /** Answers with this status and nothing of the vendor's business. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: what the vendor says with this status. A text is sent as it is. */
  readonly body?: unknown;
  /** Waits so long before anything else, in milliseconds. */
  readonly delayMs?: number;
  /** Takes the request and never answers. */
  readonly hangs?: boolean;
  /** Takes the message, then cuts the connection in place of an answer. */
  readonly cuts?: boolean;
}

/** What goes wrong with calls to the webhook. */
export interface CallbackFault {
  /** How many calls it befalls. Default 1. */
  readonly times?: number;
  /** The call is not made. */
  readonly isDropped?: boolean;
  /** The call is made twice. */
  readonly isDoubled?: boolean;
  /** The call comes so much later. */
  readonly delayMs?: number;
}
