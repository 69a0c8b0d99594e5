/** Messenger's provider in front of its emulator, for the contract. */
import { createHmac } from 'node:crypto';
import { MessengerChannel } from '../../src/index.js';
import { MessengerEmulator } from '../../src/emulators/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { FacebookMessengerProvider } from '../../src/providers/messenger/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = 'the-token-of-the-page';
const SECRET = 'the-secret-of-the-app';
const PSID = '1254477777772919';

export const openMessenger: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await MessengerEmulator.start({
    accessToken: TOKEN,
    appSecret: SECRET,
    requiresProof: true,
    templates: { order_update: { body: 'Order {{1}} is on its way.' } },
    ...(webhookUrl !== undefined && { webhookUrl }),
  });
  const pageAccessToken = hasWrongKey === true ? 'a-token-nobody-knows' : TOKEN;
  const provider = new FacebookMessengerProvider({
    pageAccessToken,
    appSecret: SECRET,
    verifyToken: 'the-words-in-the-console',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const problem = (code: number, message: string, subcode?: number): unknown => ({
    error: { message, type: 'OAuthException', code, ...(subcode !== undefined && { error_subcode: subcode }), fbtrace_id: 'BLBz/WZt8dN' },
  });
  vendor.openWindow(PSID);
  const person = vendor.person(PSID);
  return {
    provider,
    channelType: 'messenger',
    mediaTypes: new MessengerChannel('messenger').capabilities.mediaTypes,
    to: PSID,
    arrived: () => person.messages.map(({ text, media, buttons }) => ({ text: [text, ...buttons.map(({ title }) => title)].join('\n'), media })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [pageAccessToken, SECRET, 'the-words-in-the-console', createHmac('sha256', SECRET).update(pageAccessToken).digest('hex')],
    errors: [
      {
        name: '10 – 2018278',
        fault: { status: 403, body: problem(10, '(#10) This message is sent outside of allowed window.', 2018278) },
        code: 'outside_window',
        retryable: false,
      },
      { name: '10', fault: { status: 403, body: problem(10, '(#10) Permission denied') }, code: 'auth_error', retryable: false },
      { name: '4', fault: { status: 400, body: problem(4, '(#4) Application request limit reached') }, code: 'rate_limit', retryable: true },
      { name: '613', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      {
        name: '551',
        fault: { status: 400, body: problem(551, "(#551) This person isn't available right now.") },
        code: 'graph_551',
        retryable: false,
      },
      {
        name: '100 – 2018001',
        fault: { status: 400, body: problem(100, '(#100) No matching user found', 2018001) },
        code: 'graph_100',
        retryable: false,
      },
      { name: '1200', fault: { status: 400, body: problem(1200, 'Temporary send message failure.') }, code: 'graph_1200', retryable: true },
      { name: '2', fault: { status: 500 }, code: 'graph_2', retryable: true },
      { name: '190', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => person.write(text),
    webhook: { signatureHeader: 'x-hub-signature-256', reportsStatus: true },
    close: () => vendor.close(),
  };
};
