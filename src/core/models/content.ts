/** What an event says: one union for all channels and vendors (behaviour §3.1). */
import type { DeleteType } from './vocabulary.js';

/** Plain text. */
export interface TextContent {
  readonly type: 'text';
  /** May be empty. At most 1,000,000 UTF-16 units (CON-13). */
  readonly body: string;
  /** BCP 47 language tag. */
  readonly language?: string;
}

/** Something to tap. What comes back is text with `metadata.action`, alike for every vendor (§3.1). */
export interface Button {
  readonly id: string;
  readonly label: string;
  readonly kind: 'reply' | 'url' | 'call' | 'location_request';
  /** What a tap reports back in `metadata.action.value`. */
  readonly value?: string;
  readonly url?: string;
  readonly phone?: string;
}

/** A card with picture, text and buttons; several in one content are a carousel. */
export interface Card {
  readonly id?: string;
  readonly title: string;
  readonly subtitle?: string;
  readonly body?: string;
  readonly imageUrl?: string;
  readonly url?: string;
  readonly buttons?: readonly Button[];
}

/** A suggested answer. A bare string is its own id and label. */
export type QuickReply = string | { readonly id: string; readonly label: string; readonly value?: string; readonly imageUrl?: string };

/** Formatted text with buttons, cards and suggested answers. What a channel cannot show becomes numbered lines of text. */
export interface RichContent {
  readonly type: 'rich';
  readonly body: string;
  /** Default `markdown`. */
  readonly format?: 'markdown' | 'html';
  readonly plainText?: string;
  readonly buttons?: readonly Button[];
  /** Two or more are a carousel. */
  readonly cards?: readonly Card[];
  readonly quickReplies?: readonly QuickReply[];
}

/** A file or picture by its url. Its bytes live elsewhere, for example in a media store. */
export interface MediaContent {
  readonly type: 'media';
  /** `http:`, `https:` or `data:` (≤ 1 MiB). */
  readonly url: string;
  readonly mimeType: string;
  readonly filename?: string;
  readonly sizeBytes?: number;
  readonly caption?: string;
}

/** A place. */
export interface LocationContent {
  readonly type: 'location';
  /** Degrees, −90..90. */
  readonly latitude: number;
  /** Degrees, −180..180. */
  readonly longitude: number;
  readonly label?: string;
  readonly address?: string;
}

/** A voice message. Channels without audio get its transcript, when there is one. */
export interface AudioContent {
  readonly type: 'audio';
  readonly url: string;
  /** Default `audio/ogg`. */
  readonly mimeType?: string;
  readonly durationSeconds?: number;
  readonly transcript?: string;
}

/** A film by its url. */
export interface VideoContent {
  readonly type: 'video';
  /** `http:` or `https:`. */
  readonly url: string;
  /** Default `video/mp4`. */
  readonly mimeType?: string;
  readonly durationSeconds?: number;
  readonly thumbnailUrl?: string;
}

/** Several contents as one message. */
export interface CompositeContent {
  readonly type: 'composite';
  /** At least one; nested at most five deep. */
  readonly parts: readonly EventContent[];
}

/** What the kit itself reports in a timeline: `code` says it to programs, `body` to people. */
export interface SystemContent {
  readonly type: 'system';
  readonly body: string;
  readonly code?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A message the vendor has approved beforehand; `body` is what channels without templates show. */
export interface TemplateContent {
  readonly type: 'template';
  readonly templateId: string;
  /** Default `en`. */
  readonly language?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Puts other content in the place of an earlier event's (§13). */
export interface EditContent {
  readonly type: 'edit';
  readonly targetEventId: string;
  /** Neither an edit nor a delete. */
  readonly newContent: EventContent;
  /** Who edits; anything but `system` and `admin` counts as `sender` (EDT-03). */
  readonly editSource?: string;
}

/** Takes back an earlier event (§13): it stays in the timeline, marked as deleted, and is shown to nobody. */
export interface DeleteContent {
  readonly type: 'delete';
  readonly targetEventId: string;
  /** Default `sender`. */
  readonly deleteType?: DeleteType;
  readonly reason?: string;
}

/** What an event says, told apart by `type`. A `switch` over it is exhaustive. */
export type EventContent =
  | TextContent
  | RichContent
  | MediaContent
  | LocationContent
  | AudioContent
  | VideoContent
  | CompositeContent
  | SystemContent
  | TemplateContent
  | EditContent
  | DeleteContent;

/** The value of `type` of every content. */
export type ContentType = EventContent['type'];

/** Wherever content is taken, a bare string stands for text (CON-06). */
export type ContentInput = EventContent | string;

/** Text content; `textContent('Hi')` is `{ type: 'text', body: 'Hi' }`. */
export function textContent(body: string, language?: string): TextContent {
  return language === undefined ? { type: 'text', body } : { type: 'text', body, language };
}
