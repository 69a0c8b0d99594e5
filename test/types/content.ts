/** Content is one union for all channels: what it is made of, and that nothing of it is forgotten. */
import type { textContent } from 'roomkit';
import type { AIContextPart, AIStreamItem, ContentInput, ContentType, EventContent, RichContent, RoomEvent, RoomKit, TextContent } from 'roomkit';
import type { ClientFrame, ConnectionFrame, StreamFrame, SteeringDirective, WebhookMeta } from 'roomkit';
import { never, type Equal, type Expect } from './assertions.js';

declare const kit: RoomKit;

export type Statements = [
  Expect<Equal<ContentType, 'text' | 'rich' | 'media' | 'location' | 'audio' | 'video' | 'composite' | 'system' | 'template' | 'edit' | 'delete'>>,
  Expect<Equal<ContentInput, EventContent | string>>,
  Expect<Equal<Extract<EventContent, { type: 'text' }>, TextContent>>,
  Expect<Equal<ReturnType<typeof textContent>, TextContent>>,
  Expect<Equal<RoomEvent['content'], EventContent>>,
];

/** Every kind is handled: one more would not compile here. */
export function nameOf(content: EventContent): string {
  switch (content.type) {
    case 'text':
    case 'rich':
    case 'system':
      return content.body;
    case 'media':
    case 'audio':
    case 'video':
      return content.url;
    case 'location':
      return content.label ?? `${content.latitude}, ${content.longitude}`;
    case 'composite':
      return content.parts.map(nameOf).join();
    case 'template':
      return content.templateId;
    case 'edit':
      return nameOf(content.newContent);
    case 'delete':
      return content.targetEventId;
    default:
      return never(content);
  }
}

/** Without one of them, what is left is not nothing. */
export function forgetful(content: EventContent): string {
  switch (content.type) {
    case 'text':
    case 'rich':
    case 'system':
    case 'media':
    case 'audio':
    case 'video':
    case 'location':
    case 'composite':
    case 'template':
    case 'edit':
      return content.type;
    default:
      // @ts-expect-error 2345: a delete is left
      return never(content);
  }
}

export function readStream(item: AIStreamItem): string {
  switch (item.type) {
    case 'text_delta':
    case 'thinking_delta':
      return item.text;
    case 'tool_call':
      return `${item.name}(${JSON.stringify(item.arguments)})`;
    case 'done':
      return item.finishReason ?? 'stop';
    default:
      return never(item);
  }
}

export function readPart(part: AIContextPart): string {
  switch (part.type) {
    case 'text':
    case 'thinking':
      return part.text;
    case 'image':
      return part.url;
    case 'tool_call':
      return part.id;
    case 'tool_result':
      return part.toolCallId;
    default:
      return never(part);
  }
}

export function readFrame(frame: ConnectionFrame | StreamFrame): string {
  switch (frame.type) {
    case 'event':
    case 'stream_end':
      return frame.event.id;
    case 'resync':
      return String(frame.fromIndex);
    case 'stream_start':
      return frame.source.channelId;
    case 'stream_chunk':
      return frame.delta;
    case 'stream_error':
      return frame.code;
    default:
      return never(frame);
  }
}

export function readWebhook(meta: WebhookMeta): string {
  switch (meta.type) {
    case 'message':
      return meta.message.senderId;
    case 'status':
      return meta.status.messageId;
    case 'ignored':
      return meta.reason ?? '';
    default:
      return never(meta);
  }
}

export function readDirective(directive: SteeringDirective): string {
  switch (directive.type) {
    case 'inject_message':
      return typeof directive.content === 'string' ? directive.content : directive.content.map(readPart).join();
    case 'update_system_prompt':
      return directive.append;
    case 'cancel':
      return directive.reason ?? '';
    default:
      return never(directive);
  }
}

export const frames = [
  { type: 'hello', version: 1 },
  { type: 'send', id: '1', roomId: 'r', content: { type: 'text', body: 'Hi' } },
  { type: 'typing', roomId: 'r', on: true },
] satisfies ClientFrame[];

export const contents = [
  { type: 'text', body: 'Hi' },
  { type: 'rich', body: '**Hi**', buttons: [{ id: 'y', label: 'Yes', kind: 'reply' }], quickReplies: ['No', { id: 'm', label: 'Maybe' }] },
  { type: 'media', url: 'https://example.com/a.png', mimeType: 'image/png' },
  { type: 'location', latitude: 1, longitude: 2 },
  {
    type: 'composite',
    parts: [
      { type: 'text', body: 'a' },
      { type: 'audio', url: 'https://example.com/a.ogg' },
    ],
  },
  { type: 'template', templateId: 'welcome', parameters: { name: 'Ada' } },
  { type: 'edit', targetEventId: 'e', newContent: { type: 'text', body: 'b' } },
  { type: 'delete', targetEventId: 'e', deleteType: 'admin' },
] satisfies EventContent[];

// A bare string is text wherever content goes.
await kit.sendEvent('room', 'web', 'Hi');
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: contents[0] ?? 'Hi' });

// @ts-expect-error 2322: no such content
export const card: EventContent = { type: 'card', title: 'x' };
// @ts-expect-error 2353: text has a body
export const empty: EventContent = { type: 'text', text: 'Hi' };
// @ts-expect-error 2322: a place has two numbers
export const half: EventContent = { type: 'location', latitude: 1 };
// @ts-expect-error 2322: a button says what it does
export const button: RichContent = { type: 'rich', body: '', buttons: [{ id: 'a', label: 'A', kind: 'submit' }] };
// @ts-expect-error 2322: nobody deletes by such a right
export const deletion: EventContent = { type: 'delete', targetEventId: 'e', deleteType: 'owner' };
// @ts-expect-error 2322: parameters of templates are text
export const template: EventContent = { type: 'template', templateId: 't', parameters: { count: 3 } };
// @ts-expect-error 2345: a number is no content
await kit.sendEvent('room', 'web', 7);
// @ts-expect-error 2322: nor is a message without one
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: undefined });
// @ts-expect-error 2339: not all content has a body
contents.map((content: EventContent) => content.body);
