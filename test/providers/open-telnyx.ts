/** Telnyx' provider in front of its emulator, for the contract. */
import { SMSChannel } from '../../src/index.js';
import { TelnyxEmulator } from '../../src/emulators/index.js';
import type { OpenTransportOptions, TransportSetup } from '../../src/testing/index.js';
import { TelnyxSMSProvider } from '../../src/providers/telnyx/index.js';
import { unusedAddress } from './unused-address.js';

const KEY = 'KEY0123456789_the-key-of-the-account';
const TO = '+15550123';

interface TelnyxOptions extends OpenTransportOptions {
  /** The `statusCallback` of the provider. */
  readonly reportsTo?: string | undefined;
}

/** A refusal as Telnyx writes it. */
export const telnyxProblem = (code: string, title: string): unknown => ({ errors: [{ code, title, detail: title, meta: {} }] });

export const openTelnyx = async (options: TelnyxOptions = {}): Promise<TransportSetup> => {
  const { hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl, reportsTo } = options;
  const vendor = await TelnyxEmulator.start({ apiKey: KEY, ...(webhookUrl !== undefined && { webhookUrl }) });
  const apiKey = hasWrongKey === true ? 'KEY-nobody-knows' : KEY;
  const provider = new TelnyxSMSProvider({
    apiKey,
    publicKey: vendor.publicKey,
    fromNumber: '+15550100',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(reportsTo !== undefined && { statusCallback: reportsTo }),
  });
  const phone = vendor.phone(TO);
  const refused = (code: string, title: string) => ({ status: 400, body: telnyxProblem(code, title) });
  return {
    provider,
    channelType: 'sms',
    mediaTypes: new SMSChannel('sms').capabilities.mediaTypes,
    to: TO,
    arrived: () => phone.messages.map(({ text, mediaUrls }) => ({ text, media: mediaUrls })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [apiKey],
    errors: [
      { name: '40310 invalid to', fault: refused('40310', "Invalid 'to' address"), code: 'telnyx_40310', retryable: false },
      { name: '40300 opted out', fault: refused('40300', 'Blocked due to STOP message'), code: 'telnyx_40300', retryable: false },
      { name: '40305 invalid from', fault: refused('40305', "Invalid 'from' address"), code: 'telnyx_40305', retryable: false },
      { name: '40318 queue full', fault: refused('40318', 'Message queue full'), code: 'telnyx_40318', retryable: true },
      { name: '10009 authentication', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: '10011 too many', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: '10007 unexpected', fault: { status: 500 }, code: 'telnyx_10007', retryable: true },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => phone.sendSms(text),
    webhook: { signatureHeader: 'telnyx-signature-ed25519', toleranceSeconds: 300, reportsStatus: true },
    close: () => vendor.close(),
  };
};
