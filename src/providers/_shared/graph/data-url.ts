/** Bytes that stand in a `data:` url. */

/** The bytes and their kind; undefined for anything else. */
export function dataUrlBytes(url: string): { readonly bytes: Uint8Array<ArrayBuffer>; readonly mimeType: string } | undefined {
  const match = /^data:([^,]*),/is.exec(url);
  if (match === null) return undefined;
  const [whole, head = ''] = match;
  const body = url.slice(whole.length);
  const isBase64 = /;\s*base64\s*$/i.test(head);
  const mimeType = head.replace(/;\s*base64\s*$/i, '').trim();
  try {
    const bytes = isBase64 ? Buffer.from(body, 'base64') : Buffer.from(decodeURIComponent(body), 'utf8');
    return { bytes: new Uint8Array(bytes), mimeType: mimeType === '' ? 'text/plain' : mimeType };
  } catch {
    return undefined; // a broken % sequence
  }
}
