/** Text as Teams reads and writes it. */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** Entities as the characters that they stand for; each once. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole: string, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : whole;
  });
}

/** Characters that would be markup, as entities. */
export function encodeEntities(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** @see https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages */
const TAGS: ReadonlySet<string> = new Set('b strong i em u s strike del a code pre blockquote ul ol li br p h1 h2 h3 hr'.split(' '));
const ALIASES: Readonly<Record<string, string>> = { del: 'strike', s: 'strike' };
const HIDDEN = /<(script|style)\b[^>]*>[\s\S]*?<\/\1\s*>/gi;

/** The part of HTML that Teams shows: other tags go and leave their words, of attributes only a link's address stays. */
export function teamsMarkup(html: string): string {
  return html
    .replace(HIDDEN, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(\/?)([a-z][a-z0-9]*)\b([^>]*)>/gi, (_, slash: string, tag: string, attributes: string) => {
      const name = tag.toLowerCase();
      if (!TAGS.has(name)) return '';
      if (name !== 'a' || slash !== '') return `<${slash}${ALIASES[name] ?? name}${name === 'br' || name === 'hr' ? '/' : ''}>`;
      const [, double, single] = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? [];
      const href = decodeEntities(double ?? single ?? '');
      return /^(?:https?|mailto|tel):/i.test(href) ? `<a href="${encodeEntities(href)}">` : '<a>';
    });
}
