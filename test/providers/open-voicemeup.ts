/** VoiceMeUp's provider in front of its emulator, for the contract. */
import { SMSChannel } from '../../src/index.js';
import { VoiceMeUpEmulator } from '../../src/emulators/index.js';
import type { OpenTransportOptions, TransportSetup } from '../../src/testing/index.js';
import { VoiceMeUpSMSProvider } from '../../src/providers/voicemeup/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = 'the-token-of-the-user';
const TO = '+15145550123';
export const SECRET = 'a-secret-in-the-path';

export const openVoiceMeUp = async (options: OpenTransportOptions = {}): Promise<TransportSetup & { readonly vendor: VoiceMeUpEmulator }> => {
  const { hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = options;
  const vendor = await VoiceMeUpEmulator.start({ authToken: TOKEN, ...(webhookUrl !== undefined && { webhookUrl: `${webhookUrl}/${SECRET}` }) });
  const authToken = hasWrongKey === true ? 'a-token-nobody-knows' : TOKEN;
  const provider = new VoiceMeUpSMSProvider({
    username: vendor.username,
    authToken,
    webhookSecret: SECRET,
    fromNumber: '+15145550100',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const phone = vendor.phone(TO);
  const refused = (code: string) => ({
    status: 200,
    body: { response_details: { response_status: 'error', response_messages: { message: [{ code, _content: 'No.' }] } } },
  });
  return {
    vendor,
    provider,
    channelType: 'sms',
    mediaTypes: new SMSChannel('sms').capabilities.mediaTypes,
    to: TO,
    arrived: () => phone.messages.map(({ text, mediaUrls }) => ({ text, media: mediaUrls })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [authToken, SECRET],
    errors: [
      {
        name: 'a refusal with status 200',
        fault: refused('invalid_destination_number'),
        code: 'voicemeup_invalid_destination_number',
        retryable: false,
      },
      {
        name: 'one without a code',
        fault: { status: 200, body: { response_details: { response_status: 'error' } } },
        code: 'invalid_request',
        retryable: false,
      },
      { name: '401', fault: { status: 401 }, code: 'auth_error', retryable: false },
      { name: '429', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: '500', fault: { status: 500 }, code: 'voicemeup_internal_error', retryable: true },
    ],
    write: (text) => phone.sendSms(text),
    webhook: {},
    close: () => vendor.close(),
  };
};
