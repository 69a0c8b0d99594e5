/** A message in the words of Telnyx' RCS interface. */
import type { Fields } from '../_shared/http/reading.js';
import { postbackOf } from '../_shared/rcs/postback.js';
import type { RcsCard, RcsChoice, RcsShape } from '../_shared/rcs/shape.js';

const MAX_SUGGESTIONS = 11;
const MAX_CARD_SUGGESTIONS = 4;

export function agentMessageOf(shape: RcsShape): Fields {
  switch (shape.kind) {
    case 'text':
      return { text: withSurplus(shape.text, shape.choices, MAX_SUGGESTIONS), ...suggestions(shape.choices, MAX_SUGGESTIONS) };
    case 'file':
      return { content_info: { file_url: shape.url } };
    case 'card':
      return {
        rich_card: {
          standalone_card: { card_orientation: 'VERTICAL', thumbnail_image_alignment: 'LEFT', card_content: cardContent(shape.card) },
        },
        ...suggestions(shape.choices, MAX_SUGGESTIONS),
      };
    case 'carousel':
      return {
        rich_card: { carousel_card: { card_width: 'MEDIUM', card_contents: shape.cards.map(cardContent) } },
        ...suggestions(shape.choices, MAX_SUGGESTIONS),
      };
  }
}

function cardContent({ title, text, mediaUrl, choices }: RcsCard): Fields {
  const description = withSurplus(text ?? '', choices, MAX_CARD_SUGGESTIONS);
  return {
    ...(title !== undefined && { title }),
    ...(description !== '' && { description }),
    ...(mediaUrl !== undefined && { media: { height: 'MEDIUM', content_info: { file_url: mediaUrl } } }),
    ...suggestions(choices, MAX_CARD_SUGGESTIONS),
  };
}

function suggestions(choices: readonly RcsChoice[], most: number): Fields {
  return choices.length === 0 ? {} : { suggestions: choices.slice(0, most).map(suggestion) };
}

/** What is too much to tap is read. */
function withSurplus(text: string, choices: readonly RcsChoice[], most: number): string {
  return [text, ...choices.slice(most).map(({ label, url, phone }) => [label, url ?? phone].filter((part) => part !== undefined).join(': '))]
    .filter((line) => line !== '')
    .join('\n');
}

function suggestion(choice: RcsChoice): Fields {
  const postback = { text: choice.label, postback_data: Buffer.from(postbackOf(choice)).toString('base64') };
  switch (choice.kind) {
    case 'reply':
      return { reply: postback };
    case 'url':
      return { action: { ...postback, open_url_action: { url: choice.url ?? '', application: 'BROWSER', webview_view_mode: 'FULL' } } };
    case 'call':
      return { action: { ...postback, dial_action: { phone_number: choice.phone ?? '' } } };
    case 'location_request':
      return { action: { ...postback, share_location_action: {} } };
  }
}
