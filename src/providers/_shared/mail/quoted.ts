/**
 * A reply without what it repeats (EM-05): mail programs put the whole conversation below each answer. Line by line, and each
 * line once: a stranger's mail costs no more than its length.
 */

/** The words of this mail alone. Empty when there are none: a forwarded mail, a signature. */
export function withoutQuotedHistory(text: string): string {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const end = signatureAt(lines);
  const start = historyAt(lines, end);
  const own = lines.slice(0, start.from);
  // Whoever answers between the lines writes below the history's first line, too: quotes go, answers stay.
  const below = lines.slice(start.to, end);
  if (start.from === end) return tidy(own.filter((line) => !isQuote(line)));
  const isInterleaved = below.some(isQuote) && below.some((line) => !isQuote(line) && line.trim() !== '');
  return tidy([...own.filter((line) => !isQuote(line)), ...(isInterleaved ? below.filter((line) => !isQuote(line)) : [])]);
}

function isQuote(line: string): boolean {
  return line.startsWith('>');
}

function tidy(lines: readonly string[]): string {
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** Signatures stand below two hyphens and a space (RFC 3676); some programs lose the space. */
function signatureAt(lines: readonly string[]): number {
  const at = lines.findIndex((line, index) => index > 0 && (line === '-- ' || line === '--'));
  return at < 0 ? lines.length : at;
}

/** Where the history begins, and where its own heading ends. */
function historyAt(lines: readonly string[], end: number): { readonly from: number; readonly to: number } {
  for (let at = 0; at < end; at++) {
    const length = headingLength(lines, at, end);
    if (length > 0) return { from: at, to: at + length };
  }
  return { from: end, to: end };
}

/** How many lines from here on say that what follows was written before; 0 when they say nothing of the kind. */
function headingLength(lines: readonly string[], at: number, end: number): number {
  const line = (lines[at] ?? '').trim();
  if (line === '' || line.length > 500) return 0;
  if (/^[-_]{2,} ?[^-_]{4,60} ?[-_]{2,}$/.test(line) && SEPARATORS.some((words) => line.toLowerCase().includes(words))) return 1;
  if (/^_{20,}$/.test(line)) return isHeaderBlock(lines, at + 1) ? 1 : 0;
  if (isHeaderBlock(lines, at)) return 1;
  // "On Tue, Nov 24, 2026 at 10:00, Ada <ada@example.org> wrote:", broken over up to three lines.
  if (!ATTRIBUTION_START.test(line)) return 0;
  let sentence = '';
  for (let length = 1; length <= 3 && at + length <= end; length++) {
    sentence = `${sentence} ${(lines[at + length - 1] ?? '').trim()}`.trim();
    if (sentence.length > 1000) return 0;
    if (sentence.endsWith(':') && ATTRIBUTION_VERBS.some((verb) => sentence.toLowerCase().includes(verb)) && /\d/.test(sentence)) return length;
  }
  return 0;
}

const SEPARATORS: readonly string[] = [
  'original message',
  'forwarded message',
  'ursprüngliche nachricht',
  'weitergeleitete nachricht',
  "message d'origine",
  'message d’origine',
  'message transféré',
  'mensaje original',
  'messaggio originale',
  'oorspronkelijk bericht',
  'mensagem original',
];
const ATTRIBUTION_START = /^(?:on|am|le|el|il|op|den|em|w dniu|\d{1,4}[-./]\d{1,2})\b/i;
const ATTRIBUTION_VERBS: readonly string[] = ['wrote', 'schrieb', 'a écrit', 'escribió', 'ha scritto', 'schreef', 'skrev', 'escreveu', 'napisał'];

const FROM = /^\*?(?:from|von|de|da|van|från|od)\s?:\*?\s/i;
const SENT = /^\*?(?:sent|date|gesendet|datum|envoyé|enviado|inviato|data|verzonden|skickat|wysłano)\s?:\*?\s/i;
const SUBJECT = /^\*?(?:subject|betreff|objet|asunto|oggetto|onderwerp|assunto|ämne|temat)\s?:\*?\s/i;

/** "From: … Sent: … To: … Subject: …", as Outlook puts above what it repeats. */
function isHeaderBlock(lines: readonly string[], at: number): boolean {
  if (!FROM.test((lines[at] ?? '').trim())) return false;
  const next = lines.slice(at + 1, at + 7).map((line) => line.trim());
  return next.some((line) => SENT.test(line)) && next.some((line) => SUBJECT.test(line));
}
