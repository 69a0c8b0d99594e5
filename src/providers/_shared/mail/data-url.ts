/** The bytes in a `data:` address (RFC 2397). */
export interface DataUrl {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** Undefined for what is none, or is broken. */
export function parseDataUrl(url: string): DataUrl | undefined {
  const comma = url.indexOf(',');
  const head = /^data:([^,;]*)((?:;[^,;]*)*)$/i.exec(comma < 0 || comma > 1000 ? '' : url.slice(0, comma));
  if (head === null) return undefined;
  const mimeType = head[1] === undefined || head[1] === '' ? 'text/plain' : head[1].toLowerCase();
  const data = url.slice(comma + 1);
  if (/;base64$/i.test(head[2] ?? '')) return { mimeType, bytes: new Uint8Array(Buffer.from(data, 'base64')) };
  try {
    return { mimeType, bytes: new TextEncoder().encode(decodeURIComponent(data)) };
  } catch {
    return undefined;
  }
}

/** Bytes as a `data:` address. */
export function dataUrlOf(mimeType: string, bytes: Uint8Array): string {
  return `data:${mimeType};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`;
}
