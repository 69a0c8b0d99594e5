/** `roomkit outbox`: deliveries as they wait or have failed, tried again or given up. */
import { extractText, OutboxState, type ConversationStore, type OutboxRow } from 'roomkit';
import { CannotRun, complain, say } from '../say.js';
import type { Operation } from './commands.js';
import { storeOf, withKit, withStore } from './databases.js';
import { tableOf, terminalStyle } from './table.js';
import { valuesOf } from './values.js';

const NOT_DONE: readonly OutboxState[] = ['queued', 'sending', 'unknown', 'failed'];

export async function outboxList(operation: Operation): Promise<void> {
  const { options, limit } = operation;
  const state = valuesOf('--state', options.state, Object.values(OutboxState)) ?? NOT_DONE;
  const [rows, words] = await withStore(storeOf(operation), async (store) => {
    const found = await ofOrganization(
      store,
      await store.listRows({ ...placeOf(options), state, ...(options.organization === undefined && { limit }) }),
      options.organization,
      limit,
    );
    return [found, options.content === true ? await wordsOf(store, found) : new Map<string, string>()] as const;
  });
  if (options.json === true) {
    say(
      JSON.stringify(
        rows.map((row) => described(row, options.content === true, words)),
        null,
        2,
      ),
    );
    return;
  }
  if (rows.length === 0) {
    say(`No deliveries are ${state.join(' or ')}.`);
    return;
  }
  const headings = ['ID', 'STATE', 'ROOM', 'INDEX', 'CHANNEL', 'TRIES', 'SINCE', 'NEXT', 'ERROR'];
  const cells = rows.map((row) => [
    row.id,
    row.state,
    row.roomId,
    row.eventIndex,
    row.channelId,
    row.attempts,
    row.createdAt,
    row.nextAttemptAt ?? '',
    options.content === true ? (row.lastError?.message ?? '') : (row.lastError?.code ?? ''),
    words.get(row.id) ?? '',
  ]);
  say(tableOf(options.content === true ? [...headings, 'WORDS'] : headings, cells, terminalStyle()));
  if (rows.length === limit) say(`The first ${limit}; --limit shows more.`);
}

export function outboxRetry(operation: Operation): Promise<void> {
  return change(operation, 'put back', 'It has to be failed, expired, cancelled or unknown', (kit, id) => kit.redeliver(id));
}

export function outboxCancel(operation: Operation): Promise<void> {
  return change(operation, 'given up', 'It has to be queued or unknown', (kit, id) => kit.cancelDelivery(id));
}

async function change(
  operation: Operation,
  done: string,
  hint: string,
  run: (kit: Parameters<Parameters<typeof withKit>[1]>[0], id: string) => Promise<boolean>,
): Promise<void> {
  const results = await withKit(storeOf(operation), async (kit) => {
    const all: { id: string; isDone: boolean; state: OutboxState | null }[] = [];
    for (const id of operation.arguments) {
      const isDone = await run(kit, id);
      all.push({ id, isDone, state: (await kit.getDelivery(id))?.state ?? null });
    }
    return all;
  });
  if (operation.options.json === true) say(JSON.stringify(results, null, 2));
  for (const { id, isDone, state } of results) {
    if (isDone) {
      if (operation.options.json !== true) say(`${id} is ${done}.`);
    } else complain(state === null ? `There is no delivery '${id}'; 'roomkit outbox list' shows them.` : `${id} is ${state}. ${hint}.`);
  }
  const failed = results.filter(({ isDone }) => !isDone).length;
  if (failed > 0) throw new CannotRun(`${failed} of ${results.length} could not be ${done}.`);
}

function placeOf({ room, channel }: Operation['options']): { roomId?: string; channelId?: string } {
  return { ...(typeof room === 'string' && { roomId: room }), ...(typeof channel === 'string' && { channelId: channel }) };
}

/** A row knows no organization: its room does. */
async function ofOrganization(
  store: ConversationStore,
  rows: readonly OutboxRow[],
  organization: string | boolean | undefined,
  limit: number,
): Promise<readonly OutboxRow[]> {
  if (organization === undefined) return rows;
  const own: OutboxRow[] = [];
  const known = new Map<string, boolean>();
  for (const row of rows) {
    let isOwn = known.get(row.roomId);
    if (isOwn === undefined) known.set(row.roomId, (isOwn = (await store.getRoom(row.roomId))?.organizationId === organization));
    if (isOwn) own.push(row);
    if (own.length === limit) break;
  }
  return own;
}

async function wordsOf(store: ConversationStore, rows: readonly OutboxRow[]): Promise<Map<string, string>> {
  const words = new Map<string, string>();
  for (const { id, roomId, eventId } of rows) {
    const event = await store.getEvent(roomId, eventId);
    if (event !== null) words.set(id, extractText(event.content));
  }
  return words;
}

/** What a vendor says of a failure may repeat what was sent, so it is content too. */
function described(row: OutboxRow, withContent: boolean, words: ReadonlyMap<string, string>): object {
  const { lastError, ...rest } = row;
  const { message, ...error } = lastError ?? { message: '' };
  if (!withContent) return { ...rest, ...(lastError !== undefined && { lastError: error }) };
  return { ...rest, ...(lastError !== undefined && { lastError: { ...error, message } }), words: words.get(row.id) ?? '' };
}
