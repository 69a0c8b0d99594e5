/** Elastic Email's provider in front of its emulator, for the contract. */
import { EmailChannel } from '../../src/index.js';
import { ElasticEmailEmulator } from '../../src/emulators/index.js';
import { ElasticEmailProvider } from '../../src/providers/elasticemail/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

const KEY = 'the-key-of-the-account';
const SECRET = 'the-secret-in-the-path';
const TO = 'ada@example.org';

export const openElasticEmail: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await ElasticEmailEmulator.start({ apiKey: KEY, webhookSecret: SECRET, ...(webhookUrl !== undefined && { webhookUrl }) });
  const apiKey = hasWrongKey === true ? 'a-key-nobody-knows' : KEY;
  const provider = new ElasticEmailProvider({
    apiKey,
    fromAddress: 'desk@shop.example',
    webhookSecret: SECRET,
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
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
      { name: 'wrong key', fault: { status: 400, body: { Error: 'APIKey Expired' } }, code: 'auth_error', retryable: false },
      { name: 'lacks the right', fault: { status: 400, body: { Error: 'Access Denied.' } }, code: 'auth_error', retryable: false },
      { name: 'wrong sender', fault: { status: 400, body: { Error: 'From email address is invalid.' } }, code: 'elasticemail_400', retryable: false },
      { name: 'no such endpoint', fault: { status: 404, body: { Error: 'Endpoint not found.' } }, code: 'elasticemail_404', retryable: false },
      { name: 'plan limit', fault: { status: 412, body: { Error: 'Not enough credits.' } }, code: 'quota_exceeded', retryable: false },
      { name: 'too many recipients', fault: { status: 413, body: { Error: 'You cannot provide more' } }, code: 'elasticemail_413', retryable: false },
      { name: 'a proxy that limits', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: 'an unexpected failure', fault: { status: 500 }, code: 'elasticemail_500', retryable: true },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => inbox.write({ subject: 'Hello', text }),
    webhook: { reportsStatus: true },
    close: () => vendor.close(),
  };
};
