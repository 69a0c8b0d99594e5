/** What the provider for systems of one's own is made with. */
import { SystemClock, type Clock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { Secret } from '../../core/telemetry/secret.js';
import { optionalSecret, timeoutOf } from '../_shared/http/options.js';

/** Configuration of {@link WebhookHTTPProvider}. */
export interface WebhookHTTPConfig {
  /** Where messages are posted to. Public addresses only, unless `allowPrivate` is set (PV-14). */
  readonly webhookUrl: string;
  /** Known to both sides: signs what is posted, and what comes in. Without one nothing is signed, and nothing can come in. */
  readonly secret?: string | Secret;
  /** Sent with every message, such as `authorization`. What they hold is shown nowhere. */
  readonly headers?: Readonly<Record<string, string | Secret>>;
  /** Post to loopback, private and shared networks as well: for tests and intranets. Default false. */
  readonly allowPrivate?: boolean;
  /** Takes calls without a signed time (`X-RoomKit-Signature` alone), which anybody who has seen one can repeat. Default false. */
  readonly takesUntimed?: boolean;
  /** How far a signed time may be off. Default 300. */
  readonly toleranceSeconds?: number;
  /** Until the whole answer is there. Default 30. */
  readonly timeoutSeconds?: number;
  /** In the place of the guarded one: where it goes is then yours to guard. */
  readonly fetch?: typeof fetch;
  /** For tests: signed times are taken from it. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<WebhookHTTPConfig> = {
  webhookUrl: true,
  secret: true,
  headers: true,
  allowPrivate: true,
  takesUntimed: true,
  toleranceSeconds: true,
  timeoutSeconds: true,
  fetch: true,
  clock: true,
};

/** The same, checked. */
export interface WebhookTarget {
  readonly url: URL;
  readonly secret: Secret | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly allowPrivate: boolean;
  readonly takesUntimed: boolean;
  readonly toleranceSeconds: number;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

/** Set by the provider itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['content-type', 'content-length', 'host', 'idempotency-key']);

export function webhookTarget(feature: string, config: WebhookHTTPConfig): WebhookTarget {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const { webhookUrl, allowPrivate = false, takesUntimed = false, toleranceSeconds } = config;
  const url = typeof webhookUrl === 'string' && URL.canParse(webhookUrl) ? new URL(webhookUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ValidationError(`${feature} has no webhookUrl it could post to. Pass { webhookUrl: 'https://crm.example/messages' }.`);
  if (url.username !== '' || url.password !== '')
    throw new ValidationError(`The webhookUrl of ${feature} holds a password. Give it as a header: { headers: { authorization: 'Basic …' } }.`);
  return {
    url,
    secret: optionalSecret(feature, 'secret', config.secret),
    headers: secretHeaders(feature, config.headers ?? {}),
    allowPrivate,
    takesUntimed,
    toleranceSeconds: timeoutOf(feature, toleranceSeconds, 300),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 30),
    clock: config.clock ?? new SystemClock(),
  };
}

function secretHeaders(feature: string, headers: Readonly<Record<string, string | Secret>>): Readonly<Record<string, Secret>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const lower = name.toLowerCase();
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || OWN_HEADERS.has(lower) || lower.startsWith('x-roomkit-'))
        throw new ValidationError(`${feature} cannot send the header '${name}'. Leave it out: it is no name of a header, or one of its own.`);
      const secret = value instanceof Secret ? value : new Secret(value);
      if (/[\r\n\0]/.test(secret.reveal())) throw new ValidationError(`The header '${name}' of ${feature} has a line break. Give it on one line.`);
      return [lower, secret];
    }),
  );
}
