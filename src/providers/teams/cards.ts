/** Buttons, suggested answers and cards as Adaptive Cards. @see https://adaptivecards.microsoft.com */
import type { Button, Card, QuickReply } from '../../core/models/content.js';
import { tapData } from './taps.js';

type Fields = Readonly<Record<string, unknown>>;

/** Teams shows so many buttons of a row, and hides the others behind dots. */
const MAX_ROW = 6;

/** A message's words over its buttons. */
export function choiceCard(text: string, buttons: readonly Button[], quickReplies: readonly QuickReply[]): Fields | undefined {
  const replies = quickReplies.map((reply): Button =>
    typeof reply === 'string' ? { id: reply, label: reply, kind: 'reply' } : { ...reply, kind: 'reply' },
  );
  const actions = [...buttons, ...replies].flatMap(actionsOf);
  if (actions.length === 0) return undefined;
  return adaptiveCard([...(text === '' ? [] : [textBlock(text)]), ...rowsOf(actions)]);
}

export function cardOf({ title, subtitle, body, imageUrl, url, buttons = [] }: Card): Fields {
  const open = url === undefined ? undefined : { type: 'Action.OpenUrl', url };
  return adaptiveCard([
    ...(imageUrl === undefined
      ? []
      : [{ type: 'Image', url: imageUrl, size: 'Stretch', altText: title, ...(open !== undefined && { selectAction: open }) }]),
    textBlock(title, { weight: 'Bolder', size: 'Medium' }),
    ...(subtitle === undefined ? [] : [textBlock(subtitle, { isSubtle: true, spacing: 'None' })]),
    ...(body === undefined ? [] : [textBlock(body)]),
    ...rowsOf([...buttons.flatMap(actionsOf), ...(open === undefined ? [] : [{ ...open, title: truncated(url ?? '') }])]),
  ]);
}

function actionsOf(button: Button): readonly Fields[] {
  const { label: title, kind, url, phone } = button;
  switch (kind) {
    case 'reply':
      return [{ type: 'Action.Submit', title, data: tapData(button) }];
    case 'url':
      return url === undefined ? [] : [{ type: 'Action.OpenUrl', title, url }];
    case 'call':
      return phone === undefined ? [] : [{ type: 'Action.OpenUrl', title, url: `tel:${phone}` }];
    default:
      return []; // Teams has no button that asks where somebody is
  }
}

function rowsOf(actions: readonly Fields[]): readonly Fields[] {
  const rows: Fields[] = [];
  for (let at = 0; at < actions.length; at += MAX_ROW) rows.push({ type: 'ActionSet', actions: actions.slice(at, at + MAX_ROW) });
  return rows;
}

function textBlock(text: string, look: Fields = {}): Fields {
  return { type: 'TextBlock', text, wrap: true, ...look };
}

function truncated(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.slice(0, 40);
}

function adaptiveCard(body: readonly Fields[]): Fields {
  return {
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: { $schema: 'http://adaptivecards.io/schemas/adaptive-card.json', type: 'AdaptiveCard', version: '1.4', body },
  };
}
