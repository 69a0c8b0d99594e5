/**
 * Where the bot's token may go. The address comes from outside with every activity: whoever could choose it freely would be
 * sent the token.
 */

/** Teams in the public cloud, GCC, GCC High and DoD. @see https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages */
const HOSTS: ReadonlySet<string> = new Set([
  'smba.trafficmanager.net',
  'smba.infra.gcc.teams.microsoft.com',
  'smba.infra.gov.teams.microsoft.us',
  'smba.infra.dod.teams.microsoft.us',
]);

/** The other channels of the Bot Framework, such as its web chat. */
const DOMAINS = ['.botframework.com', '.botframework.us'];

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])$/;

/** The address without a slash at its end; undefined for one that the token may not be sent to. */
export function trustedServiceUrl(given: unknown, allowed: ReadonlySet<string>): string | undefined {
  if (typeof given !== 'string' || !URL.canParse(given)) return undefined;
  const url = new URL(given);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  const isListed = allowed.has(url.host);
  const isPlain = url.protocol === 'http:' && isListed && LOOPBACK.test(url.hostname);
  if (url.protocol !== 'https:' && !isPlain) return undefined;
  const isMicrosoft = url.port === '' && (HOSTS.has(url.hostname) || DOMAINS.some((domain) => url.hostname.endsWith(domain)));
  return isListed || isMicrosoft ? url.href.replace(/\/+$/, '') : undefined;
}
