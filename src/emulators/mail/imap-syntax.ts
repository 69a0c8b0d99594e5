/** The lines of IMAP: atoms, quoted texts, lists, and literals whose length is told beforehand (RFC 3501, 4). */

/** An atom or a text, or a list of such. */
export type ImapValue = string | readonly ImapValue[];

/** A command that is there, or half of one. */
export interface ReadCommand {
  /** Absent while the rest of a literal is still to come. */
  readonly values?: readonly ImapValue[];
  /** How many bytes it took. */
  readonly length: number;
  /** The client waits to be asked for a literal. */
  readonly asksFor?: boolean;
}

/** The first command in the bytes; undefined when its line has not ended yet. */
export function readCommand(buffer: Buffer): ReadCommand | undefined {
  const stack: ImapValue[][] = [[]];
  const put = (value: ImapValue): void => void stack.at(-1)?.push(value);
  let at = 0;
  for (;;) {
    const byte = buffer[at];
    if (byte === undefined) return undefined;
    const sign = String.fromCharCode(byte);
    if (sign === '\r' || sign === '\n') {
      if (sign === '\r' && buffer[at + 1] === undefined) return undefined;
      return { values: stack[0] ?? [], length: at + (sign === '\r' ? 2 : 1) };
    }
    if (sign === ' ') at++;
    else if (sign === '(') {
      stack.push([]);
      at++;
    } else if (sign === ')') {
      const list = stack.length > 1 ? stack.pop() : undefined;
      if (list !== undefined) put(list);
      at++;
    } else if (sign === '"') {
      let text = '';
      for (at++; buffer[at] !== 0x22; at++) {
        if (buffer[at] === 0x5c) at++;
        const next = buffer[at];
        if (next === undefined) return undefined;
        text += String.fromCharCode(next);
      }
      put(Buffer.from(text, 'latin1').toString('utf8'));
      at++;
    } else if (sign === '{') {
      const head = /^\{(\d{1,9})(\+?)\}\r\n/.exec(buffer.subarray(at, at + 20).toString('latin1'));
      if (head === null) return undefined;
      const start = at + head[0].length;
      const end = start + Number(head[1]);
      if (buffer.length < end) return { length: 0, asksFor: head[2] !== '+' };
      put(buffer.subarray(start, end).toString('utf8'));
      at = end;
    } else {
      let end = at;
      // Brackets hold spaces and parentheses: BODY.PEEK[HEADER.FIELDS (SUBJECT)].
      for (let depth = 0; ; end++) {
        const next = buffer[end];
        if (next === undefined) return undefined;
        const letter = String.fromCharCode(next);
        if (letter === '[') depth++;
        else if (letter === ']') depth--;
        else if (letter === '\r' || letter === '\n' || (depth <= 0 && ' ()'.includes(letter))) break;
      }
      put(buffer.subarray(at, end).toString('utf8'));
      at = end;
    }
  }
}
