/** Telnyx' RCS provider in front of its emulator, for the contract. */
import { RCSChannel } from '../../src/index.js';
import { TelnyxEmulator } from '../../src/emulators/index.js';
import type { OpenTransportOptions, TransportSetup } from '../../src/testing/index.js';
import { TelnyxRCSProvider } from '../../src/providers/telnyx/index.js';
import { telnyxProblem } from './open-telnyx.js';
import { unusedAddress } from './unused-address.js';

const KEY = 'KEY0123456789_the-key-of-the-account';
const TO = '+15550123';

export const openTelnyxRcs = async (options: OpenTransportOptions = {}): Promise<TransportSetup & { readonly vendor: TelnyxEmulator }> => {
  const { hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = options;
  const vendor = await TelnyxEmulator.start({ apiKey: KEY, ...(webhookUrl !== undefined && { webhookUrl }) });
  const apiKey = hasWrongKey === true ? 'KEY-nobody-knows' : KEY;
  const provider = new TelnyxRCSProvider({
    apiKey,
    publicKey: vendor.publicKey,
    agentId: vendor.agentId,
    messagingProfileId: vendor.messagingProfileId,
    fromNumber: '+15550100',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const phone = vendor.phone(TO);
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
    secrets: [apiKey],
    errors: [
      {
        name: '40310 invalid to',
        fault: { status: 400, body: telnyxProblem('40310', "Invalid 'to' address") },
        code: 'telnyx_40310',
        retryable: false,
      },
      { name: '10009 authentication', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: '10011 too many', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: '10007 unexpected', fault: { status: 500 }, code: 'telnyx_10007', retryable: true },
    ],
    write: (text) => phone.sendSms(text, { to: vendor.agentId }),
    webhook: { signatureHeader: 'telnyx-signature-ed25519', toleranceSeconds: 300, reportsStatus: true },
    close: () => vendor.close(),
  };
};
