/** How Twilio signs its calls. Written from its documentation, apart from the provider; test/emulators/twilio.test.ts holds it against Twilio's package. */
import { createHmac } from 'node:crypto';

/** The value of `X-Twilio-Signature` for a form that is posted to an address. */
export function signed(authToken: string, url: string, form: Readonly<Record<string, string>>): string {
  let text = url;
  for (const name of Object.keys(form).sort()) text += name + (form[name] ?? '');
  return createHmac('sha1', authToken).update(text, 'utf8').digest('base64');
}
