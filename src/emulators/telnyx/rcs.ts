/** RCS as Telnyx takes and tells it. @see https://developers.telnyx.com/api-reference/rcs/send-an-rcs-message */
import { randomUUID } from 'node:crypto';
import type { RecordedRequest } from '../loopback.js';
import type { PhoneButton, PhoneMessage, WrittenMessage } from '../phone.js';
import { checkPhone, checkWebhookUrl, jsonOf, TelnyxRefusal } from './check-message.js';

export interface RcsOrder {
  readonly to: string;
  readonly agentMessage: unknown;
  /** What the phone shows; undefined for what is only shown while it happens. */
  readonly seen: Pick<PhoneMessage, 'text' | 'mediaUrls' | 'buttons'> | undefined;
  readonly fallback: { readonly from: string; readonly text: string; readonly mediaUrls: readonly string[] } | undefined;
  readonly webhookUrl: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

export function checkRcs(request: RecordedRequest, agentId: string, profileId: string, numbers: readonly string[]): RcsOrder {
  const order = jsonOf(request);
  if (order['agent_id'] !== agentId) throw new TelnyxRefusal(404, '10005', 'Resource not found', 'The RCS agent could not be found.', '/agent_id');
  if (order['messaging_profile_id'] !== profileId)
    throw new TelnyxRefusal(400, '40311', 'Invalid messaging profile', 'The messaging profile is not yours.', '/messaging_profile_id');
  if (order['type'] !== undefined && order['type'] !== 'RCS') refuse('type must be RCS', '/type');
  const to = checkPhone(order['to']);
  const agentMessage = jsonIn(order['agent_message'], '/agent_message');
  const isEvent = agentMessage['event'] !== undefined;
  return {
    to,
    agentMessage,
    seen: isEvent ? undefined : shownOf(jsonIn(agentMessage['content_message'], '/agent_message/content_message')),
    fallback: fallbackOf(order, numbers),
    webhookUrl: checkWebhookUrl(order['webhook_url']),
  };
}

function shownOf(content: Json): NonNullable<RcsOrder['seen']> {
  const rich = content['rich_card'] === undefined ? undefined : jsonIn(content['rich_card'], '/rich_card');
  const kinds = [content['text'], content['content_info'], rich].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) refuse('content_message needs exactly one of text, content_info and rich_card', '/agent_message/content_message');
  const buttons = suggestionsOf(content['suggestions'], 11);
  if (rich !== undefined) {
    const cards = cardsOf(rich);
    return {
      text: cards
        .flatMap(({ title, description }) => [title, description])
        .filter((part) => part !== '')
        .join('\n'),
      mediaUrls: cards.flatMap(({ mediaUrl }) => (mediaUrl === undefined ? [] : [mediaUrl])),
      buttons: [...cards.flatMap((card) => card.buttons), ...buttons],
    };
  }
  if (content['content_info'] !== undefined) return { text: '', mediaUrls: [fileUrl(content['content_info'])], buttons };
  const { text } = content;
  if (typeof text !== 'string' || text === '' || text.length > 3072) refuse('text must have 1 to 3072 characters', '/text');
  return { text: String(text), mediaUrls: [], buttons };
}

interface ShownCard {
  readonly title: string;
  readonly description: string;
  readonly mediaUrl: string | undefined;
  readonly buttons: readonly PhoneButton[];
}

function cardsOf(rich: Json): readonly ShownCard[] {
  if (rich['standalone_card'] !== undefined) {
    const card = jsonIn(rich['standalone_card'], '/standalone_card');
    if (!['HORIZONTAL', 'VERTICAL'].includes(String(card['card_orientation']))) refuse('card_orientation is required', '/card_orientation');
    return [cardOf(card['card_content'])];
  }
  const carousel = jsonIn(rich['carousel_card'], '/carousel_card');
  if (!['SMALL', 'MEDIUM'].includes(String(carousel['card_width']))) refuse('card_width is required', '/card_width');
  const contents = carousel['card_contents'];
  if (!Array.isArray(contents) || contents.length < 2 || contents.length > 10) refuse('a carousel has 2 to 10 cards', '/card_contents');
  return (contents as unknown[]).map(cardOf);
}

function cardOf(given: unknown): ShownCard {
  const card = jsonIn(given, '/card_content');
  const { title = '', description = '' } = card;
  if (typeof title !== 'string' || title.length > 200) refuse('a title has at most 200 characters', '/title');
  if (typeof description !== 'string' || description.length > 2000) refuse('a description has at most 2000 characters', '/description');
  const media = card['media'] === undefined ? undefined : jsonIn(card['media'], '/media');
  if (title === '' && description === '' && media === undefined) refuse('a card needs a title, a description or media', '/card_content');
  return {
    title: String(title),
    description: String(description),
    mediaUrl: media === undefined ? undefined : fileUrl(media['content_info']),
    buttons: suggestionsOf(card['suggestions'], 4),
  };
}

function suggestionsOf(given: unknown, most: number): readonly PhoneButton[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || given.length > most) refuse(`there are at most ${most} suggestions`, '/suggestions');
  return (given as unknown[]).map((entry) => {
    const suggestion = jsonIn(entry, '/suggestions');
    const { reply, action } = suggestion;
    const tapped = jsonIn(reply ?? action, '/suggestions');
    const { text, postback_data: data } = tapped;
    if (typeof text !== 'string' || text === '' || text.length > 25) refuse('the text of a suggestion has 1 to 25 characters', '/text');
    if (typeof data !== 'string' || data.length > 2048 || Buffer.from(data, 'base64').toString('base64') !== data)
      refuse('postback_data is base64 of at most 2048 characters', '/postback_data');
    const url = (tapped['open_url_action'] as Json | undefined)?.['url'];
    const phone = (tapped['dial_action'] as Json | undefined)?.['phone_number'];
    if (action !== undefined && url === undefined && phone === undefined && tapped['share_location_action'] === undefined)
      refuse('an action is required', '/action');
    const target = url ?? phone;
    return { label: String(text), data: String(data), ...(typeof target === 'string' && { target }) };
  });
}

function fallbackOf(order: Json, numbers: readonly string[]): RcsOrder['fallback'] {
  const given = order['mms_fallback'] ?? order['sms_fallback'];
  if (given === undefined) return undefined;
  const { from, text = '', media_urls: urls = [] } = jsonIn(given, '/sms_fallback');
  if (typeof from !== 'string' || !numbers.includes(from))
    throw new TelnyxRefusal(400, '40305', "Invalid 'from' address", "The 'from' address is not yours.", '/sms_fallback/from');
  if (typeof text !== 'string' || text.length > 3072) refuse('the text of a fallback has at most 3072 characters', '/sms_fallback/text');
  return { from, text: String(text), mediaUrls: urls as string[] };
}

function fileUrl(info: unknown): string {
  const url = jsonIn(info, '/content_info')['file_url'];
  if (typeof url !== 'string' || !/^https?:\/\//.test(url)) refuse('file_url is required', '/content_info/file_url');
  return String(url);
}

function jsonIn(value: unknown, pointer: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('a required parameter was missing', pointer);
  return value as Json;
}

function refuse(detail: string, pointer: string): never {
  throw new TelnyxRefusal(422, '10015', 'Bad Request', detail, pointer);
}

/** What somebody writes, taps or sends to an agent. */
export function inboundRcs({ text, media = [], tapped, location }: WrittenMessage, from: string, agentId: string, profileId: string): Json {
  const [file] = media;
  const body =
    tapped !== undefined
      ? { suggestion_response: { text: tapped.label, postback_data: tapped.data ?? '' } }
      : location !== undefined
        ? { location }
        : file !== undefined
          ? { user_file: { payload: { file_name: 'file', file_size_bytes: 1000, file_uri: file.url, mime_type: file.mimeType } } }
          : { text };
  return {
    record_type: 'message',
    direction: 'inbound',
    id: randomUUID(),
    type: 'RCS',
    messaging_profile_id: profileId,
    from: { phone_number: from, carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' },
    to: [{ agent_id: agentId, agent_name: 'Test Agent' }],
    body,
    received_at: new Date().toISOString(),
    errors: [],
  };
}
