/** The page that VoiceMeUp puts around an MMS: no picture of anybody's. */
export function isMmsWrapper(url: string, mimeType = ''): boolean {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  return /\.mms\.html$/i.test(path) || (/^text\/html\b/i.test(mimeType) && /\.mms\./i.test(url));
}
