/**
 * Markdown as Telegram wants it: the plain text, and where in it what begins and how long it is, in UTF-16 units. So nothing
 * has to be escaped, and no text can be refused for its marks. What is no mark stays as it stands. Pure.
 * @see https://core.telegram.org/bots/api#messageentity
 */

/** A part of a text that looks different. */
export interface MessageEntity {
  readonly type: 'bold' | 'italic' | 'strikethrough' | 'code' | 'pre' | 'text_link' | 'blockquote';
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
  readonly language?: string;
}

/** A text with its parts that look different. */
export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** Telegram reads no more of one message. */
const MAX_ENTITIES = 100;

/** Beyond this nothing is looked for: no message is as long, and looking takes time. */
const MAX_UNITS = 20_000;

export function formattedText(markdown: string): FormattedText {
  if (markdown.length > MAX_UNITS) return { text: markdown, entities: [] };
  const out = new Formatted();
  const lines = markdown.replace(/\r\n?/g, '\n').split('\n');
  for (let at = 0; at < lines.length;) at = writeBlock(out, lines, at);
  return out.trimmed();
}

/** Writes the block that begins in a line; returns the line after it. */
function writeBlock(out: Formatted, lines: readonly string[], at: number): number {
  const line = lines[at] ?? '';
  if (at > 0) out.write('\n');
  const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)\s*$/.exec(line);
  if (fence !== null) {
    const [, mark = '', language = ''] = fence;
    const end = lines.findIndex((candidate, index) => index > at && candidate.trim().startsWith(mark) && /^[`~]+$/.test(candidate.trim()));
    const code = lines.slice(at + 1, end === -1 ? lines.length : end).join('\n');
    out.marked(language === '' ? { type: 'pre' } : { type: 'pre', language }, () => out.write(code));
    return end === -1 ? lines.length : end + 1;
  }
  if (/^ {0,3}>/.test(line)) {
    let end = at;
    while (/^ {0,3}>/.test(lines[end] ?? '')) end++;
    out.marked({ type: 'blockquote' }, () =>
      lines.slice(at, end).forEach((quoted, index) => {
        if (index > 0) out.write('\n');
        writeInline(out, quoted.replace(/^ {0,3}> ?/, ''));
      }),
    );
    return end;
  }
  const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
  if (heading !== undefined && heading !== '') out.marked({ type: 'bold' }, () => writeInline(out, heading));
  else if (/^ {0,3}([-*_])( *\1){2,}\s*$/.test(line)) out.write('———');
  else writeInline(out, line.replace(/^(\s*)[-*+] +(?=\S)/, '$1• '));
  return at + 1;
}

const DELIMITERS: readonly (readonly [mark: string, type: MessageEntity['type']])[] = [
  ['**', 'bold'],
  ['__', 'bold'],
  ['~~', 'strikethrough'],
  ['*', 'italic'],
  ['_', 'italic'],
];

/** Labels of links within labels of links: nobody writes them. */
const MAX_DEPTH = 3;

/** Writes one line; a mark whose other half does not come stays what it is. */
function writeInline(out: Formatted, line: string, depth = 0): void {
  const open: { readonly mark: string; readonly at: number }[] = [];
  for (let at = 0; at < line.length;) {
    const rest = line.slice(at);
    const escaped = /^\\([!-/:-@[-`{-~])/.exec(rest);
    const code = /^(`+)(?!`)([\s\S]*?[^`])\1(?!`)/.exec(rest);
    const link =
      depth < MAX_DEPTH ? /^!?\[((?:[^[\]\\]|\\.)+)\]\(\s*<?([^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"]*")?\s*\)/.exec(rest) : null;
    const address = /^<(https?:\/\/[^\s<>]+)>/.exec(rest);
    if (escaped !== null) {
      out.write(escaped[1] ?? '');
      at += escaped[0].length;
    } else if (code !== null) {
      out.marked({ type: 'code' }, () => out.write((code[2] ?? '').replace(/^ (.*\S.*) $/, '$1')));
      at += code[0].length;
    } else if (link !== null) {
      writeLink(out, link[1] ?? '', link[2] ?? '', depth);
      at += link[0].length;
    } else if (address !== null) {
      out.write(address[1] ?? '');
      at += address[0].length;
    } else at += writeMark(out, line, at, open);
  }
}

function writeLink(out: Formatted, label: string, url: string, depth: number): void {
  if (/^(https?|tg):\/\//i.test(url) && URL.canParse(url)) out.marked({ type: 'text_link', url }, () => writeInline(out, label, depth + 1));
  else {
    writeInline(out, label, depth + 1);
    out.write(` (${url})`);
  }
}

/** Writes a mark that opens or closes something, or the letter that stands there; returns how many units that were. */
function writeMark(out: Formatted, line: string, at: number, open: { readonly mark: string; readonly at: number }[]): number {
  const found = DELIMITERS.find(([mark]) => line.startsWith(mark, at));
  if (found === undefined) {
    out.write(line[at] ?? '');
    return 1;
  }
  const [mark, type] = found;
  const before = line[at - 1] ?? ' ';
  const after = line[at + mark.length] ?? ' ';
  const isWordMark = mark.startsWith('_');
  const started = open.findLastIndex((candidate) => candidate.mark === mark);
  const opened = open[started];
  if (opened !== undefined && /\S/.test(before) && !(isWordMark && /[\p{L}\p{N}]/u.test(after)) && out.length > opened.at + mark.length) {
    open.length = started;
    out.close(opened.at, mark.length, type);
  } else {
    if (/\S/.test(after) && !(isWordMark && /[\p{L}\p{N}]/u.test(before))) open.push({ mark, at: out.length });
    out.write(mark);
  }
  return mark.length;
}

class Formatted {
  #text = '';
  #entities: MessageEntity[] = [];

  get length(): number {
    return this.#text.length;
  }

  write(text: string): void {
    this.#text += text;
  }

  /** What `write` writes looks so. */
  marked(entity: Omit<MessageEntity, 'offset' | 'length'>, write: () => void): void {
    const offset = this.#text.length;
    write();
    const length = this.#text.length - offset;
    if (length > 0) this.#entities.push({ ...entity, offset, length });
  }

  /** What comes after a mark that was written as a text turns out to be marked by it: the mark goes. */
  close(at: number, units: number, type: MessageEntity['type']): void {
    this.#text = this.#text.slice(0, at) + this.#text.slice(at + units);
    this.#entities = this.#entities.map((entity) => (entity.offset > at ? { ...entity, offset: entity.offset - units } : entity));
    this.#entities.push({ type, offset: at, length: this.#text.length - at });
  }

  /** Telegram takes spaces off both ends: so they are taken off here, where offsets can follow. */
  trimmed(): FormattedText {
    const start = this.#text.length - this.#text.trimStart().length;
    const text = this.#text.trim();
    const entities = this.#entities.flatMap((entity) => {
      const offset = Math.max(0, entity.offset - start);
      const length = Math.min(text.length, entity.offset - start + entity.length) - offset;
      return length > 0 ? [{ ...entity, offset, length }] : [];
    });
    return { text, entities: entities.sort((one, other) => one.offset - other.offset || other.length - one.length).slice(0, MAX_ENTITIES) };
  }
}
