/** Media of messages to the account. @see https://www.twilio.com/docs/messaging/api/media-resource */
import type { FetchedMedia, MediaFetch, MediaFetchOptions } from '../../core/media/media-store.js';
import type { TwilioAccount } from './config.js';

/** `api.twilio.com`, and its regions such as `api.sydney.au1.twilio.com`. */
const TWILIO_HOST = /^api(\.[a-z0-9-]+){0,2}\.twilio\.com$/;

/** With the account's credentials, which Twilio asks for where the console says so; null for what is not this account's. */
export function fetchTwilioMedia(
  account: TwilioAccount,
  address: string,
  fetch: MediaFetch,
  options: MediaFetchOptions,
): Promise<FetchedMedia> | null {
  const { accountSid, authToken, baseUrl } = account;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isTwilios = url !== undefined && (TWILIO_HOST.test(url.host) || url.origin === new URL(baseUrl).origin);
  // The account in the path must be the one whose token goes along.
  if (!isTwilios || !url.pathname.includes(`/Accounts/${accountSid}/`)) return null;
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken.reveal()}`).toString('base64')}`;
  // Twilio leads on to where the file lies, and wants no credentials there.
  return fetch(address, { ...options, credentials: { headers: { authorization }, hosts: [url.host] } });
}
