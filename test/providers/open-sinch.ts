/** Sinch's provider in front of its emulator, for the contract. */
import { SMSChannel } from '../../src/index.js';
import { SinchEmulator } from '../../src/emulators/index.js';
import type { OpenTransportOptions, TransportSetup } from '../../src/testing/index.js';
import { SinchSMSProvider, type SinchSignatureScheme } from '../../src/providers/sinch/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = 'the-token-of-the-plan';
const SECRET = 'the-secret-of-the-webhook';
const TO = '+15550123';

interface SinchOptions extends OpenTransportOptions {
  readonly signatureScheme?: SinchSignatureScheme;
}

export const openSinch = async (options: SinchOptions = {}): Promise<TransportSetup & { readonly vendor: SinchEmulator }> => {
  const { hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl, signatureScheme = 'hmac_sha256' } = options;
  const vendor = await SinchEmulator.start({
    apiToken: TOKEN,
    webhookSecret: SECRET,
    signatureScheme,
    ...(webhookUrl !== undefined && { webhookUrl }),
  });
  const apiToken = hasWrongKey === true ? 'a-token-nobody-knows' : TOKEN;
  const provider = new SinchSMSProvider({
    servicePlanId: vendor.servicePlanId,
    apiToken,
    webhookSecret: SECRET,
    signatureScheme,
    fromNumber: '+15550100',
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const phone = vendor.phone(TO);
  const refused = (code: string) => ({ status: 400, body: { code, text: 'No.' } });
  return {
    vendor,
    provider,
    channelType: 'sms',
    mediaTypes: new SMSChannel('sms').capabilities.mediaTypes,
    to: TO,
    arrived: () => phone.messages.map(({ text, mediaUrls }) => ({ text, media: mediaUrls })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [apiToken, SECRET],
    errors: [
      { name: 'invalid format', fault: refused('syntax_invalid_parameter_format'), code: 'sinch_syntax_invalid_parameter_format', retryable: false },
      { name: 'violated constraint', fault: refused('syntax_constraint_violation'), code: 'sinch_syntax_constraint_violation', retryable: false },
      { name: '401', fault: { status: 401, body: '' }, code: 'auth_error', retryable: false },
      { name: '403', fault: { status: 403, body: { code: 'unauthorized', text: 'No.' } }, code: 'auth_error', retryable: false },
      { name: '404', fault: { status: 404, body: '' }, code: 'http_404', retryable: false },
      { name: '429', fault: { status: 429, body: '' }, code: 'rate_limit', retryable: true },
      { name: '500', fault: { status: 500, body: '' }, code: 'http_500', retryable: true },
    ],
    write: (text) => phone.sendSms(text),
    webhook:
      signatureScheme === 'hmac_sha1'
        ? { signatureHeader: 'x-sinch-signature', reportsStatus: true }
        : { signatureHeader: 'x-sinch-webhook-signature', toleranceSeconds: 300, reportsStatus: true },
    close: () => vendor.close(),
  };
};
