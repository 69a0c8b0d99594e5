/** What an event says, in one line of plain text: for lists, summaries and live regions. */
import type { EventContent, WireEvent } from '../types.js';

export function textOf(content: EventContent): string {
  switch (content.type) {
    case 'text':
    case 'system':
      return content.body;
    case 'rich':
      return content.plainText ?? content.body;
    case 'media':
      return content.caption ?? content.filename ?? kindOfMedia(content.mimeType);
    case 'location':
      return content.label ?? content.address ?? `${content.latitude}, ${content.longitude}`;
    case 'audio':
      return content.transcript ?? 'Voice message';
    case 'video':
      return 'Video';
    case 'composite':
      return content.parts.map(textOf).join(' · ');
    case 'template':
      return content.body ?? `Template ${content.templateId}`;
    case 'edit':
      return `edited to: ${textOf(content.newContent)}`;
    case 'delete':
      return content.reason === undefined ? 'deleted a message' : `deleted a message: ${content.reason}`;
  }
}

export function lineOf(event: WireEvent): string {
  return textOf(event.content).replace(/\s+/g, ' ').trim();
}

export function kindOfMedia(mimeType: string): string {
  const [kind = 'file', form = ''] = mimeType.split('/');
  if (kind === 'image') return 'Picture';
  if (kind === 'audio') return 'Sound';
  if (kind === 'video') return 'Video';
  return form === 'pdf' ? 'PDF' : 'File';
}

export function bytes(count: number | undefined): string {
  if (count === undefined) return '';
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${Math.round(count / 1024)} KB`;
  return `${(count / 1024 / 1024).toFixed(1)} MB`;
}
