/** The parts of a `multipart/form-data` body (RFC 7578), read from bytes a stranger may have sent. Pure; it does not throw. */

/** One field or file. */
export interface FormPart {
  readonly name: string;
  /** Of a file. */
  readonly filename: string | undefined;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

const MAX_PARTS = 200;
const MAX_HEAD_BYTES = 16_384;

/** Empty for what is no such body. A part that was cut off is left out. */
export function parseMultipart(body: Uint8Array, contentType: string): readonly FormPart[] {
  const boundary = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(contentType.slice(0, 1000));
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return [];
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`\r\n--${mark}`);
  const parts: FormPart[] = [];
  // The first delimiter may stand at the very beginning, without a line break before it.
  let at = buffer.subarray(0, mark.length + 2).equals(delimiter.subarray(2)) ? mark.length + 2 : after(buffer, delimiter, 0);
  while (at >= 0 && parts.length < MAX_PARTS) {
    if (buffer[at] !== 0x0d || buffer[at + 1] !== 0x0a) break; // two hyphens end it
    const end = buffer.indexOf(delimiter, at + 2);
    if (end < 0) break;
    const headLength = buffer.subarray(at, Math.min(end, at + MAX_HEAD_BYTES)).indexOf('\r\n\r\n');
    const part =
      headLength < 0 ? undefined : partOf(buffer.subarray(at + 2, at + headLength).toString('utf8'), buffer.subarray(at + headLength + 4, end));
    if (part !== undefined) parts.push(part);
    at = end + delimiter.length;
  }
  return parts;
}

function after(buffer: Buffer, delimiter: Buffer, from: number): number {
  const at = buffer.indexOf(delimiter, from);
  return at < 0 ? -1 : at + delimiter.length;
}

function partOf(head: string, content: Buffer): FormPart | undefined {
  const lines = head.split('\r\n');
  const valueOf = (name: string): string => lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1) ?? '';
  const disposition = valueOf('content-disposition');
  const name = parameter(disposition, 'name');
  if (name === undefined) return undefined;
  const filename = parameter(disposition, 'filename');
  const mimeType = valueOf('content-type').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return { name, filename, mimeType: mimeType === '' ? 'text/plain' : mimeType, bytes: new Uint8Array(content) };
}

function parameter(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]*))`, 'i').exec(disposition);
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2];
}

/** Bytes as text in the charset that is named, or in UTF-8 where nobody knows it. */
export function decoded(bytes: Uint8Array, charset: unknown): string {
  if (typeof charset === 'string' && charset.length <= 40) {
    try {
      return new TextDecoder(charset).decode(bytes);
    } catch {
      // a name that nobody knows
    }
  }
  return new TextDecoder().decode(bytes);
}
