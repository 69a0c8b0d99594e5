/**
 * Whether what the world outside has seen agrees with what is promised (OUT-14): committed exactly once, delivered at least once
 * and by an idempotent vendor exactly once, in order per room and channel. It reads no table of the kit. Contradictions are
 * sentences that name the room and the message.
 */
import type { Ledger, Page, Said, Taken } from './ledger.js';
import { answerTo, customerOf } from './protocol.js';

export function judge({ said, taken, pages, givenUp }: Ledger): readonly string[] {
  const found: string[] = [];
  for (const { key, roomId, acceptedAt, tries } of said)
    if (acceptedAt === undefined) found.push(`${roomId}: ${key} was sent ${tries} times and never accepted.`);
  const rooms = new Map<string, Room>();
  const roomOf = (roomId: string): Room => {
    const known = rooms.get(roomId) ?? { roomId, said: [], taken: [], pages: [] };
    rooms.set(roomId, known);
    return known;
  };
  for (const one of said) roomOf(one.roomId).said.push(one);
  for (const one of taken) roomOf(one.roomId).taken.push(one);
  for (const one of pages) roomOf(one.roomId).pages.push(one);
  for (const room of rooms.values()) found.push(...judgeRoom(room, givenUp));
  return found;
}

interface Room {
  readonly roomId: string;
  readonly said: Said[];
  readonly taken: Taken[];
  readonly pages: Page[];
}

function judgeRoom(room: Room, givenUp: ReadonlySet<string>): string[] {
  const { roomId, said, taken, pages } = room;
  const answered = said.filter(({ key }) => !givenUp.has(key)).map(({ key }) => answerTo(key));
  const found: string[] = [];

  // What pages show: everything once, in the order of its index, and the same to all.
  for (const page of pages) {
    const who = `${roomId}: the page of ${page.participantId}`;
    for (const [at, { index, text }] of page.shown.entries()) {
      const before = page.shown[at - 1];
      if (before !== undefined && before.index >= index) found.push(`${who} showed ${text} (${index}) behind ${before.text} (${before.index}).`);
    }
    found.push(...compare(who, 'show', [...said.map(({ key }) => key), ...answered], texts(page.shown)));
  }
  const [first, ...others] = pages;
  for (const other of others) {
    const at = other.shown.findIndex(
      ({ eventId, index }, position) => first?.shown[position]?.eventId !== eventId || first.shown[position].index !== index,
    );
    if (at !== -1)
      found.push(
        `${roomId}: at position ${at} the page of ${other.participantId} shows another event than that of ${first?.participantId ?? 'nobody'}.`,
      );
  }

  // What the vendor was given: what others say, once each, to the right person.
  const due = [...said.filter(({ over }) => over === 'socket').map(({ key }) => key), ...answered];
  found.push(...compare(`${roomId}: the vendor`, 'get', due, texts(taken)));
  for (const { text, recipientId } of taken) if (recipientId !== customerOf(roomId)) found.push(`${roomId}: ${text} went to ${recipientId}.`);

  // Order: of each person's words, of the answers to them, and of what the vendor was given.
  if (first === undefined) return found;
  const indexes = new Map(first.shown.map(({ text, index }) => [text, index]));
  for (const [sender, own] of bySender(said))
    found.push(
      ...inOrder(
        `${roomId}: what ${sender} said`,
        own.map(({ key }) => key),
        indexes,
      ),
    );
  const asked = said.filter(({ key }) => indexes.has(key)).sort((one, other) => (indexes.get(one.key) ?? 0) - (indexes.get(other.key) ?? 0));
  found.push(
    ...inOrder(
      `${roomId}: the answers`,
      asked.map(({ key }) => answerTo(key)),
      indexes,
    ),
  );
  for (const { key } of asked)
    if ((indexes.get(answerTo(key)) ?? Infinity) < (indexes.get(key) ?? 0)) found.push(`${roomId}: ${key} was answered before it was said.`);
  found.push(...inOrder(`${roomId}: what the vendor got`, texts(taken), indexes));
  return found;
}

/** Everything once, and nothing else. */
function compare(who: string, verb: 'show' | 'get', expected: readonly string[], given: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of given) counts.set(text, (counts.get(text) ?? 0) + 1);
  const found: string[] = [];
  for (const text of expected) {
    const times = counts.get(text) ?? 0;
    if (times === 0) found.push(`${who} did not ${verb} '${text}'.`);
    if (times > 1) found.push(`${who} ${verb === 'show' ? 'showed' : 'got'} '${text}' ${times} times.`);
    counts.delete(text);
  }
  for (const text of counts.keys()) found.push(`${who} ${verb === 'show' ? 'showed' : 'got'} '${text}', which nobody was to say.`);
  return found;
}

function inOrder(what: string, sequence: readonly string[], indexes: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  let last: { readonly text: string; readonly index: number } | undefined;
  for (const text of sequence) {
    const index = indexes.get(text);
    if (index === undefined) continue; // that it is missing is told elsewhere
    if (last !== undefined && index < last.index) found.push(`${what} is out of order: '${text}' (${index}) behind '${last.text}' (${last.index}).`);
    last = { text, index };
  }
  return found;
}

function texts(all: readonly { readonly text: string }[]): string[] {
  return all.map(({ text }) => text);
}

function bySender(said: readonly Said[]): Map<string, Said[]> {
  const all = new Map<string, Said[]>();
  for (const one of said) all.set(one.sender, [...(all.get(one.sender) ?? []), one]);
  return all;
}
