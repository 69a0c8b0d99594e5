/** People and groups: as WhatsApp names them (`…@s.whatsapp.net`), and as rooms keep them (`+49…`) (WP-02). */

const PERSON = '@s.whatsapp.net';

/** Where a message to this address goes. Undefined for what is neither a number nor one of WhatsApp's ids. */
export function jidOf(address: string): string | undefined {
  if (address.includes('@')) return /^[^\s@]+@[a-z.]+$/.test(address) ? address : undefined;
  const digits = address.replace(/[\s()./-]/g, '').replace(/^\+/, '');
  return /^\d{5,15}$/.test(digits) ? `${digits}${PERSON}` : undefined;
}

/** A person's number in E.164 as everywhere in the kit; groups, and people whose number WhatsApp hides, by WhatsApp's id. */
export function addressOf(jid: string): string {
  const plain = withoutDevice(jid);
  const digits = plain.endsWith(PERSON) ? plain.slice(0, -PERSON.length) : '';
  return /^\d{5,15}$/.test(digits) ? `+${digits}` : plain;
}

/** `49151:12@s.whatsapp.net` is the twelfth device of `49151@s.whatsapp.net`. */
export function withoutDevice(jid: string): string {
  return jid.replace(/^([^:@]+)(?::\d+)?@c\.us$/, `$1${PERSON}`).replace(/^([^:@]+):\d+@/, '$1@');
}

export function isGroup(jid: string): boolean {
  return jid.endsWith('@g.us');
}

/** Chats with people and groups: no status updates, broadcasts, channels or bots of Meta's. */
export function isConversation(jid: string): boolean {
  return /^\d[\d-]*@(s\.whatsapp\.net|g\.us|lid)$/.test(withoutDevice(jid));
}

/** How the kit names a message: the same, whoever tells of it (WP-04). */
export function messageKey(chat: string, id: string): string {
  return `${chat}:${id}`;
}

/** The chat and the id in such a name. */
export function fromMessageKey(key: string | undefined): { readonly chat: string; readonly id: string } | undefined {
  const match = /^([^\s:@]+@[a-z.]+):(\S+)$/.exec(key ?? '');
  return match === null ? undefined : { chat: match[1] ?? '', id: match[2] ?? '' };
}
