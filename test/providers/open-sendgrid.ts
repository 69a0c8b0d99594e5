/** SendGrid's provider in front of its emulator, for the contract. */
import { EmailChannel } from '../../src/index.js';
import { SendGridEmulator } from '../../src/emulators/index.js';
import { SendGridProvider } from '../../src/providers/sendgrid/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

const KEY = 'SG.the-key-of-the-account';
const SECRET = 'the-secret-in-the-path';
const TO = 'ada@example.org';

export const openSendGrid: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await SendGridEmulator.start({ apiKey: KEY, webhookSecret: SECRET, ...(webhookUrl !== undefined && { webhookUrl }) });
  const apiKey = hasWrongKey === true ? 'SG.a-key-nobody-knows' : KEY;
  const provider = new SendGridProvider({
    apiKey,
    fromAddress: 'desk@shop.example',
    webhookPublicKey: vendor.webhookPublicKey,
    webhookSecret: SECRET,
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const problem = (message: string, field: string | null = null): unknown => ({ errors: [{ message, field, help: null }] });
  const inbox = vendor.inbox(TO);
  return {
    provider,
    channelType: 'email',
    mediaTypes: new EmailChannel('email').capabilities.mediaTypes,
    to: TO,
    arrived: () => inbox.mails.map(({ text }) => ({ text, media: [] })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [apiKey, SECRET],
    errors: [
      {
        name: 'wrong field',
        fault: { status: 400, body: problem('Does not contain a valid address.', 'from.email') },
        code: 'sendgrid_400',
        retryable: false,
      },
      {
        name: 'wrong key',
        fault: { status: 401, body: problem('The provided authorization grant is invalid') },
        code: 'auth_error',
        retryable: false,
      },
      {
        name: 'sender not verified',
        fault: { status: 403, body: problem('The from address does not match a verified Sender Identity.', 'from') },
        code: 'auth_error',
        retryable: false,
      },
      { name: 'too large', fault: { status: 413, body: problem('The JSON payload is too large.') }, code: 'sendgrid_413', retryable: false },
      { name: 'too many', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: 'not available', fault: { status: 503 }, code: 'sendgrid_503', retryable: true },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => inbox.write({ subject: 'Hello', text }),
    webhook: { reportsStatus: true },
    close: () => vendor.close(),
  };
};
