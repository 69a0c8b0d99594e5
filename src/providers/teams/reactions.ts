/**
 * Reactions by their names at Teams: the six old ones, and since 2025 others as `1f440_eyes`.
 * @see https://learn.microsoft.com/microsoftteams/platform/teams-sdk/in-depth-guides/message-reactions
 */

const EMOJI: Readonly<Record<string, string>> = {
  like: '👍',
  heart: '❤️',
  laugh: '😆',
  surprised: '😮',
  sad: '😢',
  angry: '😠',
  plusOne: '➕',
};

/** What a bot may send besides: the names have to be whole. */
const NAMED: Readonly<Record<string, string>> = { '👀': '1f440_eyes', '✅': '2705_whiteheavycheckmark', '📌': '1f4cc_pushpin' };

/** The emoji of a reaction; its name where it has none. */
export function emojiOf(type: string): string {
  if (Object.hasOwn(EMOJI, type)) return EMOJI[type] ?? type;
  const codes =
    /^((?:[0-9a-f]{2,6}-?){1,8})_/i
      .exec(type)?.[1]
      ?.split('-')
      .map((code) => Number.parseInt(code, 16)) ?? [];
  return codes.length > 0 && codes.every((code) => code > 0x1f && code <= 0x10ffff) ? String.fromCodePoint(...codes) : type;
}

/** The name of a reaction; undefined for an emoji that Teams' bots cannot send. */
export function reactionOf(emoji: string): string | undefined {
  const plain = (text: string): string => text.replaceAll('\ufe0f', '');
  const found = Object.entries(EMOJI).find(([name, shown]) => name === emoji || plain(shown) === plain(emoji));
  return found?.[0] ?? NAMED[plain(emoji)];
}
