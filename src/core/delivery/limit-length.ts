/** Cuts or splits text to what a channel takes (TRC-03): UTF-16 units, never within a grapheme. */
import type { ChannelCapabilities } from '../models/capabilities.js';
import type { EventContent } from '../models/content.js';
import { splitSms } from './sms-segments.js';
import { splitText, truncate } from './split-text.js';

/** The content, cut to the channel's `maxLength`: text, rich bodies and captions. The same object when it fits. */
export function limitLength(content: EventContent, capabilities: ChannelCapabilities): EventContent {
  const most = capabilities.maxLength;
  if (most === undefined) return content;
  switch (content.type) {
    case 'text':
    case 'system':
      return content.body.length <= most ? content : Object.freeze({ ...content, body: truncate(content.body, most) });
    case 'rich': {
      const plain = content.plainText;
      if (content.body.length <= most && (plain === undefined || plain.length <= most)) return content;
      return Object.freeze({ ...content, body: truncate(content.body, most), ...(plain !== undefined && { plainText: truncate(plain, most) }) });
    }
    case 'media':
      return content.caption === undefined || content.caption.length <= most
        ? content
        : Object.freeze({ ...content, caption: truncate(content.caption, most) });
    case 'composite': {
      const parts = content.parts.map((part) => limitLength(part, capabilities));
      return parts.every((part, position) => part === content.parts[position]) ? content : Object.freeze({ ...content, parts: Object.freeze(parts) });
    }
    case 'edit': {
      // Where texts are split, so is the new one, by the channel, which knows what it has to change (TRC-06).
      if (capabilities.overflow === 'split' && content.newContent.type === 'text') return content;
      const inner = limitLength(content.newContent, capabilities);
      return inner === content.newContent ? content : Object.freeze({ ...content, newContent: inner });
    }
    case 'location':
    case 'audio':
    case 'video':
    case 'template':
    case 'delete':
      return content;
  }
}

/** The parts a text has to be sent in, when the channel splits and one message cannot hold it: by segments first, where it counts them. */
export function partsOf(content: EventContent, capabilities: ChannelCapabilities): readonly string[] | undefined {
  const { maxLength: most = Infinity, maxSegments } = capabilities;
  if (content.type !== 'text' || (maxSegments === undefined && content.body.length <= most)) return undefined;
  const bySegments = maxSegments === undefined ? [content.body] : splitSms(content.body, { maxSegments });
  const parts = bySegments.flatMap((part) => (part.length <= most ? [part] : splitText(part, most)));
  return parts.length > 1 ? parts : undefined;
}
