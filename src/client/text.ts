/** The words of an event, for pages that show text. */
import type { WireEvent } from '../channels/index.js';
import type { EventContent } from '../core/index.js';

/** The body of a text; of other content its words, caption or address; '' where there is nothing to read. */
export function textOf(of: EventContent | Pick<WireEvent, 'content'>): string {
  const content = 'content' in of ? of.content : of;
  switch (content.type) {
    case 'text':
    case 'system':
      return content.body;
    case 'rich':
      return content.plainText ?? content.body;
    case 'template':
      return content.body ?? '';
    case 'media':
      return content.caption ?? content.filename ?? content.url;
    case 'location':
      return content.label ?? content.address ?? `${content.latitude}, ${content.longitude}`;
    case 'audio':
      return content.transcript ?? content.url;
    case 'video':
      return content.url;
    case 'composite':
      return content.parts.map(textOf).join('\n');
    case 'edit':
      return textOf(content.newContent);
    case 'delete':
      return '';
  }
}
