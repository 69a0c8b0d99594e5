/** One readable line in the terminal for every event of the room, as it is committed. */
import type { RoomEvent, RoomKit } from 'roomkit';
import { knownName, ROOM_ID } from './cast.js';

export interface LineStyle {
  readonly colours: boolean;
  /** How wide the terminal is; undefined: what is said is never cut, as for a file. */
  readonly columns?: number | undefined;
}

/** Returns what stops it. `style` is asked for every line: a window changes its size. */
export function printLiveLines(kit: RoomKit, print: (line: string) => void, style: () => LineStyle): () => void {
  return kit.onCommitted((event) => {
    if (event.roomId === ROOM_ID) print(formatLine(event, style()));
  });
}

/** Index, time, who, what, and last what is special about it. */
export function formatLine(event: RoomEvent, { colours, columns }: LineStyle): string {
  const paint = (code: number, text: string): string => (colours && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  const head = `${String(event.index).padStart(4)}  ${timeOf(event)}  `;
  const space = columns === undefined ? Infinity : Math.max(20, columns - 1 - head.length);
  if (event.metadata['handoff'] === true) {
    const name = (key: string): string => nameOf(String(event.metadata[key]));
    const change = `── ${name('from_agent')} handed over to ${name('to_agent')}`;
    const reason = cut(` · ${plain(String(event.metadata['reason']))}`, space - widthOf(change));
    return paint(2, head) + paint(35, change) + paint(2, reason);
  }
  const isAgent = event.source.channelType === 'ai';
  // An answer stands below its cause.
  const who = cut(`${'  '.repeat(Math.min(event.chainDepth, 2))}${nameOf(event.source.channelId)}`, WHO).padEnd(WHO + 2);
  const note = noteOf(event);
  const words = cut(wordsOf(event), space - who.length - (note === '' ? 0 : widthOf(note) + 2));
  const isHidden = event.visibility !== 'all' || event.type !== 'message';
  return (
    paint(2, head) +
    paint(isHidden ? 2 : isAgent ? 35 : 1, who) +
    (isHidden ? paint(2, words) : words) +
    (note === '' ? '' : `  ${paint(event.status === 'blocked' ? 31 : 2, note)}`)
  );
}

const WHO = 10;

function noteOf(event: RoomEvent): string {
  if (event.status === 'blocked') return `✗ ${plain(event.blockedBy ?? 'blocked')}`;
  if (event.visibility === 'all') return '';
  return event.visibility === 'internal' || event.visibility === 'none' ? 'hidden' : `only ${event.visibility.split(',').map(nameOf).join(', ')}`;
}

function wordsOf({ content }: RoomEvent): string {
  return plain('body' in content && content.body !== undefined ? content.body : `[${content.type}]`);
}

function timeOf({ createdAt }: RoomEvent): string {
  return new Date(createdAt).toTimeString().slice(0, 8);
}

function nameOf(channelId: string): string {
  return knownName(channelId) ?? plain(channelId);
}

/** In one line, and without what a terminal would obey: a customer's words must not move the cursor or change the window. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

const graphemes = new Intl.Segmenter('en');

/** Cuts a text to so many columns, at a character and not within one. */
function cut(text: string, columns: number): string {
  if (text.length * 2 <= columns || widthOf(text) <= columns) return text;
  let kept = '';
  let left = columns - 1;
  for (const { segment } of graphemes.segment(text)) {
    left -= columnsOf(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += columnsOf(segment);
  return width;
}

/** Pictures and the letters of East Asia take two columns. */
function columnsOf(character: string): number {
  return /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
    character,
  )
    ? 2
    : 1;
}
