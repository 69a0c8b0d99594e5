/** What a source makes of what the other side sent (SRC-06). */
import { clientMetadata } from '../../../channels/wire/parse.js';
import type { InboundMessage } from '../../../core/models/delivery.js';

/** What the other side sent, as a source got it. */
export interface ReceivedMessage {
  /** A text; bytes where it is none: a binary frame, a payload that is no UTF-8. */
  readonly data: string | Uint8Array;
  /** The channel that the source brings messages to. */
  readonly channelId: string;
  /** Of a server-sent event: its name, empty where it has none. */
  readonly event?: string;
  /** Of a server-sent event: the last id that the server gave. */
  readonly id?: string;
  /** Of a message from NATS: its subject. */
  readonly subject?: string;
}

/** Makes a message of what came, or nothing: then it is ignored, and counted. What it throws is counted, too. */
export type SourceParser = (received: ReceivedMessage) => InboundMessage | null | undefined;

/** Names of server-sent events that carry messages. */
const EVENTS: readonly string[] = ['', 'message', 'msg', 'chat'];

/** `{ "sender_id": "ada", "text": "Hi", "external_id": "m-1", "metadata": {} }`; only the first is needed. */
export const defaultParser: SourceParser = ({ data, channelId, event = '' }) => {
  if (typeof data !== 'string' || !EVENTS.includes(event)) return null;
  try {
    const given: unknown = JSON.parse(data);
    return isFields(given) ? messageOf(given, channelId) : null;
  } catch {
    return null; // no JSON, or metadata that is none
  }
};

function messageOf(given: Readonly<Record<string, unknown>>, channelId: string): InboundMessage | null {
  const { sender_id: senderId, text = '', external_id: externalId, metadata = {} } = given;
  if (typeof senderId !== 'string' || senderId === '' || typeof text !== 'string') return null;
  if (externalId !== undefined && externalId !== null && (typeof externalId !== 'string' || externalId === '')) return null;
  return {
    channelId,
    senderId,
    content: text,
    metadata: clientMetadata(metadata ?? {}), // what only the kit says is left out
    ...(typeof externalId === 'string' && { externalId, idempotencyKey: externalId }),
  };
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
