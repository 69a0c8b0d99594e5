/** Twilio's provider in front of its emulator, for the contract. */
import { SMSChannel } from '../../src/index.js';
import { TwilioEmulator } from '../../src/emulators/index.js';
import type { OpenTransportOptions, TransportSetup } from '../../src/testing/index.js';
import { TwilioSMSProvider } from '../../src/providers/twilio/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = 'the-token-of-the-account';
const TO = '+15550123';

interface TwilioOptions extends OpenTransportOptions {
  /** The `statusCallback` of the provider. */
  readonly reportsTo?: string | undefined;
  /** What the account signs with in place of its token. */
  readonly sharedKey?: { readonly name: string; readonly secret: string };
}

export const openTwilio = async (options: TwilioOptions = {}): Promise<TransportSetup> => {
  const { hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl, reportsTo, sharedKey } = options;
  const vendor = await TwilioEmulator.start({
    authToken: TOKEN,
    ...(webhookUrl !== undefined && { webhookUrl }),
    ...(sharedKey !== undefined && { sharedKey }),
  });
  const authToken = hasWrongKey === true ? 'a-token-nobody-knows' : TOKEN;
  const provider = new TwilioSMSProvider({
    accountSid: vendor.accountSid,
    authToken,
    fromNumber: '+15550100',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(reportsTo !== undefined && { statusCallback: reportsTo }),
    ...(sharedKey !== undefined && { sharedKeySecret: sharedKey.secret }),
  });
  const problem = (code: number, message: string): unknown => ({
    code,
    message,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status: 400,
  });
  const phone = vendor.phone(TO);
  return {
    provider,
    channelType: 'sms',
    mediaTypes: new SMSChannel('sms').capabilities.mediaTypes,
    to: TO,
    arrived: () => phone.messages.map(({ text, mediaUrls }) => ({ text, media: mediaUrls })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [authToken, Buffer.from(`${vendor.accountSid}:${authToken}`).toString('base64')],
    errors: [
      { name: '21211 invalid To', fault: { status: 400, body: problem(21211, "Invalid 'To' Phone Number") }, code: 'twilio_21211', retryable: false },
      {
        name: '21610 unsubscribed',
        fault: { status: 400, body: problem(21610, 'Attempt to send to unsubscribed recipient') },
        code: 'twilio_21610',
        retryable: false,
      },
      { name: '21611 queue full', fault: { status: 400, body: problem(21611, 'SMS queue is full') }, code: 'twilio_21611', retryable: true },
      {
        name: '21614 no mobile',
        fault: { status: 400, body: problem(21614, "'To' number is not a valid mobile number") },
        code: 'twilio_21614',
        retryable: false,
      },
      { name: '20003 authenticate', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: '20429 too many', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: '20500 internal', fault: { status: 500 }, code: 'twilio_20500', retryable: true },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => phone.sendSms(text),
    webhook: { signatureHeader: 'x-twilio-signature', signsUrl: true, reportsStatus: true },
    close: () => vendor.close(),
  };
};
