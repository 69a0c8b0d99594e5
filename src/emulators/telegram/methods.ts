/** What the methods of the Bot API do to chats. @see https://core.telegram.org/bots/api#available-methods */
import { isFields, stringOf, type Fields } from '../problem.js';
import { checkCaption, checkMarkup, checkReaction, checkText } from './check-sending.js';
import { messageObject, type ChatState, type MessageState, type TelegramUser } from './chats.js';
import { fileBody, type Files } from './files.js';
import { Parameters } from './parameters.js';
import { badRequest, TelegramRefusal } from './refusal.js';

/** What the methods work on. */
export interface World {
  readonly bot: TelegramUser;
  readonly files: Files;
  chat(id: string | undefined): ChatState | undefined;
  person(chat: ChatState): TelegramUser | undefined;
  add(chat: ChatState, from: TelegramUser, body: Fields, replyTo?: MessageState): MessageState;
  /** Throws when the bot writes too fast. */
  pace(chat: ChatState): void;
  keys(chat: ChatState, letters: Fields): void;
  action(chat: ChatState, action: string): void;
  answered(queryId: string): void;
  changed(): void;
}

export type Method = (parameters: Parameters, world: World) => unknown;

const MAX_TITLE = 256;

export const METHODS: Readonly<Record<string, Method>> = {
  sendmessage: (parameters, world) => sent(parameters, world, checkText(parameters)),
  sendphoto: (parameters, world) => sentFile('photo', parameters, world),
  sendanimation: (parameters, world) => sentFile('animation', parameters, world),
  sendvoice: (parameters, world) => sentFile('voice', parameters, world),
  sendaudio: (parameters, world) => sentFile('audio', parameters, world),
  sendvideo: (parameters, world) => sentFile('video', parameters, world),
  senddocument: (parameters, world) => sentFile('document', parameters, world),
  sendmediagroup: sentAlbum,
  sendlocation: (parameters, world) => sent(parameters, world, { location: placeOf(parameters) }),
  sendvenue: (parameters, world) => {
    const location = placeOf(parameters);
    const [title, address] = [parameters.text('title') ?? '', parameters.text('address') ?? ''];
    if (title === '' || address === '' || title.length > MAX_TITLE) throw badRequest('venue title and address must be non-empty');
    return sent(parameters, world, { location, venue: { location, title, address } });
  },
  editmessagetext: (parameters, world) => {
    const message = ownMessage(parameters, world);
    if (message.body['text'] === undefined) throw badRequest('there is no text in the message to edit');
    return edited(message, checkText(parameters), parameters, world);
  },
  editmessagecaption: (parameters, world) => {
    const message = ownMessage(parameters, world);
    if (message.body['text'] !== undefined) throw badRequest('there is no caption in the message to edit');
    const { caption: _caption, caption_entities: _entities, ...file } = message.body;
    return edited(message, { ...file, ...checkCaption(parameters) }, parameters, world);
  },
  editmessagemedia: (parameters, world) => {
    const message = ownMessage(parameters, world);
    const media = parameters.object('media') ?? {};
    return edited(message, mediaBody(media, parameters, world), parameters, world);
  },
  editmessagereplymarkup: (parameters, world) => edited(ownMessage(parameters, world), ownMessage(parameters, world).body, parameters, world),
  deletemessage: (parameters, world) => {
    const chat = openChat(parameters, world);
    const message = chat.messages.get(parameters.number('message_id') ?? -1);
    if (message === undefined) throw badRequest('message to delete not found');
    if (!message.from.is_bot && chat.type !== 'private') throw badRequest("message can't be deleted for everyone");
    chat.messages.delete(message.id);
    world.changed();
    return true;
  },
  setmessagereaction: (parameters, world) => {
    const message = openChat(parameters, world).messages.get(parameters.number('message_id') ?? -1);
    if (message === undefined) throw badRequest('message to react not found');
    const emoji = checkReaction(parameters);
    if (emoji === undefined) message.reactions.delete(world.bot.id);
    else message.reactions.set(world.bot.id, emoji);
    world.changed();
    return true;
  },
  sendchataction: (parameters, world) => {
    const action = parameters.text('action') ?? '';
    if (!ACTIONS.has(action)) throw badRequest('wrong parameter action in request');
    world.action(openChat(parameters, world), action);
    return true;
  },
  answercallbackquery: (parameters, world) => {
    world.answered(parameters.text('callback_query_id') ?? '');
    return true;
  },
  getme: (_parameters, world) => ({ ...world.bot, can_join_groups: true, can_read_all_group_messages: false, supports_inline_queries: false }),
  getfile: (parameters, world) => world.files.info(parameters.text('file_id') ?? ''),
};

const ACTIONS = new Set([
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'find_location',
]);

function openChat(parameters: Parameters, world: World): ChatState {
  const id = parameters.text('chat_id');
  if (id === undefined || id === '') throw badRequest('chat_id is empty');
  const chat = world.chat(id);
  if (chat === undefined) throw badRequest('chat not found');
  if (chat.movedTo !== undefined)
    throw new TelegramRefusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.movedTo });
  if (chat.isClosedToBot === true)
    throw new TelegramRefusal(
      403,
      chat.type === 'private' ? 'Forbidden: bot was blocked by the user' : `Forbidden: bot was kicked from the ${chat.type} chat`,
    );
  return chat;
}

function sent(parameters: Parameters, world: World, body: Fields): unknown {
  const chat = openChat(parameters, world);
  const { shown, letters } = checkMarkup(parameters, chat.type === 'private');
  world.pace(chat);
  if (letters !== undefined) world.keys(chat, letters);
  const replyTo = chat.messages.get(Number(parameters.object('reply_parameters')?.['message_id'] ?? -1));
  const message = world.add(chat, world.bot, { ...body, ...(shown !== undefined && { reply_markup: shown }) }, replyTo);
  return messageObject(message, world.person(chat));
}

function sentFile(kind: string, parameters: Parameters, world: World): unknown {
  openChat(parameters, world); // a chat that is not there comes before a file that is not there
  const file = world.files.given(kind, parameters.text(kind), parameters.file(kind), parameters);
  return sent(parameters, world, { ...fileBody(file), ...checkCaption(parameters) });
}

function sentAlbum(parameters: Parameters, world: World): unknown {
  const chat = openChat(parameters, world);
  const list = parameters.list('media');
  if (list.length < 2 || list.length > 10) throw badRequest('media group must include 2-10 items');
  const kinds = new Set(list.map(({ type }) => (type === 'photo' || type === 'video' ? 'visible' : stringOf(type))));
  if (kinds.size > 1 || kinds.has('animation') || kinds.has('voice')) throw badRequest("can't use these media types together in a media group");
  world.pace(chat);
  const album = String(10_000_000_000_000 + chat.lastMessageId);
  const bodies = list.map((media) => ({ ...mediaBody(media, parameters, world), media_group_id: album }));
  return bodies.map((body) => messageObject(world.add(chat, world.bot, body), world.person(chat)));
}

function mediaBody(media: Fields, parameters: Parameters, world: World): Fields {
  const kind = stringOf(media['type']);
  if (!['photo', 'animation', 'audio', 'video', 'document'].includes(kind)) throw badRequest("can't parse InputMedia: Unsupported type specified");
  const own = new Parameters(media, new Map());
  return { ...fileBody(world.files.given(kind, stringOf(media['media']), undefined, parameters)), ...checkCaption(own) };
}

function placeOf(parameters: Parameters): Fields {
  const [latitude, longitude] = [parameters.number('latitude'), parameters.number('longitude')];
  if (latitude === undefined || longitude === undefined || Math.abs(latitude) > 90 || Math.abs(longitude) > 180)
    throw badRequest('wrong latitude or longitude specified');
  return { latitude, longitude };
}

function ownMessage(parameters: Parameters, world: World): MessageState {
  const message = openChat(parameters, world).messages.get(parameters.number('message_id') ?? -1);
  if (message === undefined) throw badRequest('message to edit not found');
  if (!message.from.is_bot) throw badRequest("message can't be edited");
  return message;
}

function edited(message: MessageState, body: Fields, parameters: Parameters, world: World): unknown {
  const { shown } = checkMarkup(parameters, message.chat.type === 'private');
  const { reply_markup: _markup, ...words } = body;
  const next = { ...words, ...(shown !== undefined && isFields(shown) && { reply_markup: shown }) };
  if (JSON.stringify(next) === JSON.stringify(message.body))
    throw badRequest(
      'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    );
  message.body = next;
  message.editedAt = Math.floor(Date.now() / 1000);
  world.changed();
  return messageObject(message, world.person(message.chat));
}
