/** The SMTP provider in front of a mail server, for the contract. */
import { EmailChannel } from '../../src/index.js';
import { MailEmulator } from '../../src/emulators/index.js';
import { SMTPProvider } from '../../src/providers/smtp/index.js';
import type { DocumentedError, OpenTransport } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

const PASSWORD = 'the-password-of-the-desk';
const TO = 'ada@example.org';

function refusal(name: string, status: number, retryable: boolean, code = `smtp_${status}`): DocumentedError {
  return { name, fault: { status, body: name }, code, retryable };
}

export const openSmtp: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds } = {}) => {
  const vendor = await MailEmulator.start({ password: PASSWORD });
  const password = hasWrongKey === true ? 'a-password-nobody-knows' : PASSWORD;
  const port = isUnreachable === true ? Number(new URL(await unusedAddress()).port) : vendor.smtp.port;
  const provider = new SMTPProvider({
    ...vendor.smtp,
    port,
    password,
    fromAddress: vendor.address,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const inbox = vendor.inbox(TO);
  return {
    provider,
    channelType: 'email',
    mediaTypes: new EmailChannel('email').capabilities.mediaTypes,
    to: TO,
    arrived: () => inbox.mails.map(({ text }) => ({ text, media: [] })),
    fail: ({ status, body, hangs, cuts, times, delayMs }) =>
      vendor.fail({
        ...(status !== undefined && { code: status }),
        ...(typeof body === 'string' && { message: body }),
        ...(hangs !== undefined && { hangs }),
        ...(cuts !== undefined && { cuts }),
        ...(times !== undefined && { times }),
        ...(delayMs !== undefined && { delayMs }),
      }),
    requests: () => vendor.transactions,
    secrets: [password, Buffer.from(`\u0000${vendor.user}\u0000${password}`).toString('base64')],
    errors: [
      refusal('4.2.1 mailbox busy', 450, true),
      refusal('4.3.0 local error', 451, true),
      refusal('4.3.1 storage full', 452, true),
      refusal('4.7.0 too many', 421, true),
      refusal('5.1.1 no such user', 550, false),
      refusal('5.3.4 too big', 552, false),
      refusal('5.7.1 not allowed', 554, false),
      refusal('5.7.0 sign in first', 530, false, 'auth_error'),
      refusal('4.7.0 cannot check the password now', 454, true),
    ],
    // Over SMTP there is no header to ask for patience, and its answers are three digits of its own.
    lacks: ['retry_after', 'status_faults'],
    close: () => vendor.close(),
  };
};
