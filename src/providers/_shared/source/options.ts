/** What sources are made with, and what of it makes no sense. No message holds a value that may be a secret. */
import { SystemClock, type Clock } from '../../../core/clock.js';
import { ValidationError } from '../../../core/errors.js';
import type { OptionNames } from '../../../core/option-names.js';
import { Secret } from '../../../core/telemetry/secret.js';
import { defaultParser, type SourceParser } from './parser.js';

/** What every source can be told. */
export interface SourceOptions {
  /** The channel that its messages come in by; also the one that it is attached to. */
  readonly channelId: string;
  /** Makes a message of what comes. Default: JSON objects with `sender_id`, `text`, `external_id` and `metadata`. */
  readonly parser?: SourceParser;
  /** Until the connection stands; default 30. */
  readonly timeoutSeconds?: number;
  /** One message of the other side; default 1 MiB. */
  readonly maxSizeBytes?: number;
  /** For tests. */
  readonly clock?: Clock;
}

export const SOURCE_OPTION_NAMES: OptionNames<SourceOptions> = {
  channelId: true,
  parser: true,
  timeoutSeconds: true,
  maxSizeBytes: true,
  clock: true,
};

export const MAX_SIZE_BYTES = 1024 * 1024;
const TIMEOUT_SECONDS = 30;

/** The common ones, complete. */
export function sourceOptions(feature: string, options: SourceOptions): Required<SourceOptions> {
  const { channelId, parser = defaultParser, timeoutSeconds = TIMEOUT_SECONDS, maxSizeBytes = MAX_SIZE_BYTES, clock = new SystemClock() } = options;
  if (typeof channelId !== 'string' || channelId === '')
    throw new ValidationError(`${feature} has no channelId. Pass { channelId } with the id of a registered channel; its messages come in by it.`);
  if (typeof parser !== 'function')
    throw new ValidationError(`The parser of ${feature} is a ${typeof parser}. Give a function that makes a message of what came, or null.`);
  checkSeconds(feature, 'timeoutSeconds', timeoutSeconds);
  checkCount(feature, 'maxSizeBytes', maxSizeBytes);
  return { channelId, parser, timeoutSeconds, maxSizeBytes, clock };
}

export function checkSeconds(feature: string, name: string, value: unknown, least: 'above 0' | '0 or more' = 'above 0'): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || (least === 'above 0' && value === 0))
    throw new ValidationError(`The ${name} of ${feature} is ${String(value)}. Give seconds, ${least}.`);
}

export function checkCount(feature: string, name: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1)
    throw new ValidationError(`The ${name} of ${feature} is ${String(value)}. Give a whole number above 0.`);
}

/** Where a source connects to, with the user and password of its URL as the header that they stand for. */
export interface Endpoint {
  /** Query and all: it may be a secret. */
  readonly url: Secret;
  /** What may be shown of it: `chat.example.com:8443`. */
  readonly host: string;
  readonly headers: Readonly<Record<string, Secret>>;
}

export function endpointOf(
  feature: string,
  given: unknown,
  protocols: readonly string[],
  headers: Readonly<Record<string, string>> | undefined,
): Endpoint {
  const example = `'${protocols.at(-1) ?? ''}//chat.example.com/events'`;
  if (typeof given !== 'string') throw new ValidationError(`${feature} has no url. Pass { url: ${example} }.`);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined) throw new ValidationError(`The url of ${feature} is none. Give one like ${example}.`);
  if (!protocols.includes(url.protocol))
    throw new ValidationError(`The url of ${feature} begins with '${url.protocol}'. Use ${protocols.join(' or ')}, as in ${example}.`);
  const checked = secretHeaders(feature, headers ?? {});
  if (url.username !== '' || url.password !== '') {
    if (Object.hasOwn(checked, 'authorization'))
      throw new ValidationError(`${feature} has a password in its url and an authorization header. Give one of them.`);
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    checked['authorization'] = new Secret(`Basic ${Buffer.from(credentials).toString('base64')}`);
    url.username = url.password = '';
  }
  url.hash = ''; // belongs to no request
  return { url: new Secret(url.href), host: url.host, headers: checked };
}

function secretHeaders(feature: string, headers: unknown): Record<string, Secret> {
  if (typeof headers !== 'object' || headers === null)
    throw new ValidationError(`The headers of ${feature} are ${typeof headers}. Give an object: { authorization: 'Bearer …' }.`);
  const checked: Record<string, Secret> = {};
  for (const [name, value] of Object.entries(headers as Readonly<Record<string, unknown>>)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new ValidationError(`${feature} has a header whose name is none. Give names like 'authorization'.`);
    if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new ValidationError(`The header '${name}' of ${feature} holds what no header can: a line break, or letters beyond Latin-1.`);
    checked[name.toLowerCase()] = new Secret(value);
  }
  return checked;
}

/** The headers as they go over the wire. */
export function revealed(headers: Readonly<Record<string, Secret>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]));
}
