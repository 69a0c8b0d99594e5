/** What a mail server reports of mails that were sent: `multipart/report` with `message/delivery-status` (RFC 3464). */
import type { DeliveryStatus } from '../../../core/models/delivery.js';
import { messageIds } from './headers.js';
import { headersNamed, parseHeaders, type ReceivedMail } from './received.js';

const STATUSES: Readonly<Record<string, DeliveryStatus['status']>> = {
  failed: 'failed',
  delivered: 'delivered',
  relayed: 'sent',
  expanded: 'sent',
  // It is still being tried: nothing has been decided.
  delayed: 'sending',
};

/** One status for each recipient that the report names; none when the mail is no report, or does not say of which mail. */
export function bounceOf(mail: ReceivedMail, sentBy: string): readonly DeliveryStatus[] {
  const report = mail.attachments.find(({ mimeType }) => /^message\/(?:global-)?delivery-status$/.test(mimeType));
  if (report === undefined) return [];
  const messageId = originalId(mail);
  if (messageId === undefined) return [];
  // Blocks stand apart by empty lines; the first is about the whole mail.
  const blocks = textOf(report.bytes)
    .slice(0, 65_536)
    .split(/\r?\n\s*\r?\n/);
  return blocks.flatMap((block): DeliveryStatus[] => {
    const fields = { headers: parseHeaders(block.replace(/^\s+/, '')) };
    const field = (name: string): string | undefined => headersNamed(fields, name)[0];
    const action = field('action')?.toLowerCase().trim() ?? '';
    const status = Object.hasOwn(STATUSES, action) ? STATUSES[action] : undefined;
    if (status === undefined) return [];
    const code = /^[245]\.\d{1,3}\.\d{1,3}/.exec(field('status')?.trim() ?? '')?.[0];
    const recipient = field('final-recipient')?.split(';').at(-1)?.trim();
    const words = field('diagnostic-code')?.replace(/^smtp;\s*/i, '');
    return [
      {
        provider: sentBy,
        messageId,
        status,
        ...(recipient !== undefined && recipient !== '' && { recipient: recipient.toLowerCase() }),
        ...(status === 'failed' && { errorCode: code === undefined ? 'bounced' : `smtp_${code}` }),
        ...(status === 'failed' && words !== undefined && { errorMessage: words.slice(0, 500) }),
        raw: Object.fromEntries(fields.headers),
      },
    ];
  });
}

/** Reports bring the mail along, whole or its headers alone; some name it only in a header of their own. */
function originalId(mail: ReceivedMail): string | undefined {
  for (const { mimeType, bytes } of mail.attachments) {
    if (!/^(?:message\/(?:global|rfc822)|(?:text|message)\/(?:global-headers|rfc822-headers))$/.test(mimeType)) continue;
    const [id] = messageIds(headersNamed({ headers: parseHeaders(textOf(bytes)) }, 'message-id'));
    if (id !== undefined) return id;
  }
  return messageIds(headersNamed(mail, 'in-reply-to'))[0] ?? messageIds(headersNamed(mail, 'references')).at(-1);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, 262_144));
}
