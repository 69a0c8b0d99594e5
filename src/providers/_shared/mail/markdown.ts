/**
 * The Markdown people and agents write, as HTML for a mail (EM-01): paragraphs, headings, lists, quotes, code, emphasis and
 * links. Everything else stays the text it is; nothing of it becomes markup that was not meant, and no address but http, https
 * and mailto becomes a link. No expression in here looks at a character more than a few times.
 */
export function markdownToHtml(markdown: string): string {
  const lines = markdown.replace(/\r\n?/g, '\n').split('\n');
  const out: string[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at++;
      continue;
    }
    const block = fence(lines, at) ?? heading(line, at) ?? rule(line, at) ?? list(lines, at) ?? quote(lines, at) ?? paragraph(lines, at);
    out.push(block.html);
    at = block.next;
  }
  return out.join('\n');
}

/** Text as HTML: line breaks stay, markup does not. */
export function textToHtml(text: string): string {
  return `<p>${escapeHtml(text.replace(/\r\n?/g, '\n')).replaceAll('\n', '<br>\n')}</p>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

interface Block {
  readonly html: string;
  readonly next: number;
}

function fence(lines: readonly string[], at: number): Block | undefined {
  const line = lines[at] ?? '';
  if (!line.startsWith('```')) return undefined;
  let end = at + 1;
  while (end < lines.length && !(lines[end] ?? '').startsWith('```')) end++;
  return { html: `<pre><code>${escapeHtml(lines.slice(at + 1, end).join('\n'))}</code></pre>`, next: end + 1 };
}

function heading(line: string, at: number): Block | undefined {
  const match = /^(#{1,6}) (.*)$/.exec(line);
  if (match === null) return undefined;
  const level = match[1]?.length ?? 1;
  return { html: `<h${level}>${inline(match[2] ?? '')}</h${level}>`, next: at + 1 };
}

function rule(line: string, at: number): Block | undefined {
  return /^(?:-{3,}|\*{3,}|_{3,})$/.test(line.trim()) ? { html: '<hr>', next: at + 1 } : undefined;
}

const BULLET = /^ {0,3}[-*+] (.*)$/;
const NUMBER = /^ {0,3}\d{1,9}[.)] (.*)$/;

function list(lines: readonly string[], at: number): Block | undefined {
  const kind = BULLET.test(lines[at] ?? '') ? BULLET : NUMBER.test(lines[at] ?? '') ? NUMBER : undefined;
  if (kind === undefined) return undefined;
  const items: string[] = [];
  let next = at;
  for (let match = kind.exec(lines[next] ?? ''); match !== null; match = kind.exec(lines[++next] ?? ''))
    items.push(`<li>${inline(match[1] ?? '')}</li>`);
  const tag = kind === BULLET ? 'ul' : 'ol';
  return { html: `<${tag}>\n${items.join('\n')}\n</${tag}>`, next };
}

function quote(lines: readonly string[], at: number): Block | undefined {
  if (!(lines[at] ?? '').startsWith('>')) return undefined;
  let next = at;
  const inner: string[] = [];
  while ((lines[next] ?? '').startsWith('>')) inner.push((lines[next++] ?? '').replace(/^> ?/, ''));
  // Not nested: whoever writes ten thousand signs gets one quote.
  return { html: `<blockquote>${inner.map(inline).join('<br>\n')}</blockquote>`, next };
}

function paragraph(lines: readonly string[], at: number): Block {
  let next = at + 1;
  while (next < lines.length && (lines[next] ?? '').trim() !== '' && !startsBlock(lines[next] ?? '')) next++;
  return { html: `<p>${lines.slice(at, next).map(inline).join('<br>\n')}</p>`, next };
}

function startsBlock(line: string): boolean {
  return line.startsWith('```') || line.startsWith('>') || /^#{1,6} /.test(line) || BULLET.test(line) || NUMBER.test(line);
}

/** Code first: inside it nothing means anything. */
function inline(text: string): string {
  return text
    .split('`')
    .map((piece, index, all) =>
      index % 2 === 1 && index < all.length - 1 ? `<code>${escapeHtml(piece)}</code>` : spans(index % 2 === 1 ? `\`${piece}` : piece),
    )
    .join('');
}

function spans(text: string): string {
  let html = '';
  let rest = 0;
  for (const match of text.matchAll(/\[([^[\]]{1,500})\]\(([^()\s]{1,2000})\)/g)) {
    const [whole, label = '', address = ''] = match;
    if (!/^(?:https?:\/\/|mailto:)/i.test(address)) continue;
    html += `${emphasis(escapeHtml(text.slice(rest, match.index)))}<a href="${escapeHtml(address)}">${emphasis(escapeHtml(label))}</a>`;
    rest = match.index + whole.length;
  }
  return html + emphasis(escapeHtml(text.slice(rest)));
}

function emphasis(html: string): string {
  return html
    .replace(/\*\*([^*\s](?:[^*]{0,300}[^*\s])?)\*\*/g, '<strong>$1</strong>')
    .replace(/(?<![\w*])\*([^*\s](?:[^*]{0,300}[^*\s])?)\*(?![\w*])/g, '<em>$1</em>')
    .replace(/(?<![\w_])_([^_\s](?:[^_]{0,300}[^_\s])?)_(?![\w_])/g, '<em>$1</em>');
}
