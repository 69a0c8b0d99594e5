/** Single values of mail headers: what may stand in one, addresses, and message ids. Pure; nothing a stranger sends makes it throw. */

/** A mailbox. */
export interface MailAddress {
  readonly address: string;
  readonly name?: string;
}

const MAX_VALUE = 998;
const MAX_IDS = 50;
const MAX_ID = 250;

/** Without line breaks and other control characters, so that no value becomes a header of its own (EM-02). */
export function headerValue(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, MAX_VALUE);
}

/** Whether a text is one address and nothing else: no list, no name, no line break. */
export function isMailAddress(text: string): boolean {
  return text.length <= 320 && /^[^\s<>()[\]\\,;:"@\u0000-\u0020\u007f]+@[^\s<>()[\]\\,;:"@\u0000-\u0020\u007f]+$/.test(text);
}

/** The address of one mailbox, in lower case: `Ada <ada@example.org>` or bare. Undefined when there is none. */
export function mailAddress(text: string): MailAddress | undefined {
  const flat = text.slice(0, 2000);
  const open = flat.lastIndexOf('<');
  const close = flat.indexOf('>', open);
  const bracketed = open >= 0 && close > open;
  const address = (bracketed ? flat.slice(open + 1, close) : flat).trim().toLowerCase();
  if (!isMailAddress(address)) return undefined;
  const name = bracketed
    ? headerValue(flat.slice(0, open))
        .replace(/^"(.*)"$/, '$1')
        .replace(/\\(.)/g, '$1')
        .trim()
    : '';
  return name === '' ? { address } : { address, name };
}

/** The ids in a `Message-ID`, `In-Reply-To` or `References` header, with their brackets, in order; each once, at most fifty of them, the last ones. */
export function messageIds(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  const text = typeof value === 'string' ? value : value.join(' ');
  const ids = text.slice(-65_536).match(/<[^<>\s]{1,250}>/g) ?? [];
  return [...new Set(ids.filter((id) => id.length <= MAX_ID))].slice(-MAX_IDS);
}

/** The part of a message id before its `@`. */
export function localPartOf(messageId: string): string {
  return messageId.replace(/^<|>$/g, '').split('@', 1)[0] ?? '';
}
