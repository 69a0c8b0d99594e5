/** Names of a skill's files as a model may give them (SKL-07): one plain name, on every system. */

const MAX_NAME_BYTES = 255;
/** Separators, and signs that become one where names are normalised. */
const SEPARATORS = /[/\\\u2044\u2215\u2216\u29F5\u29F8\u29F9\uFE68\uFF0F\uFF3C]/u;
/** NUL and all that is not seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u;
/** What Windows reads as a drive, a stream or a pattern. */
const WINDOWS_SIGNS = /[<>:"|?*]/u;
/** Devices of Windows, whatever ending they are given. */
const DEVICES = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9\u00B9\u00B2\u00B3]|lpt[0-9\u00B9\u00B2\u00B3])(?:\s*\..*)?$/iu;

/** Why the name cannot be that of a file directly in a folder; undefined when it can. */
export function faultOfFileName(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (new TextEncoder().encode(name).length > MAX_NAME_BYTES) return 'is too long';
  if (UNSEEN.test(name)) return 'holds a sign that cannot be seen';
  if (name !== name.normalize('NFC')) return 'is not normalised (NFC)';
  if (SEPARATORS.test(name) || SEPARATORS.test(name.normalize('NFKC'))) return 'holds a separator';
  if (/^\.+$/u.test(name) || /^\.+$/u.test(name.normalize('NFKC'))) return 'names a folder';
  if (WINDOWS_SIGNS.test(name)) return 'holds one of < > : " | ? *';
  if (/^\s|[\s.]$/u.test(name)) return 'begins or ends with a blank, or ends with a dot';
  if (DEVICES.test(name)) return 'is a device';
  return undefined;
}
