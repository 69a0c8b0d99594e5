/**
 * Templates: messages Meta has approved, the only ones that may go out at any time.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
 * @see https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/utility-messages
 */
import type { TemplateContent } from '../../../core/models/content.js';

/** A template in the API's fields, or which of its parameters the API would refuse. */
export type GraphTemplate = { readonly fields: Readonly<Record<string, unknown>> } | { readonly refused: string };

/**
 * Parameters by name: `1`, `2` … or a name fill the body; `header.1` or `header.NAME` the header's text; `header.image`, `header.video` and
 * `header.document` are its file by link; `button.0` is the end of the first button's url, `button.0.payload` what a tap on it brings back.
 */
export function graphTemplate({ templateId, language = 'en', parameters = {} }: TemplateContent): GraphTemplate {
  const body: Parameter[] = [];
  const header: Parameter[] = [];
  const buttons: Component[] = [];
  for (const [key, value] of inOrder(parameters)) {
    const fault = faultIn(value);
    if (fault !== undefined)
      return { refused: `Parameter '${key}' of template '${templateId}' ${fault}, which Meta refuses. Put it on one line without tabs.` };
    const [place = '', name = '', part] = key.split('.');
    if (place === 'header' && name !== '') header.push(isFile(name) ? { type: name, [name]: { link: value } } : named(name, value));
    else if (place === 'button' && /^\d$/.test(name)) buttons.push(button(name, value, part === 'payload'));
    else body.push(named(key, value));
  }
  const components: Component[] = [
    ...(header.length > 0 ? [{ type: 'header', parameters: header }] : []),
    ...(body.length > 0 ? [{ type: 'body', parameters: body }] : []),
    ...buttons,
  ];
  return { fields: { name: templateId, language: { code: language }, ...(components.length > 0 && { components }) } };
}

type Parameter = Readonly<Record<string, unknown>>;
type Component = Readonly<Record<string, unknown>>;

/** Numbered parameters by their number; the others as they were written. */
function inOrder(parameters: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const numberOf = (key: string): number => Number(/\d+$/.exec(key)?.[0] ?? 0);
  return Object.entries(parameters).sort(([a], [b]) => numberOf(a) - numberOf(b));
}

/** Meta refuses the whole message for these (error 132018). */
function faultIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return 'is empty';
  if (/[\n\r]/.test(value)) return 'holds a line break';
  if (value.includes('\t')) return 'holds a tab';
  return / {4}/.test(value) ? 'holds more than three spaces in a row' : undefined;
}

function isFile(name: string): boolean {
  return name === 'image' || name === 'video' || name === 'document';
}

function named(name: string, text: string): Parameter {
  return { type: 'text', ...(!/^\d+$/.test(name) && { parameter_name: name }), text };
}

function button(index: string, value: string, isPayload: boolean): Component {
  return {
    type: 'button',
    sub_type: isPayload ? 'quick_reply' : 'url',
    index,
    parameters: [isPayload ? { type: 'payload', payload: value } : { type: 'text', text: value }],
  };
}

/** Words of a message as one line, for the place of a parameter. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
