/**
 * Buttons and suggested answers as Telegram's keyboards. A message has one keyboard: buttons are put below it, where a tap comes
 * back as a callback query; suggested answers alone take the place of the letters, where a tap writes the label.
 * @see https://core.telegram.org/bots/api#inlinekeyboardmarkup
 */
import type { Button, QuickReply, RichContent } from '../../core/models/content.js';

/** The keyboard of a message, and what of the buttons it cannot show. */
export interface Keyboard {
  readonly markup: Readonly<Record<string, unknown>> | undefined;
  /** Lines for the text. */
  readonly lines: readonly string[];
}

/** Telegram takes no more with a button. */
export const MAX_DATA_BYTES = 64;

/** Between the id of a button and its value: stands in no text. */
export const SEPARATOR = '\u001f';

/** `isPrivate`: only there people can be asked where they are. */
export function keyboardOf({ buttons = [], quickReplies = [] }: Pick<RichContent, 'buttons' | 'quickReplies'>, isPrivate: boolean): Keyboard {
  const lines = buttons.flatMap((button) => (isShown(button, isPrivate) ? [] : [lineOf(button)]));
  const shown = buttons.filter((button) => isShown(button, isPrivate));
  const asksForPlace = shown.some(({ kind }) => kind === 'location_request');
  // Only the letters' place has a button that asks for one's place; links are taps that only buttons below can have.
  if (asksForPlace && !shown.some(({ kind }) => kind === 'url'))
    return { markup: lettersOf([...shown.map(keyOf), ...quickReplies.map(replyKeyOf)]), lines };
  const below = shown.filter(({ kind }) => kind !== 'location_request');
  if (below.length === 0) return { markup: quickReplies.length === 0 ? undefined : lettersOf(quickReplies.map(replyKeyOf)), lines };
  const rows = [...below.map(inlineOf), ...quickReplies.map((reply) => callbackOf(partsOf(reply)))];
  const left = shown.filter(({ kind }) => kind === 'location_request').map(lineOf);
  return { markup: { inline_keyboard: rows.map((button) => [button]) }, lines: [...lines, ...left] };
}

/** A link to call with is refused by Telegram, so a number stands in the text, where people can tap it all the same. */
function isShown({ kind, url }: Button, isPrivate: boolean): boolean {
  if (kind === 'call') return false;
  if (kind === 'url') return url !== undefined && URL.canParse(url);
  return kind === 'reply' || isPrivate;
}

function lineOf({ label, phone, url }: Button): string {
  const target = phone ?? url;
  return target === undefined ? label : `${label}: ${target}`;
}

function inlineOf(button: Button): Record<string, string> {
  return button.kind === 'url' && button.url !== undefined ? { text: button.label, url: button.url } : callbackOf(button);
}

function callbackOf({ id, label, value }: { readonly id: string; readonly label: string; readonly value?: string }): Record<string, string> {
  return { text: label, callback_data: dataOf(id, value) };
}

/** The id and, where there is room for it, the value; what is too long is cut, and found again by the message it was under. */
function dataOf(id: string, value: string | undefined): string {
  const whole = value === undefined ? id : `${id}${SEPARATOR}${value}`;
  return fits(whole) ? whole : cutBytes(id);
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_DATA_BYTES;
}

function cutBytes(text: string): string {
  let cut = '';
  for (const letter of text) {
    if (!fits(cut + letter)) return cut;
    cut += letter;
  }
  return cut;
}

function lettersOf(keys: readonly Record<string, unknown>[]): Record<string, unknown> {
  return { keyboard: keys.map((key) => [key]), one_time_keyboard: true, resize_keyboard: true };
}

function keyOf({ kind, label }: Button): Record<string, unknown> {
  return kind === 'location_request' ? { text: label, request_location: true } : { text: label };
}

function replyKeyOf(reply: QuickReply): Record<string, unknown> {
  return { text: partsOf(reply).label };
}

function partsOf(reply: QuickReply): { readonly id: string; readonly label: string; readonly value?: string } {
  return typeof reply === 'string' ? { id: reply, label: reply } : reply;
}
