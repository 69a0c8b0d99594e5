/** Telegram's provider in front of its emulator, for the contract. */
import { TelegramChannel } from '../../src/index.js';
import { TelegramEmulator, type VendorFault } from '../../src/emulators/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { TelegramBotProvider } from '../../src/providers/telegram/index.js';
import { unusedAddress } from './unused-address.js';

const TOKEN = '777000:the-token-of-the-bot';
const SECRET = 'the-secret-of-the-webhook';

export const openTelegram: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await TelegramEmulator.start({ botToken: TOKEN, secretToken: SECRET, ...(webhookUrl !== undefined && { webhookUrl }) });
  const botToken = hasWrongKey === true ? '777000:a-token-nobody-knows' : TOKEN;
  const provider = new TelegramBotProvider({
    botToken,
    webhookSecret: SECRET,
    baseUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const refused = (status: number, description: string, parameters?: object): VendorFault => ({
    status,
    body: { ok: false, error_code: status, description, ...(parameters !== undefined && { parameters }) },
  });
  const chat = vendor.chat('ada');
  return {
    provider,
    channelType: 'telegram',
    mediaTypes: new TelegramChannel('telegram').capabilities.mediaTypes,
    to: String(chat.id),
    arrived: () =>
      chat.messages
        .filter(({ isFromBot }) => isFromBot)
        .map(({ text, buttons, mediaUrl, location }) => ({
          text: [text, ...buttons, ...(location === undefined ? [] : [`${location.title ?? ''} ${location.latitude}`])]
            .filter((line) => line !== '')
            .join('\n'),
          media: mediaUrl === undefined ? [] : [mediaUrl],
        })),
    fail: (fault) => vendor.fail(fault),
    requests: () => vendor.requests,
    secrets: [botToken, SECRET],
    errors: [
      { name: '400 chat not found', fault: refused(400, 'Bad Request: chat not found'), code: 'telegram_400', retryable: false },
      { name: '401 another token', fault: refused(401, 'Unauthorized'), code: 'auth_error', retryable: false },
      { name: '404 no token at all', fault: refused(404, 'Not Found'), code: 'auth_error', retryable: false },
      { name: '403 blocked', fault: refused(403, 'Forbidden: bot was blocked by the user'), code: 'telegram_403', retryable: false },
      { name: '403 put out', fault: refused(403, 'Forbidden: bot was kicked from the supergroup chat'), code: 'telegram_403', retryable: false },
      { name: '413 too large', fault: refused(413, 'Request Entity Too Large'), code: 'telegram_413', retryable: false },
      { name: '429 too many', fault: refused(429, 'Too Many Requests: retry after 3', { retry_after: 3 }), code: 'rate_limit', retryable: true },
      { name: '500 internal', fault: refused(500, 'Internal Server Error'), code: 'telegram_500', retryable: true },
      { name: '502 without a body', fault: { status: 502, body: '' }, code: 'http_502', retryable: true },
      { name: 'a page in place of an answer', fault: { status: 200, body: '<html>Sign in</html>' }, code: 'http_502', retryable: true },
    ],
    write: (text) => chat.write(text),
    webhook: { signatureHeader: 'x-telegram-bot-api-secret-token', signsBody: false },
    close: () => vendor.close(),
  };
};
