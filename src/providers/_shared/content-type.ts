/** What bytes are, by how they begin, and whether that is what somebody said they are (PV-14). */

/** As many bytes as the longest look needs. */
export const SNIFF_BYTES = 512;

const UNKNOWN = 'application/octet-stream';

/**
 * The type to go by: what was declared, unless the bytes say it better. Undefined when what comes is something else than was
 * said: a page in place of a picture, a program in place of a voice message.
 */
export function settledType(declared: string | undefined, head: Uint8Array): string | undefined {
  const said = bareType(declared);
  const seen = sniffed(head);
  if (said === undefined || said === UNKNOWN || said === 'binary/octet-stream') return seen ?? UNKNOWN;
  if (seen === undefined) return HAS_SIGNATURE.has(said) ? undefined : said;
  if (seen === said || isAlike(said, seen)) return said;
  const isMarkup = seen === 'text/html' || seen === 'image/svg+xml' || seen === 'text/xml';
  // Text that looks like a page is still the text it was called; what is shown to people is never taken from it.
  if (isMarkup) return isPresented(said) ? undefined : said;
  if (familyOf(said) === familyOf(seen)) return seen;
  return isPresented(said) ? undefined : seen;
}

/** Whether what came can stand for what the message said it is; the message may know no more than that it is a file. */
export function isSameKind(expected: string | undefined, actual: string): boolean {
  const said = bareType(expected);
  if (said === undefined || !isPresented(said)) return true;
  return familyOf(said) === familyOf(actual) || isAlike(said, actual) || actual === UNKNOWN;
}

/** `image/PNG; charset=x` is `image/png`; what is no media type is none. */
export function bareType(type: string | undefined): string | undefined {
  const bare = type?.split(';')[0]?.trim().toLowerCase();
  return bare !== undefined && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(bare) ? bare : undefined;
}

/** Types that people are shown or played. */
function isPresented(type: string): boolean {
  return /^(image|audio|video)\//.test(type) || type === 'application/pdf';
}

/** Sound and film share their containers. */
function familyOf(type: string): string {
  const family = type.split('/')[0] ?? '';
  return family === 'audio' || family === 'video' ? 'sound and film' : family === 'application' ? type : family;
}

/** Other names of what the bytes say, and what is packed in such a container. */
function isAlike(said: string, seen: string): boolean {
  switch (seen) {
    case 'application/zip':
      return /^application\/(.*zip.*|vnd\.(openxmlformats-officedocument|oasis\.opendocument|android|apple)\..*|epub\+zip|java-archive)$/.test(said);
    case 'application/gzip':
      return /^application\/(x-)?(gzip|tar|gtar|compressed.*)$/.test(said);
    case 'application/vnd.ms-office':
      return /^application\/(msword|vnd\.ms-.*|x-ole-storage|vnd\.visio)$/.test(said);
    case 'application/ogg':
    case 'audio/ogg':
      return /^(audio|video|application)\/(x-)?(ogg|opus|vorbis|speex)/.test(said);
    case 'text/html':
      return said === 'application/xhtml+xml';
    case 'text/xml':
      return said.endsWith('/xml') || said.endsWith('+xml');
    default:
      return false;
  }
}

/** Of these, every file begins in the way that `sniffed` knows: one that does not is none. */
const HAS_SIGNATURE = new Set([
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
  'image/bmp',
  'image/tiff',
  'image/heic',
  'image/avif',
  'application/pdf',
  'application/zip',
  'application/gzip',
  'audio/ogg',
  'audio/wav',
  'audio/amr',
  'video/webm',
  'video/x-msvideo',
]);

function sniffed(head: Uint8Array): string | undefined {
  const text = latin(head);
  for (const [start, type] of STARTS) if (text.startsWith(start)) return type;
  if (text.startsWith('RIFF')) return RIFF[text.slice(8, 12)];
  if (text.startsWith('FORM') && /^AIF[FC]$/.test(text.slice(8, 12))) return 'audio/aiff';
  if (text.slice(4, 8) === 'ftyp') return isoType(text.slice(8, 12));
  // Frames of MPEG audio and of AAC begin with eleven or twelve set bits; four in a row say nothing of the kind in UTF-16.
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0) return 'audio/aac';
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xe0) === 0xe0 && ((head[1] ?? 0) & 0x06) !== 0 && head[1] !== 0xfe && head[1] !== 0xff)
    return 'audio/mpeg';
  return markup(text);
}

const STARTS: readonly (readonly [string, string])[] = [
  ['\xff\xd8\xff', 'image/jpeg'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['BM', 'image/bmp'],
  ['II*\0', 'image/tiff'],
  ['MM\0*', 'image/tiff'],
  ['%PDF-', 'application/pdf'],
  ['PK\x03\x04', 'application/zip'],
  ['PK\x05\x06', 'application/zip'],
  ['\x1f\x8b', 'application/gzip'],
  ['7z\xbc\xaf\x27\x1c', 'application/x-7z-compressed'],
  ['Rar!\x1a\x07', 'application/vnd.rar'],
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'application/vnd.ms-office'],
  ['OggS', 'audio/ogg'],
  ['ID3', 'audio/mpeg'],
  ['fLaC', 'audio/flac'],
  ['#!AMR', 'audio/amr'],
  ['MThd', 'audio/midi'],
  ['.snd', 'audio/basic'],
  ['caff', 'audio/x-caf'],
  ['\x1aE\xdf\xa3', 'video/webm'],
  ['\0\0\x01\xba', 'video/mpeg'],
  ['\0\0\x01\xb3', 'video/mpeg'],
  ['FLV\x01', 'video/x-flv'],
  ['\x7fELF', 'application/x-executable'],
  ['MZ', 'application/vnd.microsoft.portable-executable'],
  ['\xca\xfe\xba\xbe', 'application/x-executable'],
  ['\xcf\xfa\xed\xfe', 'application/x-executable'],
];

const RIFF: Readonly<Record<string, string>> = { WAVE: 'audio/wav', WEBP: 'image/webp', 'AVI ': 'video/x-msvideo' };

function isoType(brand: string): string {
  if (/^(heic|heix|heim|heis|hevc|mif1|msf1)$/.test(brand)) return 'image/heic';
  if (/^(avif|avis)$/.test(brand)) return 'image/avif';
  if (/^M4[ABP] $/.test(brand)) return 'audio/mp4';
  if (brand.startsWith('3g')) return 'video/3gpp';
  return brand === 'qt  ' ? 'video/quicktime' : 'video/mp4';
}

/** What a browser would run, if it took it for a page. */
function markup(text: string): string | undefined {
  const start = text
    .replace(/^\xef\xbb\xbf/, '')
    .replace(/^(\s|<!--.*?-->)+/s, '')
    .toLowerCase();
  if (/^<(!doctype html|html|head|body|script|iframe|meta|title|style|table|div|h1|a |b>|p>|br)/.test(start)) return 'text/html';
  if (/^(<\?xml.*?\?>\s*)?(<!doctype svg.*?>\s*)?<svg[\s>]/s.test(start)) return 'image/svg+xml';
  return start.startsWith('<?xml') ? 'text/xml' : undefined;
}

function latin(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length && at < SNIFF_BYTES; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}
