/** What content becomes on WhatsApp (WP-03): one message, or several. Pure. */
import { outboundMedia, outboundText, type OutboundMedia } from '../../channels/outbound-text.js';
import type { EventContent, LocationContent } from '../../core/models/content.js';
import { bareType } from '../_shared/content-type.js';
import type { WhatsAppPlace } from './driver.js';

/** One message to send. */
export type OutboundStep =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'file'; readonly kind: FileKind; readonly file: OutboundMedia; readonly caption?: string }
  | { readonly type: 'location'; readonly place: WhatsAppPlace };

/** As what a file is shown. */
export type FileKind = 'image' | 'video' | 'audio' | 'voice' | 'document';

/** What WhatsApp shows below a file. */
const MAX_CAPTION = 1024;

/** In order. The words become the caption of the first file that can have one; sounds cannot, so the words come first there. */
export function stepsFor(content: EventContent): readonly OutboundStep[] {
  const places = leavesOf(content).filter((leaf): leaf is LocationContent => leaf.type === 'location');
  const media = outboundMedia(content);
  const files = media.map((file) => ({ type: 'file' as const, kind: kindOf(file), file }));
  const words = (media.length <= 1 ? outboundText(content) : textWithout(content)) ?? '';
  const captioned = files.findIndex(({ kind }) => kind !== 'audio' && kind !== 'voice');
  const fits = captioned !== -1 && words !== '' && words.length <= MAX_CAPTION;
  const steps: OutboundStep[] = [];
  if (words !== '' && !fits) steps.push({ type: 'text', text: words });
  for (const [index, step] of files.entries()) {
    const own = media.length > 1 ? step.file.caption : undefined;
    const caption = [index === captioned && fits ? words : '', own ?? ''].filter((line) => line !== '').join('\n');
    const canHave = step.kind !== 'audio' && step.kind !== 'voice';
    if (caption !== '' && !canHave) steps.push({ type: 'text', text: caption });
    steps.push({ ...step, ...(caption !== '' && canHave && { caption }) });
  }
  for (const { latitude, longitude, label, address } of places) {
    const place = { latitude, longitude, ...(label !== undefined && { name: label }), ...(address !== undefined && { address }) };
    steps.push({ type: 'location', place });
  }
  return steps;
}

/** The words that can stand in the place of others; undefined where a file would have to. */
export function editedText(content: EventContent): string | undefined {
  return outboundMedia(content).length > 0 || leavesOf(content).some(({ type }) => type === 'location') ? undefined : outboundText(content);
}

/** Pictures that WhatsApp shows, films that it plays, sounds; a voice note is Opus in Ogg. All else is a document. */
function kindOf({ mimeType }: OutboundMedia): FileKind {
  const type = bareType(mimeType) ?? '';
  if (type === 'image/jpeg' || type === 'image/png' || type === 'image/webp') return 'image';
  if (type === 'video/mp4' || type === 'video/3gpp') return 'video';
  if (type === 'audio/ogg' || type === 'audio/opus') return 'voice';
  return type.startsWith('audio/') ? 'audio' : 'document';
}

/** The words of a composite beside its files; each file has its own below it. */
function textWithout(content: EventContent): string | undefined {
  if (content.type !== 'composite') return outboundText(content);
  const parts = leavesOf(content).filter(({ type }) => type !== 'media');
  return parts.length === 0 ? undefined : outboundText({ type: 'composite', parts });
}

const MAX_DEPTH = 5;

function leavesOf(content: EventContent, depth = 0): readonly EventContent[] {
  if (typeof content !== 'object' || (content as EventContent | null) === null) return []; // unchecked content may be anything
  if (content.type !== 'composite') return [content];
  if (depth === MAX_DEPTH || !Array.isArray(content.parts)) return [];
  return content.parts.flatMap((part: EventContent) => leavesOf(part, depth + 1));
}
