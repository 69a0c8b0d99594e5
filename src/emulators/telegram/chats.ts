/** The chats of the emulated Telegram and what stands in them. */
import type { Fields } from '../problem.js';

/** A person with the app, or the bot. */
export interface TelegramUser {
  readonly id: number;
  readonly first_name: string;
  readonly is_bot: boolean;
  readonly username?: string;
  readonly language_code?: string;
}

/** Where people and the bot write. */
export interface ChatState {
  readonly id: number;
  readonly type: 'private' | 'group' | 'supergroup' | 'channel';
  readonly title?: string;
  readonly messages: Map<number, MessageState>;
  lastMessageId: number;
  /** The bot was blocked or put out. */
  isClosedToBot?: boolean;
  /** The group has become this supergroup. */
  movedTo?: number;
}

/** A message as Telegram has it now. */
export interface MessageState {
  readonly id: number;
  readonly chat: ChatState;
  readonly from: TelegramUser;
  readonly date: number;
  /** Everything of its kind, as the Bot API shows it: `text`, `photo`, `location` … */
  body: Fields;
  editedAt?: number;
  replyTo?: MessageState;
  /** Who has reacted, with what. */
  readonly reactions: Map<number, string>;
}

/** The chat as the Bot API shows it. */
export function chatObject(chat: ChatState, person?: TelegramUser): Fields {
  if (chat.type !== 'private') return { id: chat.id, title: chat.title, type: chat.type };
  return { id: chat.id, first_name: person?.first_name, ...(person?.username !== undefined && { username: person.username }), type: 'private' };
}

/** The message as the Bot API shows it. */
export function messageObject({ replyTo, ...message }: MessageState, person?: TelegramUser): Record<string, unknown> {
  const { id, chat, from, date, body, editedAt } = message;
  return {
    message_id: id,
    from,
    chat: chatObject(chat, chat.type === 'private' ? person : undefined),
    date,
    ...(editedAt !== undefined && { edit_date: editedAt }),
    ...(replyTo !== undefined && { reply_to_message: answeredObject(replyTo, person) }),
    ...body,
  };
}

/** Of what is answered, Telegram does not say what that answered. */
function answeredObject({ replyTo: _answered, ...message }: MessageState, person?: TelegramUser): Record<string, unknown> {
  return messageObject(message, person);
}
