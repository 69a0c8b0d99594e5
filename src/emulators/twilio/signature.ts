/** How Twilio signs its calls. Written from its documentation, apart from the provider; test/emulators/twilio.test.ts holds it against Twilio's package. */
import { createHmac } from 'node:crypto';

/** A key of the account's own, named by a Webhooks Rule: calls are signed with it in place of the token. */
export interface TwilioSharedKey {
  readonly name: string;
  readonly secret: string;
}

/** The value of `X-Twilio-Signature` for a form that is posted to an address. */
export function signed(authToken: string, url: string, form: Readonly<Record<string, string>>, algorithm: 'sha1' | 'sha256' = 'sha1'): string {
  let text = url;
  for (const name of Object.keys(form).sort()) text += name + (form[name] ?? '');
  return createHmac(algorithm, authToken).update(text, 'utf8').digest('base64');
}

/** The headers by which a call proves whose it is. */
export function signatureHeaders(
  authToken: string,
  sharedKey: TwilioSharedKey | undefined,
  url: string,
  form: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (sharedKey === undefined) return { 'x-twilio-signature': signed(authToken, url, form) };
  return {
    'x-twilio-signature': signed(sharedKey.secret, url, form, 'sha256'),
    'x-twilio-webhooks-signature-settings': `key=${sharedKey.name},algorithm=HMAC_SHA256`,
  };
}
