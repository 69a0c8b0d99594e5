/**
 * What an update says. Pure; whatever it is given, it does not throw (PV-06).
 * @see https://core.telegram.org/bots/api#update
 */
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import type { InboundMessage } from '../../core/models/delivery.js';
import { fieldsOf, isFields, listOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';
import { contentOf } from './inbound.js';
import { SEPARATOR } from './keyboard.js';

/** What a parser has to know of the bot. */
export interface TelegramUpdateOptions {
  /** The bot's own number: who answers the bot means it. */
  readonly botId?: number;
  /** The bot's name without `@`. */
  readonly username?: string;
  /** Read what is posted in channels, too. Default false. */
  readonly takesChannelPosts?: boolean;
}

/** The messages of one update, as Telegram posts it to a webhook or lists it for `getUpdates`. */
export function parseTelegramUpdate(payload: unknown, options: TelegramUpdateOptions = {}): readonly WebhookMeta[] {
  const update = fieldsOf(payload);
  const id = numberOf(update['update_id']);
  if (id === undefined) return [ignored('no update_id')];
  const posts = options.takesChannelPosts === true;
  if (isFields(update['message'])) return [messageOf(update['message'], update, options)];
  if (isFields(update['edited_message'])) return [editOf(update['edited_message'], update, id, options)];
  if (isFields(update['callback_query'])) return [tapOf(update['callback_query'], update)];
  if (isFields(update['message_reaction'])) return reactionsOf(update['message_reaction'], update, id);
  if (posts && isFields(update['channel_post'])) return [messageOf(update['channel_post'], update, options)];
  if (posts && isFields(update['edited_channel_post'])) return [editOf(update['edited_channel_post'], update, id, options)];
  return [ignored('not a kind of update that is read')];
}

function ignored(reason: string): WebhookMeta {
  return { type: 'ignored', reason };
}

/** Names a message of a chat; Telegram counts messages per chat. */
export function messageKey(chatId: string, messageId: string): string {
  return `${chatId}:${messageId}`;
}

function messageOf(message: Fields, update: Fields, options: TelegramUpdateOptions): WebhookMeta {
  const place = placeOf(message);
  if (place === undefined) return ignored('no chat, no message_id or no sender');
  const { chatId, messageId, senderId } = place;
  const movedTo = textOf(message['migrate_to_chat_id']);
  if (movedTo !== undefined) return { type: 'ignored', reason: 'the group became a supergroup', data: { moved_from: chatId, moved_to: movedTo } };
  const said = contentOf(message);
  if (said === undefined) return ignored('nothing that a room could show');
  const key = messageKey(chatId, messageId);
  const topic = message['is_topic_message'] === true ? textOf(message['message_thread_id']) : undefined;
  const quoted = textOf(fieldsOf(message['reply_to_message'])['message_id']);
  return {
    type: 'message',
    message: {
      senderId,
      content: said.content,
      externalId: key,
      providerMessageId: key,
      idempotencyKey: key,
      ...(topic !== undefined && { threadId: topic }),
      // In a topic, what answers nothing else is said to answer the message that opened it.
      ...(quoted !== undefined && quoted !== topic && { repliesTo: [messageKey(chatId, quoted)] }),
      rawPayload: { ...update },
      metadata: { ...metadataOf(message, place, options), ...said.metadata },
    },
  };
}

function editOf(message: Fields, update: Fields, updateId: number, options: TelegramUpdateOptions): WebhookMeta {
  const place = placeOf(message);
  if (place === undefined) return ignored('no chat, no message_id or no sender');
  const said = contentOf(message);
  if (said === undefined) return ignored('nothing that a room could show');
  // A place that moves tells itself anew every few seconds.
  if (numberOf(fieldsOf(message['location'])['live_period']) !== undefined) return ignored('a live location moved');
  const target = messageKey(place.chatId, place.messageId);
  const key = `edit:${target}:${updateId}`;
  return {
    type: 'message',
    message: {
      senderId: place.senderId,
      content: { type: 'edit', targetEventId: target, newContent: said.content },
      externalId: key,
      idempotencyKey: key,
      rawPayload: { ...update },
      metadata: { ...metadataOf(message, place, options), ...said.metadata, target_external_id: target },
    },
  };
}

/** A tap on a button below a message: its label, and what it stands for (§3.1). */
function tapOf(query: Fields, update: Fields): WebhookMeta {
  const queryId = textOf(query['id']);
  const sender = fieldsOf(query['from']);
  const senderId = textOf(sender['id']);
  if (queryId === undefined || senderId === undefined) return ignored('no id or no sender');
  const message = fieldsOf(query['message']);
  const chatId = textOf(fieldsOf(message['chat'])['id']);
  const messageId = textOf(message['message_id']);
  const data = textOf(query['data']);
  const toAnswer = { callback_query_id: queryId };
  if (chatId === undefined || messageId === undefined || data === undefined)
    return { type: 'ignored', reason: 'a tap on no message of a chat', data: toAnswer };
  const [id = data, value] = data.split(SEPARATOR);
  const key = `cb:${queryId}`;
  return {
    type: 'message',
    message: {
      senderId,
      content: { type: 'text', body: labelOf(message, data) ?? id },
      externalId: key,
      providerMessageId: key,
      idempotencyKey: key,
      rawPayload: { ...update },
      metadata: {
        ...chatMetadata(fieldsOf(message['chat']), chatId),
        ...personMetadata(sender),
        ...toAnswer,
        callback_data: data,
        target_external_id: messageKey(chatId, messageId),
        action: { id, ...(value !== undefined && { value }), kind: 'reply' },
      },
    },
  };
}

function labelOf(message: Fields, data: string): string | undefined {
  const rows = listOf(fieldsOf(message['reply_markup'])['inline_keyboard']);
  const buttons = rows.flatMap((row) => listOf(row).map(fieldsOf));
  return textOf(buttons.find((button) => button['callback_data'] === data)?.['text']);
}

/** What was added and what was taken back, one by one. */
function reactionsOf(reaction: Fields, update: Fields, updateId: number): readonly WebhookMeta[] {
  const chat = fieldsOf(reaction['chat']);
  const chatId = textOf(chat['id']);
  const messageId = textOf(reaction['message_id']);
  const person = fieldsOf(reaction['user']);
  const senderId = textOf(person['id']) ?? textOf(fieldsOf(reaction['actor_chat'])['id']);
  if (chatId === undefined || messageId === undefined || senderId === undefined) return [ignored('no chat, no message_id or no sender')];
  const before = emojiIn(reaction['old_reaction']);
  const after = emojiIn(reaction['new_reaction']);
  const changes = [
    ...after.filter((emoji) => !before.includes(emoji)).map((emoji) => ({ emoji, action: 'add' })),
    ...before.filter((emoji) => !after.includes(emoji)).map((emoji) => ({ emoji, action: 'remove' })),
  ];
  if (changes.length === 0) return [ignored('no reaction that has a letter')];
  return changes.map(({ emoji, action }, index): WebhookMeta => {
    const message: Omit<InboundMessage, 'channelId'> = {
      senderId,
      content: { type: 'text', body: emoji },
      eventType: 'reaction',
      externalId: `reaction:${messageKey(chatId, messageId)}:${updateId}:${index}`,
      providerMessageId: `reaction:${messageKey(chatId, messageId)}:${updateId}:${index}`,
      idempotencyKey: `reaction:${messageKey(chatId, messageId)}:${updateId}:${index}`,
      rawPayload: { ...update },
      metadata: { ...chatMetadata(chat, chatId), ...personMetadata(person), emoji, action, target_external_id: messageKey(chatId, messageId) },
    };
    return { type: 'message', message };
  });
}

const MAX_REACTIONS = 20;

function emojiIn(list: unknown): readonly string[] {
  return listOf(list)
    .slice(0, MAX_REACTIONS)
    .flatMap((entry) => {
      const emoji = textOf(fieldsOf(entry)['emoji']);
      return emoji === undefined ? [] : [emoji];
    });
}

interface Place {
  readonly chat: Fields;
  readonly chatId: string;
  readonly messageId: string;
  readonly senderId: string;
  readonly sender: Fields;
}

/** Whoever writes for a chat (an administrator without a name, a channel) is that chat. */
function placeOf(message: Fields): Place | undefined {
  const chat = fieldsOf(message['chat']);
  const chatId = textOf(chat['id']);
  const messageId = textOf(message['message_id']);
  const sender = fieldsOf(message['from']);
  const senderId = textOf(fieldsOf(message['sender_chat'])['id']) ?? textOf(sender['id']) ?? (chat['type'] === 'channel' ? chatId : undefined);
  return chatId === undefined || messageId === undefined || senderId === undefined ? undefined : { chat, chatId, messageId, senderId, sender };
}

function metadataOf(message: Fields, { chat, chatId, sender }: Place, options: TelegramUpdateOptions): Record<string, unknown> {
  const date = numberOf(message['date']);
  const answered = textOf(fieldsOf(message['reply_to_message'])['message_id']);
  const album = textOf(message['media_group_id']);
  const topic = textOf(message['message_thread_id']);
  return {
    ...chatMetadata(chat, chatId),
    ...personMetadata(sender),
    ...(date !== undefined && { date }),
    ...(answered !== undefined && { reply_to_message_id: answered }),
    ...(album !== undefined && { media_group_id: album }),
    ...(topic !== undefined && { message_thread_id: topic }),
    bot_mentioned: chat['type'] === 'private' || meansBot(message, options),
  };
}

function chatMetadata(chat: Fields, chatId: string): Record<string, unknown> {
  const type = textOf(chat['type']);
  const title = textOf(chat['title']);
  return {
    chat_id: chatId,
    ...(type !== undefined && { chat_type: type }),
    is_group: type === 'group' || type === 'supergroup',
    ...(title !== undefined && { chat_title: title }),
  };
}

function personMetadata(person: Fields): Record<string, unknown> {
  const username = textOf(person['username']);
  const language = textOf(person['language_code']);
  const name = [textOf(person['first_name']), textOf(person['last_name'])].filter((part) => part !== undefined).join(' ');
  return {
    ...(username !== undefined && { username }),
    ...(name !== '' && { sender_name: name }),
    ...(language !== undefined && { language_code: language }),
    ...(person['is_bot'] === true && { is_bot: true }),
  };
}

/** An answer to the bot, a command, a mention of its name or of itself. */
function meansBot(message: Fields, { botId, username }: TelegramUpdateOptions): boolean {
  if (botId !== undefined && numberOf(fieldsOf(fieldsOf(message['reply_to_message'])['from'])['id']) === botId) return true;
  const text = textOf(message['text']) ?? textOf(message['caption']) ?? '';
  const name = username === undefined ? undefined : `@${username.toLowerCase()}`;
  const entities = [...listOf(message['entities']), ...listOf(message['caption_entities'])].map(fieldsOf);
  return entities.some((entity) => {
    const offset = numberOf(entity['offset']) ?? 0;
    const words = text.slice(offset, offset + (numberOf(entity['length']) ?? 0)).toLowerCase();
    switch (entity['type']) {
      case 'mention':
        return name !== undefined && words === name;
      case 'text_mention':
        return botId !== undefined && numberOf(fieldsOf(entity['user'])['id']) === botId;
      case 'bot_command':
        return !words.includes('@') || (name !== undefined && words.endsWith(name));
      default:
        return false;
    }
  });
}
