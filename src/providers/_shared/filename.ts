/** Names of files as strangers give them, made fit for a header, a folder and a person's eyes. */

const MAX_LENGTH = 120;

/** From a Content-Disposition header, or else the last part of an address. Undefined when neither names a file. */
export function filenameOf(disposition: string | undefined, url?: URL): string | undefined {
  const given = disposition === undefined ? lastPart(url) : (encodedName(disposition) ?? plainName(disposition));
  return given === undefined ? undefined : sanitizedFilename(given);
}

/**
 * Without folders, control characters, characters that turn the direction of writing, and leading dots; of a length that
 * every file system takes. Undefined when nothing is left.
 */
export function sanitizedFilename(name: string): string | undefined {
  const plain = (name.normalize('NFC').split(/[\\/]/).at(-1) ?? '')

    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff<>:"|?*;]/g, '')
    .replace(/\p{Surrogate}/gu, '')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  if (plain === '') return undefined;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(plain)?.[0] ?? '';
  const stem = [...plain.slice(0, plain.length - extension.length)].slice(0, MAX_LENGTH - extension.length).join('');
  return `${stem}${extension}`;
}

function encodedName(disposition: string): string | undefined {
  const value = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1];
  return value === undefined ? undefined : decoded(value);
}

function plainName(disposition: string): string | undefined {
  const [, quoted, bare] = /filename\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;\s]+))/i.exec(disposition) ?? [];
  return quoted?.replace(/\\(.)/g, '$1') ?? bare;
}

/** Only what looks like a file: ids and tokens in an address are no names. */
function lastPart(url: URL | undefined): string | undefined {
  const part = url?.pathname.split('/').at(-1);
  return part !== undefined && /^[^/]{1,100}\.[A-Za-z0-9]{1,5}$/.test(part) ? decoded(part) : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
