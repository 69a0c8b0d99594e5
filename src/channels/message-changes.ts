/**
 * What an edit or a delete comes to at a vendor's (TRC-06): a text may have gone out in several messages, and its new one may need
 * more of them, or fewer. Pure.
 */
import { limitLength, partsOf } from '../core/delivery/limit-length.js';
import { transcodeFor } from '../core/delivery/transcode.js';
import type { ChannelCapabilities } from '../core/models/capabilities.js';
import type { EventContent } from '../core/models/content.js';
import type { TransportRequest } from './transport.js';

/** An edit or a delete. */
export type MessageChange = Extract<EventContent, { type: 'edit' | 'delete' }>;

/** One call of the vendor: a message is changed or deleted, or without a target is a new one. */
export type ChangeStep = Pick<TransportRequest, 'content' | 'targetMessageId'>;

/**
 * Each message is changed to the part that takes its place, what is left over is deleted, and what is more is sent. Where nothing is
 * known of the messages, or what is left over cannot be deleted, it is said in words.
 */
export function changeSteps(change: MessageChange, ids: readonly string[], capabilities: ChannelCapabilities): readonly ChangeStep[] {
  if (ids.length === 0) return inWords(change, capabilities);
  if (change.type === 'delete') return ids.map((id) => ({ content: change, targetMessageId: id }));
  const { newContent, ...edit } = change;
  const texts = capabilities.overflow === 'split' ? partsOf(newContent, capabilities) : undefined;
  const contents: readonly (typeof newContent)[] = texts?.map((body) => ({ ...newContent, type: 'text', body })) ?? [newContent];
  if (ids.length > contents.length && !capabilities.supportsDelete) return inWords(change, capabilities);
  const steps: ChangeStep[] = contents.map((content, index) => {
    const id = ids[index];
    return id === undefined ? { content } : { content: { ...edit, newContent: content }, targetMessageId: id };
  });
  for (const id of ids.slice(contents.length)) steps.push({ content: { type: 'delete', targetEventId: change.targetEventId }, targetMessageId: id });
  return steps;
}

/** The ids of the message's parts after the change, which sent these new ones. */
export function idsAfter(steps: readonly ChangeStep[], sent: readonly string[]): readonly string[] {
  return steps.flatMap(({ content, targetMessageId }, index) => {
    if (content.type === 'delete') return [];
    return [targetMessageId ?? sent[index] ?? ''];
  });
}

function inWords(change: MessageChange, capabilities: ChannelCapabilities): readonly ChangeStep[] {
  const words = transcodeFor(change, { ...capabilities, supportsEdit: false, supportsDelete: false });
  if (words === null) return [{ content: change }];
  const parts = capabilities.overflow === 'split' ? partsOf(words, capabilities) : undefined;
  return parts?.map((body) => ({ content: { type: 'text', body } })) ?? [{ content: limitLength(words, capabilities) }];
}
