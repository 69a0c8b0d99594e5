/** The provider for systems of one's own in front of one, for the contract. */
import { HTTPChannel } from '../../src/index.js';
import { HTTPReceiver, type VendorFault } from '../../src/emulators/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { WebhookHTTPProvider } from '../../src/providers/http/index.js';
import { unusedAddress } from './unused-address.js';

const SECRET = 'the-secret-of-both-sides';
const TOKEN = 'Bearer the-token-of-the-crm';

export const openHttp: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await HTTPReceiver.start({ secret: SECRET, ...(webhookUrl !== undefined && { webhookUrl }) });
  const provider = new WebhookHTTPProvider({
    webhookUrl: `${isUnreachable === true ? await unusedAddress() : vendor.url}/messages`,
    secret: hasWrongKey === true ? 'a-secret-nobody-knows' : SECRET,
    headers: { authorization: TOKEN },
    allowPrivate: true,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const refused = (status: number): VendorFault => ({ status, body: { error: { code: 'x', message: 'No.' } } });
  return {
    provider,
    channelType: 'webhook',
    mediaTypes: new HTTPChannel('crm').capabilities.mediaTypes,
    to: 'customer-1',
    arrived: () => vendor.messages.map(({ text }) => ({ text, media: [] })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [SECRET, TOKEN, 'a-secret-nobody-knows'],
    errors: [
      { name: '400', fault: refused(400), code: 'invalid_request', retryable: false },
      { name: '401', fault: refused(401), code: 'auth_error', retryable: false },
      { name: '403', fault: refused(403), code: 'auth_error', retryable: false },
      { name: '404', fault: refused(404), code: 'http_404', retryable: false },
      { name: '408', fault: refused(408), code: 'http_408', retryable: true },
      { name: '409', fault: refused(409), code: 'http_409', retryable: false },
      { name: '422', fault: refused(422), code: 'http_422', retryable: false },
      { name: '429', fault: refused(429), code: 'rate_limit', retryable: true },
      { name: '503', fault: refused(503), code: 'http_503', retryable: true },
      {
        name: '302, which is not followed',
        fault: { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' },
        code: 'http_302',
        retryable: false,
      },
    ],
    write: (text) => vendor.write(text),
    webhook: { signatureHeader: 'x-roomkit-signature-v2', toleranceSeconds: 300 },
    close: () => vendor.close(),
  };
};
