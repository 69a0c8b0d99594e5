/** Images of a conversation on their way to a model. */

export interface InlineImage {
  readonly mimeType: string;
  /** Base64. */
  readonly data: string;
}

/** What a `data:` URL holds; undefined for any other, and for what is not base64. */
export function inlineImage(url: string): InlineImage | undefined {
  const match = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+=-]+)*;base64,([A-Za-z0-9+/]*={0,2})$/.exec(url);
  const [, mimeType, data] = match ?? [];
  return mimeType === undefined || data === undefined || data === '' ? undefined : { mimeType: mimeType.toLowerCase(), data };
}

/** Whether the vendor can fetch it by itself. */
export function isWebUrl(url: string): boolean {
  return /^https?:\/\//i.test(url);
}
