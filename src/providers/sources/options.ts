/** What the sources over HTTP are made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkSeconds, endpointOf, SOURCE_OPTION_NAMES, sourceOptions, type Endpoint, type SourceOptions } from '../_shared/source/options.js';

/** What a {@link WebSocketSource} is made with. */
export interface WebSocketSourceOptions extends SourceOptions {
  /** `wss://…` or `ws://…`. What it holds of credentials and query is never shown. */
  readonly url: string;
  /** Sent when connecting; never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Offered to the server, the best first. */
  readonly subprotocols?: readonly string[];
  /** How often the server is asked whether it is there; default 20, 0 never. */
  readonly pingIntervalSeconds?: number;
  /** How long it may take to answer; default 20. */
  readonly pingTimeoutSeconds?: number;
  /** How long the server may take to say goodbye; default 10. A detached source waits for five at most. */
  readonly closeTimeoutSeconds?: number;
}

/** What an {@link SSESource} is made with. */
export interface SSESourceOptions extends SourceOptions {
  /** `https://…` or `http://…`. What it holds of credentials and query is never shown. */
  readonly url: string;
  /** Sent with the request; never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where to go on: what an earlier process had as `health.metadata.last_event_id`. */
  readonly lastEventId?: string;
  /** In the place of the global one. */
  readonly fetch?: typeof fetch;
}

const WEB_SOCKET_NAMES: OptionNames<WebSocketSourceOptions> = {
  ...SOURCE_OPTION_NAMES,
  url: true,
  headers: true,
  subprotocols: true,
  pingIntervalSeconds: true,
  pingTimeoutSeconds: true,
  closeTimeoutSeconds: true,
};

const SSE_NAMES: OptionNames<SSESourceOptions> = { ...SOURCE_OPTION_NAMES, url: true, headers: true, lastEventId: true, fetch: true };

/** All that is needed, checked, and where to. */
export type Checked<Options> = Required<Omit<Options, 'url' | 'headers'>> & { readonly endpoint: Endpoint };

export function webSocketOptions(options: WebSocketSourceOptions): Checked<WebSocketSourceOptions> {
  const feature = 'WebSocketSource';
  given(feature, options, "{ url: 'wss://…', channelId: 'chat' }");
  checkOptionNames(`new ${feature}`, options, WEB_SOCKET_NAMES);
  const { subprotocols = [], pingIntervalSeconds = 20, pingTimeoutSeconds = 20, closeTimeoutSeconds = 10 } = options;
  checkSeconds(feature, 'pingIntervalSeconds', pingIntervalSeconds, '0 or more');
  checkSeconds(feature, 'pingTimeoutSeconds', pingTimeoutSeconds);
  checkSeconds(feature, 'closeTimeoutSeconds', closeTimeoutSeconds);
  const isProtocol = (name: unknown): boolean => typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
  if (!Array.isArray(subprotocols) || !subprotocols.every(isProtocol) || new Set(subprotocols).size !== subprotocols.length)
    throw new ValidationError(`The subprotocols of ${feature} are not a list of different names. Give one like ['chat.v1'].`);
  return {
    ...sourceOptions(feature, options),
    endpoint: endpointOf(feature, options.url, ['ws:', 'wss:'], options.headers),
    subprotocols: subprotocols as readonly string[], // checked above
    pingIntervalSeconds,
    pingTimeoutSeconds,
    closeTimeoutSeconds,
  };
}

export function sseOptions(options: SSESourceOptions): Checked<SSESourceOptions> {
  const feature = 'SSESource';
  given(feature, options, "{ url: 'https://…', channelId: 'chat' }");
  checkOptionNames(`new ${feature}`, options, SSE_NAMES);
  const { lastEventId = '', fetch: ownFetch = fetch } = options;
  if (typeof lastEventId !== 'string' || /[\0\r\n]/.test(lastEventId))
    throw new ValidationError(`The lastEventId of ${feature} is no id that a server gives. Give the text it gave, or leave it out.`);
  if (typeof ownFetch !== 'function') throw new ValidationError(`The fetch of ${feature} is a ${typeof ownFetch}. Give a function, or leave it out.`);
  return {
    ...sourceOptions(feature, options),
    endpoint: endpointOf(feature, options.url, ['http:', 'https:'], options.headers),
    lastEventId,
    fetch: ownFetch,
  };
}

function given(feature: string, options: unknown, example: string): void {
  if (typeof options !== 'object' || options === null) throw new ValidationError(`new ${feature} takes options: ${example}.`);
}
