/** Twilio's RCS provider in front of its emulator, for the contract. */
import { RCSChannel } from '../../src/index.js';
import { TwilioEmulator } from '../../src/emulators/index.js';
import type { OpenTransportOptions, TransportSetup } from '../../src/testing/index.js';
import { TwilioRCSProvider } from '../../src/providers/twilio/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = 'the-token-of-the-account';
const SERVICE = `MG${'a'.repeat(32)}`;
const AGENT = 'rcs:brand_agent';
const TO = '+15550123';

export const openTwilioRcs = async (options: OpenTransportOptions = {}): Promise<TransportSetup & { readonly vendor: TwilioEmulator }> => {
  const { hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = options;
  const vendor = await TwilioEmulator.start({
    authToken: TOKEN,
    messagingServices: { [SERVICE]: '+15550100' },
    rcsSender: AGENT,
    ...(webhookUrl !== undefined && { webhookUrl }),
  });
  const authToken = hasWrongKey === true ? 'a-token-nobody-knows' : TOKEN;
  const provider = new TwilioRCSProvider({
    accountSid: vendor.accountSid,
    authToken,
    messagingServiceSid: SERVICE,
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const phone = vendor.phone(TO);
  const problem = (code: number, message: string) => ({ status: 400, body: { code, message, status: 400 } });
  return {
    vendor,
    provider,
    channelType: 'rcs',
    mediaTypes: new RCSChannel('rcs').capabilities.mediaTypes,
    to: TO,
    defaults: { fallback: true },
    arrived: () => phone.messages.map(({ text, mediaUrls }) => ({ text, media: mediaUrls })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [authToken, Buffer.from(`${vendor.accountSid}:${authToken}`).toString('base64')],
    errors: [
      { name: '21211 invalid To', fault: problem(21211, "Invalid 'To' Phone Number"), code: 'twilio_21211', retryable: false },
      { name: '63106 no RCS', fault: problem(63106, 'phone_number is not a RCS capable number'), code: 'twilio_63106', retryable: false },
      { name: '20003 authenticate', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: '20429 too many', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: '20500 internal', fault: { status: 500 }, code: 'twilio_20500', retryable: true },
    ],
    write: (text) => phone.sendSms(text, { to: AGENT }),
    webhook: { signatureHeader: 'x-twilio-signature', signsUrl: true, reportsStatus: true },
    close: () => vendor.close(),
  };
};
