/** What a model reads of a message's content (AI-05): text, and images where it can see them. */
import { transcodeFor } from '../core/delivery/transcode.js';
import type { AIContextPart } from '../core/models/ai.js';
import { channelCapabilities } from '../core/models/capabilities.js';
import type { EventContent } from '../core/models/content.js';
import { escapeMarks } from './escape.js';

const TEXT_ONLY = channelCapabilities();

/** The content as a string, or as parts when it shows something to a model that can see. `null`: nothing to read. */
export function readContent(content: EventContent, supportsVision: boolean): string | readonly AIContextPart[] | null {
  if (content.type === 'text') return escapeMarks(content.body);
  if (!supportsVision || (content.type !== 'media' && content.type !== 'composite')) return asText(content);
  const parts: AIContextPart[] = [];
  addParts(content, parts);
  return parts.length === 0 ? null : parts;
}

function addParts(content: EventContent, parts: AIContextPart[]): void {
  if (content.type === 'composite') {
    for (const part of content.parts) addParts(part, parts);
    return;
  }
  if (content.type === 'media' && content.mimeType.startsWith('image/')) {
    if (content.caption !== undefined && content.caption !== '') parts.push({ type: 'text', text: escapeMarks(content.caption) });
    parts.push({ type: 'image', url: content.url, mimeType: content.mimeType });
    return;
  }
  const text = asText(content);
  if (text !== null && text !== '') parts.push({ type: 'text', text });
}

function asText(content: EventContent): string | null {
  const text = transcodeFor(content, TEXT_ONLY);
  if (text === null) return null;
  switch (text.type) {
    case 'text':
    case 'rich':
    case 'system':
      return escapeMarks(text.body);
    default:
      return null;
  }
}
