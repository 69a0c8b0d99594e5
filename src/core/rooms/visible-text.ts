/** The text of any event or content: for search, prompts and channels that speak only text. */
import { transcodeFor } from '../delivery/transcode.js';
import { channelCapabilities } from '../models/capabilities.js';
import type { EventContent } from '../models/content.js';
import type { RoomEvent } from '../models/event.js';

const TEXT_ONLY = channelCapabilities();

/** The body of a text, the words of anything else as a channel without other abilities would show it; '' when there are none. */
export function extractText(of: EventContent | Pick<RoomEvent, 'content'>): string {
  const content = 'content' in of ? of.content : of;
  const form = content.type === 'text' ? content : transcodeFor(content, TEXT_ONLY);
  return form !== null && (form.type === 'text' || form.type === 'system') ? form.body : '';
}
