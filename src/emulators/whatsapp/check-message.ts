/**
 * What the Cloud API refuses to send.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
 */
import { GraphRefusal, invalid } from '../graph/graph-refusal.js';

/** A template that Meta has approved. */
export interface ApprovedTemplate {
  /** With places such as `{{1}}` or `{{name}}`. */
  readonly body: string;
  /** Default `en`. */
  readonly language?: string;
}

/** What a message is, once it is found good. */
export interface Checked {
  readonly type: string;
  readonly to: string;
  readonly text: string;
  /** Addresses, or ids of uploaded files. */
  readonly media: readonly string[];
  readonly buttons: readonly CheckedButton[];
  readonly repliesTo: string | undefined;
  readonly location?: { readonly latitude: number; readonly longitude: number };
}

/** Something to tap. */
export interface CheckedButton {
  readonly kind: 'button_reply' | 'list_reply' | 'template' | 'url';
  readonly id: string;
  readonly title: string;
}

/** What of the account a message may name. */
export interface CheckContext {
  readonly templates: Readonly<Record<string, ApprovedTemplate>>;
  readonly hasFile: (id: string) => boolean;
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

/** 131009, WhatsApp's refusal of a value. */
function wrong(details: string): GraphRefusal {
  return new GraphRefusal({ status: 400, code: 131009, message: '(#131009) Parameter value is not valid', details });
}

function text(value: unknown, name: string, most: number): string {
  if (typeof value !== 'string' || value === '') throw invalid(`The parameter ${name} is required.`);
  if (value.length > most) throw invalid(`Param ${name} must be at most ${most} characters long.`);
  return value;
}

export function checkMessage(body: unknown, context: CheckContext): Checked {
  const message = fields(body);
  if (message['messaging_product'] !== 'whatsapp') throw invalid('The parameter messaging_product is required.');
  const to = message['to'] ?? message['recipient'];
  if (typeof to !== 'string' || to === '') throw invalid('The parameter to is required.');
  const type = typeof message['type'] === 'string' ? message['type'] : 'text';
  const own = fields(message[type]);
  const repliesTo = fields(message['context'])['message_id'];
  const shell = { type, to, repliesTo: typeof repliesTo === 'string' ? repliesTo : undefined };
  switch (type) {
    case 'text':
      return { ...shell, text: text(own['body'], "text['body']", 4096), media: [], buttons: [] };
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
      return { ...shell, ...checkFile(type, own, context), buttons: [] };
    case 'location':
      return { ...shell, ...checkLocation(own), media: [], buttons: [] };
    case 'reaction':
      text(own['message_id'], "reaction['message_id']", 1000);
      return { ...shell, text: typeof own['emoji'] === 'string' ? own['emoji'] : '', media: [], buttons: [], repliesTo: String(own['message_id']) };
    case 'interactive':
      return { ...shell, ...checkInteractive(own) };
    case 'template':
      return { ...shell, ...checkTemplate(own, context) };
    default:
      throw invalid('Param type must be one of {AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, TEMPLATE, TEXT, VIDEO}.');
  }
}

function checkFile(type: string, own: Fields, { hasFile }: CheckContext): Pick<Checked, 'text' | 'media'> {
  const { id, link, caption } = own;
  if ((id === undefined) === (link === undefined)) throw invalid(`The parameter ${type} needs either an id or a link.`);
  if (caption !== undefined && type === 'audio') throw invalid('Unexpected key "caption" on param "audio".');
  if (typeof caption === 'string' && caption.length > 1024) throw invalid(`Param ${type}['caption'] must be at most 1024 characters long.`);
  if (link !== undefined && (typeof link !== 'string' || !/^https?:\/\//.test(link))) throw invalid(`Param ${type}['link'] is not a valid URI.`);
  if (id !== undefined && (typeof id !== 'string' || !hasFile(id))) throw wrong(`${type} id is not a valid media id`);
  return { text: typeof caption === 'string' ? caption : '', media: [String(link ?? id)] };
}

function checkLocation({ latitude, longitude, name, address }: Fields): Pick<Checked, 'text' | 'location'> {
  if (typeof latitude !== 'number' || typeof longitude !== 'number' || Math.abs(latitude) > 90 || Math.abs(longitude) > 180)
    throw wrong('Location latitude or longitude is not valid');
  return {
    text: [latitude, longitude, name, address].filter((one) => typeof one === 'string' || typeof one === 'number').join(' '),
    location: { latitude, longitude },
  };
}

function checkInteractive(own: Fields): Pick<Checked, 'text' | 'media' | 'buttons'> {
  const action = fields(own['action']);
  const body = fields(own['body'])['text'];
  const header = fields(own['header']);
  const picture = fields(header['image'])['link'];
  const media = typeof picture === 'string' ? [picture] : [];
  switch (own['type']) {
    case 'button':
      return { text: text(body, "interactive['body']['text']", 1024), media, buttons: checkReplies(list(action['buttons'])) };
    case 'list':
      return { text: text(body, "interactive['body']['text']", 4096), media, buttons: checkRows(action) };
    case 'cta_url':
      return { text: text(body, "interactive['body']['text']", 1024), media, buttons: [checkLink(action)] };
    case 'location_request_message':
      if (action['name'] !== 'send_location') throw wrong('Interactive action name is not valid');
      return { text: text(body, "interactive['body']['text']", 1024), media, buttons: [] };
    case 'carousel':
      return checkCarousel(action, text(body, "interactive['body']['text']", 1024));
    default:
      throw invalid(
        "Param interactive['type'] must be one of {button, call_permission_request, carousel, catalog_message, cta_url, flow, list, location_request_message, product, product_list}.",
      );
  }
}

function checkReplies(buttons: readonly Fields[]): readonly CheckedButton[] {
  if (buttons.length < 1 || buttons.length > 3) throw wrong('Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3');
  return unique(buttons.map((one) => checkReply(fields(one['reply']), 'button_reply', 20, 256)));
}

function checkReply({ id, title }: Fields, kind: CheckedButton['kind'], mostTitle: number, mostId: number): CheckedButton {
  if (typeof title !== 'string' || title === '' || title.length > mostTitle)
    throw wrong(`Button title length invalid. Min length: 1, Max length: ${mostTitle}`);
  if (typeof id !== 'string' || id === '' || id.length > mostId) throw wrong(`Button id length invalid. Min length: 1, Max length: ${mostId}`);
  return { kind, id, title };
}

function unique(buttons: readonly CheckedButton[]): readonly CheckedButton[] {
  if (new Set(buttons.map(({ id }) => id)).size < buttons.length) throw wrong('Duplicated button ids are not allowed');
  if (new Set(buttons.map(({ title }) => title)).size < buttons.length) throw wrong('Duplicated button titles are not allowed');
  return buttons;
}

function checkRows(action: Fields): readonly CheckedButton[] {
  text(action['button'], "interactive['action']['button']", 20);
  const sections = list(action['sections']);
  if (sections.length < 1 || sections.length > 10) throw wrong('Invalid sections count. Min allowed sections: 1, Max allowed sections: 10');
  for (const { title } of sections) if (typeof title === 'string' && title.length > 24) throw wrong('Section title length invalid. Max length: 24');
  const rows = sections.flatMap(({ rows: own }) => list(own));
  if (rows.length < 1 || rows.length > 10) throw wrong('Total row count exceed max allowed count: 10');
  for (const { description } of rows)
    if (typeof description === 'string' && description.length > 72) throw wrong('Row description length invalid. Max length: 72');
  const checked = rows.map((row) => checkReply(row, 'list_reply', 24, 200));
  if (new Set(checked.map(({ id }) => id)).size < checked.length) throw wrong('Duplicated row ids are not allowed');
  return checked;
}

function checkLink(action: Fields): CheckedButton {
  const { display_text: title, url } = fields(action['parameters']);
  if (action['name'] !== 'cta_url') throw wrong('Interactive action name is not valid');
  if (typeof title !== 'string' || title === '' || title.length > 20) throw wrong('Display text length invalid. Min length: 1, Max length: 20');
  if (typeof url !== 'string' || !/^https?:\/\//.test(url)) throw wrong('Interactive url is not valid');
  return { kind: 'url', id: url, title };
}

function checkCarousel(action: Fields, body: string): Pick<Checked, 'text' | 'media' | 'buttons'> {
  const cards = list(action['cards']);
  if (cards.length < 2 || cards.length > 10) throw wrong('Invalid cards count. Min allowed cards: 2, Max allowed cards: 10');
  const texts: string[] = [body];
  const media: string[] = [];
  const buttons: CheckedButton[] = [];
  const counts = new Set<string>();
  cards.forEach((card, index) => {
    if (card['card_index'] !== index) throw wrong('Card index is not valid');
    const link = fields(fields(card['header'])['image'])['link'];
    if (typeof link !== 'string') throw wrong('Card header is required');
    media.push(link);
    texts.push(text(fields(card['body'])['text'], "card['body']['text']", 160));
    const own = fields(card['action']);
    const replies = list(own['buttons']).map((one) => checkReply(fields(one['quick_reply']), 'button_reply', 20, 256));
    counts.add(replies.length === 0 ? 'url' : String(replies.length));
    buttons.push(...(replies.length === 0 ? [checkLink(own)] : replies));
  });
  if (counts.size > 1) throw wrong('Button types and numbers must match across all cards');
  return { text: texts.join('\n'), media, buttons };
}

function checkTemplate(own: Fields, { templates }: CheckContext): Pick<Checked, 'text' | 'media' | 'buttons'> {
  const name = text(own['name'], "template['name']", 512);
  const code = fields(own['language'])['code'];
  const template = Object.hasOwn(templates, name) ? templates[name] : undefined;
  if (template === undefined || code !== (template.language ?? 'en'))
    throw new GraphRefusal({
      status: 404,
      code: 132001,
      message: '(#132001) Template name does not exist in the translation',
      details: `template name (${name}) does not exist in ${String(code)}`,
    });
  const components = list(own['components']);
  const given = list(components.find(({ type }) => type === 'body')?.['parameters']);
  const places = [...new Set([...template.body.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''))];
  if (given.length !== places.length)
    throw new GraphRefusal({
      status: 400,
      code: 132000,
      message: '(#132000) Number of parameters does not match the expected number of params',
      details: `body: number of localizable_params (${given.length}) does not match the expected number of params (${places.length})`,
    });
  let filled = template.body;
  given.forEach((parameter, index) => {
    const value = parameter['text'];
    if (typeof value !== 'string' || /[\n\t]| {4}/.test(value))
      throw new GraphRefusal({
        status: 400,
        code: 132018,
        message: '(#132018) There was an issue with the parameters in your template',
        details: 'Param text cannot have new-line/tab characters or more than 4 consecutive spaces',
      });
    const named = parameter['parameter_name'];
    filled = filled.replaceAll(`{{${typeof named === 'string' ? named : (places[index] ?? '')}}}`, () => value);
  });
  const buttons = components
    .filter(({ type, sub_type: kind }) => type === 'button' && kind === 'quick_reply')
    .flatMap(({ parameters }) => list(parameters))
    .map(({ payload }): CheckedButton => ({ kind: 'template', id: String(payload), title: String(payload) }));
  const files = list(components.find(({ type }) => type === 'header')?.['parameters']).flatMap((one) => {
    const link = fields(one[String(one['type'])])['link'];
    return typeof link === 'string' ? [link] : [];
  });
  return { text: filled, media: files, buttons };
}
