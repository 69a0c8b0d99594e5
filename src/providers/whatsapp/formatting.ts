/** Markdown in WhatsApp's own signs. @see https://faq.whatsapp.com/539178204879377 */

/**
 * Bold, italic, struck, headings and links as WhatsApp writes them; code stays as it is. What is no such thing is left alone.
 */
export function whatsAppText(markdown: string): string {
  return markdown
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((piece, position) => (position % 2 === 1 ? piece : styled(piece)))
    .join('');
}

/** A sign of our own for bold, so that what was bold is not read as italic in the next step. */
const BOLD = '\u0001';

function styled(text: string): string {
  return text
    .replace(/^#{1,6}[ \t]+(.+?)[ \t]*#*$/gm, `${BOLD}$1${BOLD}`)
    .replace(/\*\*(?=\S)([^*\n]+?)\*\*/g, `${BOLD}$1${BOLD}`)
    .replace(/__(?=\S)([^_\n]+?)__/g, `${BOLD}$1${BOLD}`)
    .replace(/(?<![*\w])\*(?=\S)([^*\n]+?)\*(?![*\w])/g, '_$1_')
    .replace(/~~(?=\S)([^~\n]+?)~~/g, '~$1~')
    .replace(/!?\[([^\]\n]*)\]\((https?:[^)\s]+)\)/g, (_, label: string, url: string) => (label === '' || label === url ? url : `${label} (${url})`))
    .replaceAll(BOLD, '*');
}
