/** The text of any content: for search, prompts and channels that speak only text. */
import { transcodeFor } from '../delivery/transcode.js';
import { channelCapabilities } from '../models/capabilities.js';
import type { EventContent } from '../models/content.js';

const TEXT_ONLY = channelCapabilities();

export function extractText(content: EventContent): string {
  const form = content.type === 'text' ? content : transcodeFor(content, TEXT_ONLY);
  return form !== null && (form.type === 'text' || form.type === 'system') ? form.body : '';
}
