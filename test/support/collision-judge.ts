/** What must hold of any conversation, whatever came when (behaviour §17): each message is answered once, or somebody was told why not. */
import type { InboundResult, RoomEvent, RoomKit, TurnRow } from '../../src/index.js';
import { gapless, messagesOf } from './harness.js';

/** Faults in what an agent made of a room's messages, in words; of a room that has come to rest. */
export async function answerFaults(kit: RoomKit, agentId: string, roomId = 'room'): Promise<string[]> {
  const events = messagesOf(await gapless(kit, roomId));
  const rows = (await kit.store.listTurns({ roomId })).filter(({ channelId }) => channelId === agentId);
  const replies = events.filter(({ source }) => source.channelId === agentId);
  const faults: string[] = [];
  for (const row of rows) {
    if (row.state === 'queued' || row.state === 'running') faults.push(`turn ${row.id} is ${row.state} for ever`);
    if (row.state === 'merged' && !joins(row, rows)) faults.push(`turn ${row.id} was merged into a turn that does not answer its message`);
  }
  for (const event of events) {
    const own = rows.filter((row) => row.triggerEventIds.includes(event.id));
    if (own.length === 0) continue; // the agent was not asked
    const final = own.filter(({ state }) => state !== 'merged');
    const [turn] = final;
    if (final.length !== 1 || turn === undefined) {
      faults.push(`${event.index} is answered by ${final.length} turns`);
      continue;
    }
    const answers = replies.filter((reply) => isWhole(reply) && answered(reply).includes(event.id)).length;
    const wanted = turn.state === 'committed' ? 1 : 0;
    if (answers !== wanted) faults.push(`${event.index} has ${answers} answers, and its turn is ${turn.state}`);
  }
  for (const reply of replies) {
    const questions = events.filter(({ id }) => answered(reply).includes(id));
    const readers = new Set(questions.map(({ responseVisibility }) => responseVisibility ?? 'all'));
    if (readers.size !== 1 || !readers.has(reply.visibility))
      faults.push(`reply ${reply.index} is seen by ${reply.visibility}, asked for ${[...readers].join()}`);
    const turn = rows.find(({ replyEventIds }) => replyEventIds?.includes(reply.id) === true);
    if (turn === undefined) faults.push(`reply ${reply.index} belongs to no turn`);
    else if (turn.triggerEventIds.join() !== answered(reply).join()) faults.push(`reply ${reply.index} does not say what it answers`);
  }
  return faults;
}

/** Faults in what those who spoke were told. */
export async function resultFaults(kit: RoomKit, agentId: string, results: readonly InboundResult[], roomId = 'room'): Promise<string[]> {
  const rows = await kit.store.listTurns({ roomId });
  return results.flatMap(({ event, turns }) => {
    const told = turns.filter(({ channelId, turnId }) => channelId === agentId && answersIt(rows, turnId, event));
    const [turn] = told;
    const row = rows.find(({ id }) => id === turn?.turnId);
    if (told.length !== 1 || turn === undefined || row === undefined) return [`${event?.index} was told of ${told.length} turns`];
    // What was merged is told so, and for the rest what the turn came to.
    if (turn.state !== row.state && turn.state !== 'merged') return [`${event?.index} was told ${turn.state}, its turn is ${row.state}`];
    if (turn.state === 'merged' && row.triggerEventIds.length < 2) return [`${event?.index} was told that it was merged with nothing`];
    return [];
  });
}

function answersIt(rows: readonly TurnRow[], turnId: string, event: RoomEvent | undefined): boolean {
  return event !== undefined && rows.some((row) => row.id === turnId && row.triggerEventIds.includes(event.id));
}

function joins(row: TurnRow, rows: readonly TurnRow[]): boolean {
  const into = rows.find(({ id }) => id === row.mergedInto);
  return into !== undefined && into.state !== 'merged' && row.triggerEventIds.every((id) => into.triggerEventIds.includes(id));
}

/** Which messages a reply answers. */
export function answered({ metadata, parentEventId }: RoomEvent): readonly unknown[] {
  const { answers } = metadata;
  return Array.isArray(answers) ? (answers as readonly unknown[]) : [parentEventId];
}

function isWhole({ metadata }: RoomEvent): boolean {
  return metadata['cancelled'] !== true && metadata['partial'] !== true;
}
