/** WhatsApp's provider in front of its emulator, for the contract. */
import { createHmac } from 'node:crypto';
import { WhatsAppChannel } from '../../src/index.js';
import { WhatsAppEmulator } from '../../src/emulators/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { WhatsAppCloudProvider } from '../../src/providers/whatsapp/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = 'the-token-of-the-system-user';
const SECRET = 'the-secret-of-the-app';
const TO = '+15550123';

export const openWhatsApp: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await WhatsAppEmulator.start({
    accessToken: TOKEN,
    appSecret: SECRET,
    templates: { order_update: { body: 'Order {{1}} is on its way.' } },
    ...(webhookUrl !== undefined && { webhookUrl }),
  });
  const accessToken = hasWrongKey === true ? 'a-token-nobody-knows' : TOKEN;
  const provider = new WhatsAppCloudProvider({
    accessToken,
    phoneNumberId: vendor.phoneNumberId,
    appSecret: SECRET,
    verifyToken: 'the-words-in-the-console',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const problem = (code: number, message: string, subcode?: number): unknown => ({
    error: { message, type: 'OAuthException', code, ...(subcode !== undefined && { error_subcode: subcode }), fbtrace_id: 'Az8or2yhqkZfEZ-_4Qn_Bam' },
  });
  vendor.openWindow(TO);
  const phone = vendor.phone(TO);
  return {
    provider,
    channelType: 'whatsapp',
    mediaTypes: new WhatsAppChannel('whatsapp').capabilities.mediaTypes,
    to: TO,
    arrived: () => phone.messages.map(({ text, media, buttons }) => ({ text: [text, ...buttons.map(({ title }) => title)].join('\n'), media })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [accessToken, SECRET, 'the-words-in-the-console', createHmac('sha256', SECRET).update(accessToken).digest('hex')],
    errors: [
      { name: '131047', fault: { status: 400, body: problem(131047, '(#131047) Re-engagement message') }, code: 'outside_window', retryable: false },
      { name: '131026', fault: { status: 400, body: problem(131026, '(#131026) Message undeliverable') }, code: 'graph_131026', retryable: false },
      { name: '131056', fault: { status: 400, body: problem(131056, '(#131056) Pair rate limit hit') }, code: 'rate_limit', retryable: true },
      { name: '80007', fault: { status: 400, body: problem(80007, '(#80007) Rate limit issues') }, code: 'rate_limit', retryable: true },
      { name: '130429', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: '131000', fault: { status: 500 }, code: 'graph_131000', retryable: true },
      { name: '131016', fault: { status: 503 }, code: 'graph_131016', retryable: true },
      { name: '190', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: '10', fault: { status: 403, body: problem(10, '(#10) Permission denied') }, code: 'auth_error', retryable: false },
      { name: '131031', fault: { status: 403, body: problem(131031, '(#131031) Account locked') }, code: 'graph_131031', retryable: false },
      { name: '132001', fault: { status: 404, body: problem(132001, '(#132001) No such template') }, code: 'graph_132001', retryable: false },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => phone.write(text),
    webhook: { signatureHeader: 'x-hub-signature-256', reportsStatus: true },
    close: () => vendor.close(),
  };
};
