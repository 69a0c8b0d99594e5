/** A form with files, as vendors post mails that came in. */

/** A field or a file. */
export type FormField =
  readonly [name: string, value: string | Uint8Array] | readonly [name: string, value: Uint8Array, filename: string, mimeType: string];

/** The body, and the content type that names its boundary. */
export function formBody(fields: readonly FormField[], boundary = 'xYzZY'): { readonly body: Uint8Array; readonly contentType: string } {
  const chunks: Buffer[] = [];
  for (const [name, value, filename, mimeType] of fields) {
    const file = filename === undefined ? '' : `; filename="${filename.replace(/["\\]/g, '\\$&')}"`;
    const type = mimeType === undefined ? '' : `Content-Type: ${mimeType}\r\n`;
    chunks.push(
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${type}\r\n`),
      Buffer.from(value),
      Buffer.from('\r\n'),
    );
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return { body: new Uint8Array(Buffer.concat(chunks)), contentType: `multipart/form-data; boundary=${boundary}` };
}
