/**
 * What baileys tells, in the words of the driver. Pure; whatever it is given, it does not throw (PV-06). All that is said stands in
 * `messages.upsert`: messages, edits, deletes and reactions, each with its sender. `messages.reaction`, and `messages.update` of an
 * edit or a delete, tell the same again, and while baileys gathers events not even that: they are not read.
 */
import { fieldsOf, listOf, numberOf, textOf, type Fields } from '../../_shared/http/reading.js';
import { isConversation, isGroup, withoutDevice } from '../addresses.js';
import type { WhatsAppClosedReason, WhatsAppKey, WhatsAppPresence, WhatsAppReceipt, WhatsAppSaid } from '../driver.js';
import { idOf, readContent, wholeOf } from './read-content.js';

/** A message, its people still as the wire names them. */
export interface ReadMessage {
  readonly key: WhatsAppKey;
  /** The chat and the sender under their other name, where the message tells it. */
  readonly chatAlt?: string;
  readonly from: string;
  readonly fromAlt?: string;
  readonly sentAt: number;
  readonly pushName?: string;
  readonly answers?: string;
  readonly said: WhatsAppSaid;
}

/** The messages of one `messages.upsert`, or why one is none. */
export function readUpsert(event: unknown, me: string | undefined): readonly (ReadMessage | { readonly ignored: string })[] {
  return listOf(fieldsOf(event)['messages']).map((message) => readMessage(fieldsOf(message), me));
}

function readMessage(message: Fields, me: string | undefined): ReadMessage | { readonly ignored: string } {
  const key = fieldsOf(message['key']);
  const id = idOf(key['id']);
  const chat = jidOf(key['remoteJid']);
  if (id === undefined || chat === undefined || !isConversation(chat)) return { ignored: 'no message of a chat' };
  const isFromMe = key['fromMe'] === true;
  const participant = jidOf(key['participant']) ?? jidOf(message['participant']);
  const from = isGroup(chat) ? participant : isFromMe ? me : chat;
  if (from === undefined) return { ignored: 'no sender' };
  const sentAt = wholeOf(message['messageTimestamp']);
  if (sentAt === undefined || sentAt > MAX_SECONDS) return { ignored: 'no time' };
  const content = readContent(message['message']);
  if (content === undefined) return { ignored: 'nothing that a room could show' };
  const [chatAlt, participantAlt] = [jidOf(key['remoteJidAlt']), jidOf(key['participantAlt'])];
  const fromAlt = isGroup(chat) ? participantAlt : isFromMe ? undefined : chatAlt;
  const pushName = textOf(message['pushName'])?.slice(0, MAX_NAME);
  return {
    key: { chat, id, isFromMe, ...(isGroup(chat) && participant !== undefined && { participant }) },
    ...(chatAlt !== undefined && { chatAlt }),
    from,
    ...(fromAlt !== undefined && { fromAlt }),
    sentAt: sentAt * 1000,
    ...(pushName !== undefined && { pushName }),
    ...content,
  };
}

/** Beyond the year 9999 nothing was sent. */
const MAX_SECONDS = 253_402_300_799;
const MAX_NAME = 255;

type ReadReceipt = Omit<WhatsAppReceipt, 'type'>;

/** By the numbers and names of `proto.WebMessageInfo.Status`; PLAYED is of voice notes. */
const STATUSES: Readonly<Record<string, WhatsAppReceipt['status']>> = {
  '0': 'failed',
  ERROR: 'failed',
  '2': 'sent',
  SERVER_ACK: 'sent',
  '3': 'delivered',
  DELIVERY_ACK: 'delivered',
  '4': 'read',
  READ: 'read',
  '5': 'read',
  PLAYED: 'read',
};

/** `messages.update`: what became of messages from here, in chats with one person. */
export function readUpdates(event: unknown): readonly ReadReceipt[] {
  return listOf(event).flatMap((one): readonly ReadReceipt[] => {
    const { key, update } = fieldsOf(one);
    const { status, messageTimestamp, messageStubParameters } = fieldsOf(update);
    const named = sentKey(fieldsOf(key));
    const known = typeof status === 'number' || typeof status === 'string' ? STATUSES[String(status)] : undefined;
    if (named === undefined || known === undefined) return [];
    const at = wholeOf(messageTimestamp);
    const errorCode = known === 'failed' ? textOf(listOf(messageStubParameters)[0])?.replace(/\W/g, '').slice(0, 32) : undefined;
    return [
      {
        ...named,
        status: known,
        ...((known === 'delivered' || known === 'read') && { from: named.chat }),
        ...(at !== undefined && at > 0 && at <= MAX_SECONDS && { at: at * 1000 }),
        ...(errorCode !== undefined && errorCode !== '' && { errorCode }),
      },
    ];
  });
}

/** `message-receipt.update`: the same in groups, of one member each. */
export function readReceipts(event: unknown): readonly ReadReceipt[] {
  return listOf(event).flatMap((one): readonly ReadReceipt[] => {
    const { key, receipt } = fieldsOf(one);
    const { userJid, readTimestamp, playedTimestamp, receiptTimestamp } = fieldsOf(receipt);
    const named = sentKey(fieldsOf(key));
    const from = jidOf(userJid);
    const read = wholeOf(readTimestamp) ?? wholeOf(playedTimestamp);
    const at = read ?? wholeOf(receiptTimestamp);
    if (named === undefined || from === undefined || at === undefined || at > MAX_SECONDS) return [];
    return [{ ...named, status: read === undefined ? 'delivered' : 'read', from, at: at * 1000 }];
  });
}

function sentKey(key: Fields): { readonly id: string; readonly chat: string } | undefined {
  const id = idOf(key['id']);
  const chat = jidOf(key['remoteJid']);
  return id === undefined || chat === undefined || key['fromMe'] !== true || !isConversation(chat) ? undefined : { id, chat };
}

const PRESENCES: readonly unknown[] = ['composing', 'recording', 'paused', 'available', 'unavailable'];
const MAX_PRESENCES = 100;

/** `presence.update`: who types in a chat. */
export function readPresences(event: unknown): readonly Omit<WhatsAppPresence, 'type'>[] {
  const { id, presences } = fieldsOf(event);
  const chat = jidOf(id);
  if (chat === undefined || !isConversation(chat)) return [];
  return Object.entries(fieldsOf(presences))
    .slice(0, MAX_PRESENCES)
    .flatMap(([jid, presence]) => {
      const from = jidOf(jid);
      const state = fieldsOf(presence)['lastKnownPresence'];
      return from === undefined || !PRESENCES.includes(state) ? [] : [{ chat, from, state: state as WhatsAppPresence['state'] }]; // one of the list
    });
}

const REASONS: Readonly<Record<number, WhatsAppClosedReason>> = {
  401: 'logged_out',
  402: 'banned',
  403: 'banned',
  405: 'outdated',
  406: 'banned',
  409: 'outdated',
  411: 'outdated',
  440: 'replaced',
  515: 'restart',
};

/** Why a connection has ended, of `lastDisconnect` in `connection.update`. */
export function readClosed(lastDisconnect: unknown): { readonly reason: WhatsAppClosedReason; readonly statusCode?: number } {
  const statusCode = statusOf(fieldsOf(lastDisconnect)['error']);
  return { reason: (statusCode === undefined ? undefined : REASONS[statusCode]) ?? 'lost', ...(statusCode !== undefined && { statusCode }) };
}

/** The number in an error of baileys, which are all Booms. */
export function statusOf(error: unknown): number | undefined {
  const { output, statusCode } = fieldsOf(error);
  return numberOf(fieldsOf(output)['statusCode']) ?? numberOf(statusCode);
}

/** An id of a person or group, without the device. */
function jidOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= 128 && /^[^\s@]+@[a-z.]+$/.test(value) ? withoutDevice(value) : undefined;
}
