/** A mail as it came over the wire, taken apart by postal-mime. */
import type { Address, Email } from 'postal-mime';
import { loadPeer } from '../_shared/peer.js';
import { headerValue, isMailAddress, mailAddress } from '../_shared/mail/headers.js';
import type { MailAddress } from '../_shared/mail/headers.js';
import type { ReceivedMail } from '../_shared/mail/received.js';

/** Throws for what is no mail at all, or one that nests without measure. */
export async function parseMail(source: Uint8Array, feature: string): Promise<ReceivedMail> {
  const { default: PostalMime } = await loadPeer(feature, 'postal-mime', () => import('postal-mime'));
  // A mail within a mail is a file of it: what it says was said by somebody else.
  const email = await PostalMime.parse(source, { forceRfc822Attachments: true, maxNestingDepth: 32, maxHeadersSize: 1024 * 1024 });
  return receivedOf(email);
}

function receivedOf(email: Email): ReceivedMail {
  const from = flat([email.from])[0] ?? flat([email.sender])[0];
  return {
    headers: email.headers.map(({ key, value }) => [key, value] as const),
    from,
    to: flat(email.to ?? []).map(({ address }) => address),
    cc: flat(email.cc ?? []).map(({ address }) => address),
    replyTo: flat(email.replyTo ?? [])[0]?.address,
    subject: email.subject,
    date: email.date,
    text: email.text,
    html: email.html,
    attachments: email.attachments.map(({ filename, mimeType, content, contentId }) => ({
      filename: filename ?? undefined,
      mimeType,
      bytes: typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content),
      contentId,
    })),
  };
}

function flat(addresses: readonly (Address | undefined)[]): readonly MailAddress[] {
  return addresses.flatMap((one) => {
    const members = one?.group ?? (one === undefined ? [] : [one]);
    return members.flatMap(({ name, address }) => {
      const clean = mailAddress(address ?? '');
      if (clean === undefined || !isMailAddress(clean.address)) return [];
      const shown = headerValue(name);
      return [shown === '' ? { address: clean.address } : { address: clean.address, name: shown }];
    });
  });
}
