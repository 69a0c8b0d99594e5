/** What the Send API refuses. @see https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages */
import { GraphRefusal, invalid } from '../graph/graph-refusal.js';

/** Something to tap. */
export interface MessengerButton {
  readonly kind: 'postback' | 'quick_reply' | 'web_url' | 'phone_number';
  readonly title: string;
  /** What a tap brings back, or where it leads. */
  readonly payload: string;
}

/** A message, once it is found good. */
export interface CheckedMessenger {
  readonly text: string;
  /** Addresses, or ids of uploaded files. */
  readonly media: readonly string[];
  readonly buttons: readonly MessengerButton[];
  readonly isUtility: boolean;
}

/** What of the page a message may name. */
export interface MessengerContext {
  readonly templates: Readonly<Record<string, { readonly body: string; readonly language?: string }>>;
  readonly hasFile: (id: string) => boolean;
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function text(value: unknown, name: string, most: number): string {
  if (typeof value !== 'string' || value === '') throw invalid(`Param ${name} must be a non-empty UTF-8 encoded string`);
  if (value.length > most) throw invalid(`Length of param ${name} must be less than or equal to ${most}`);
  return value;
}

export function checkMessage(given: unknown, context: MessengerContext): CheckedMessenger {
  const message = fields(given);
  const replies = checkQuickReplies(message['quick_replies']);
  if (message['template'] !== undefined) return { ...checkTemplate(fields(message['template']), context), isUtility: true };
  if (message['attachment'] !== undefined) {
    if (message['text'] !== undefined) throw invalid('Only one of the text and attachment can be specified');
    const checked = checkAttachment(fields(message['attachment']), context);
    return { ...checked, buttons: [...checked.buttons, ...replies], isUtility: false };
  }
  if (message['text'] === undefined) throw invalid('Message cannot be empty, must provide valid attachment or text');
  return { text: text(message['text'], 'message[text]', 2000), media: [], buttons: replies, isUtility: false };
}

function checkQuickReplies(given: unknown): readonly MessengerButton[] {
  const replies = list(given);
  if (replies.length > 13) throw invalid('Param message[quick_replies] has too many elements. Maximum: 13');
  return replies.map(({ content_type: type, title, payload }) => {
    if (type !== 'text') throw invalid('Param message[quick_replies][content_type] must be one of {text, user_phone_number, user_email}');
    const name = 'message[quick_replies]';
    return { kind: 'quick_reply', title: text(title, `${name}[title]`, 20), payload: text(payload, `${name}[payload]`, 1000) };
  });
}

function checkAttachment(attachment: Fields, { hasFile }: MessengerContext): Pick<CheckedMessenger, 'text' | 'media' | 'buttons'> {
  const payload = fields(attachment['payload']);
  const type = attachment['type'];
  if (type === 'template') return checkStructured(payload);
  if (type !== 'image' && type !== 'audio' && type !== 'video' && type !== 'file')
    throw invalid('Param message[attachment][type] must be one of {audio, file, image, template, video}');
  const { url, attachment_id: id } = payload;
  if (id !== undefined) {
    if (typeof id !== 'string' || !hasFile(id))
      throw new GraphRefusal({ status: 400, code: 100, subcode: 2018074, message: '(#100) Invalid Data: attachment_id does not exist' });
    return { text: '', media: [id], buttons: [] };
  }
  if (typeof url !== 'string' || !/^https?:\/\//.test(url)) throw invalid('Param message[attachment][payload][url] should represent a valid URL');
  return { text: '', media: [url], buttons: [] };
}

function checkStructured(payload: Fields): Pick<CheckedMessenger, 'text' | 'media' | 'buttons'> {
  if (payload['template_type'] === 'button') {
    const words = text(payload['text'], 'message[attachment][payload][text]', 640);
    return { text: words, media: [], buttons: checkButtons(payload['buttons'], 1) };
  }
  if (payload['template_type'] !== 'generic') throw invalid('Param message[attachment][payload][template_type] is not a known template');
  const elements = list(payload['elements']);
  if (elements.length < 1 || elements.length > 10) throw invalid('Param message[attachment][payload][elements] must have 1 to 10 elements');
  const words: string[] = [];
  const media: string[] = [];
  const buttons: MessengerButton[] = [];
  for (const element of elements) {
    words.push(text(element['title'], 'element[title]', 80));
    if (element['subtitle'] !== undefined) words.push(text(element['subtitle'], 'element[subtitle]', 80));
    if (typeof element['image_url'] === 'string') media.push(element['image_url']);
    if (element['buttons'] !== undefined) buttons.push(...checkButtons(element['buttons'], 1));
    if (Object.keys(element).length < 2) throw invalid('At least one property must be set in addition to title');
  }
  return { text: words.join('\n'), media, buttons };
}

function checkButtons(given: unknown, least: number): readonly MessengerButton[] {
  const buttons = list(given);
  if (buttons.length < least || buttons.length > 3) throw invalid('Param buttons must have 1 to 3 elements');
  return buttons.map(({ type, title, payload, url }) => {
    const label = text(title, 'button[title]', 20);
    if (type === 'web_url') return { kind: type, title: label, payload: text(url, 'button[url]', 2000) };
    if (type === 'phone_number') {
      const number = text(payload, 'button[payload]', 1000);
      if (!/^\+\d{6,15}$/.test(number)) throw invalid('Param button[payload] must be a phone number with + and country code');
      return { kind: type, title: label, payload: number };
    }
    if (type !== 'postback') throw invalid('Param button[type] must be one of {postback, phone_number, web_url}');
    return { kind: type, title: label, payload: text(payload, 'button[payload]', 1000) };
  });
}

function checkTemplate(template: Fields, { templates }: MessengerContext): Pick<CheckedMessenger, 'text' | 'media' | 'buttons'> {
  const name = text(template['name'], 'template[name]', 512);
  const code = fields(template['language'])['code'];
  const known = Object.hasOwn(templates, name) ? templates[name] : undefined;
  if (known === undefined || code !== (known.language ?? 'en')) throw invalid('Template does not exist in this language');
  const parameters = list(list(template['components']).find(({ type }) => type === 'body')?.['parameters']);
  const places = [...new Set([...known.body.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''))];
  if (parameters.length !== places.length) throw invalid('Number of parameters does not match the template');
  let filled = known.body;
  places.forEach((place, index) => {
    const value = parameters[index]?.['text'];
    filled = filled.replaceAll(`{{${place}}}`, () => (typeof value === 'string' ? value : ''));
  });
  return { text: filled, media: [], buttons: [] };
}
