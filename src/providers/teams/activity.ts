/**
 * What an activity says. Pure; whatever it is given, it does not throw (PV-06).
 * @see https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
 */
import { inboundContent } from '../../channels/inbound-content.js';
import type { InboundMessage } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { fieldsOf, isFields, isoOf, listOf, textOf, type Fields } from '../_shared/http/reading.js';
import { mediaIn } from './attachments.js';
import { messageIdOf } from './ids.js';
import { decodeEntities } from './markup.js';
import { emojiOf } from './reactions.js';
import { tapIn } from './taps.js';

/** Where an activity comes from, and who is in it; what is not told is absent. */
export interface TeamsActivity {
  readonly activityType: string;
  readonly conversationId?: string;
  /** `personal`, `groupChat` or `channel`. */
  readonly conversationType: string;
  readonly isGroup: boolean;
  readonly serviceUrl?: string;
  readonly tenantId?: string;
  readonly senderId?: string;
  readonly senderName?: string;
  /** The recipient. */
  readonly botId?: string;
  /** Ids. */
  readonly membersAdded: readonly string[];
  readonly membersRemoved: readonly string[];
}

/** What every activity says of itself, whatever its kind. Pure; it does not throw. */
export function parseTeamsActivity(payload: unknown): TeamsActivity {
  const activity = fieldsOf(payload);
  const conversation = fieldsOf(activity['conversation']);
  const from = fieldsOf(activity['from']);
  const conversationType = textOf(conversation['conversationType']) ?? 'personal';
  const isGroup = conversation['isGroup'] === true || conversationType === 'groupChat' || conversationType === 'channel';
  const tenantId = textOf(conversation['tenantId']) ?? textOf(fieldsOf(fieldsOf(activity['channelData'])['tenant'])['id']);
  const told = {
    conversationId: textOf(conversation['id']),
    serviceUrl: textOf(activity['serviceUrl']),
    tenantId,
    senderId: textOf(from['id']),
    senderName: textOf(from['name']),
    botId: textOf(fieldsOf(activity['recipient'])['id']),
  };
  return {
    activityType: textOf(activity['type']) ?? '',
    conversationType,
    isGroup,
    membersAdded: idsIn(activity['membersAdded']),
    membersRemoved: idsIn(activity['membersRemoved']),
    ...(Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as Partial<Record<keyof typeof told, string>>),
  };
}

/** Whether the bot itself was added to a conversation: the moment for a greeting. `botId` is the recipient's unless told otherwise. */
export function isBotAdded(payload: unknown, botId?: string): boolean {
  const activity = parseTeamsActivity(payload);
  const id = botId ?? activity.botId;
  return activity.activityType === 'conversationUpdate' && id !== undefined && activity.membersAdded.includes(id);
}

function idsIn(members: unknown): readonly string[] {
  return listOf(members).flatMap((member) => textOf(fieldsOf(member)['id']) ?? []);
}

/** Messages, edits, deletes and reactions of people; everything else is ignored with its reason. */
export function parseTeamsWebhook(payload: unknown): readonly WebhookMeta[] {
  const raw = fieldsOf(payload);
  const about = parseTeamsActivity(raw);
  const { senderId, conversationId } = about;
  if (senderId === undefined || conversationId === undefined) return [ignored('no sender or no conversation', about)];
  const shell: Shell = { raw, about, senderId, conversationId };
  switch (about.activityType) {
    case 'message':
      return [messageOf(shell)];
    case 'messageUpdate':
      return [editOf(shell)];
    case 'messageDelete':
      return [deleteOf(shell)];
    case 'messageReaction':
      return reactionsOf(shell);
    case 'typing':
      return [
        whole(shell, `typing:${textOf(raw['id']) ?? textOf(raw['timestamp']) ?? ''}`, { content: { type: 'text', body: '' }, eventType: 'typing' }),
      ];
    case 'invoke':
      return [ignored(`invoke ${textOf(raw['name']) ?? 'without a name'}`, about)];
    case 'conversationUpdate':
      return [ignored(isBotAdded(raw) ? 'the bot was added' : 'conversationUpdate', about)];
    default:
      return [ignored(about.activityType === '' ? 'no type' : `activity ${about.activityType}`, about)];
  }
}

interface Shell {
  readonly raw: Fields;
  readonly about: TeamsActivity;
  readonly senderId: string;
  readonly conversationId: string;
}

/** With it goes how the conversation is reached: the bot may be about to greet it. */
function ignored(reason: string, { conversationId, serviceUrl, botId, tenantId }: TeamsActivity): WebhookMeta {
  if (conversationId === undefined || serviceUrl === undefined) return { type: 'ignored', reason };
  const data = {
    conversation_id: conversationId,
    service_url: serviceUrl,
    ...(botId !== undefined && { bot_id: botId }),
    ...(tenantId !== undefined && { tenant_id: tenantId }),
  };
  return { type: 'ignored', reason, data };
}

function messageOf(shell: Shell): WebhookMeta {
  const { raw, about, conversationId } = shell;
  const id = textOf(raw['id']);
  if (id === undefined) return ignored('no id', about);
  const tap = tapIn(raw['value']);
  const text = wordsOf(raw, about);
  const content = inboundContent({ body: text === '' ? tap?.label : text, media: mediaIn(raw['attachments']) });
  if (content.type === 'text' && content.body === '') return ignored('nothing that a room could show', about);
  const repliesTo = textOf(raw['replyToId']);
  return whole(shell, id, {
    content,
    ...(repliesTo !== undefined && { repliesTo: [messageIdOf(conversationId, repliesTo)] }),
    metadata: {
      ...(tap !== undefined && { action: tap.action }),
      ...(tap?.inputs !== undefined && { inputs: tap.inputs }),
      ...(repliesTo !== undefined && { reply_to_message_id: messageIdOf(conversationId, repliesTo) }),
      ...(repliesTo !== undefined && tap !== undefined && { target_external_id: messageIdOf(conversationId, repliesTo) }),
    },
  });
}

/** The bot's own mention goes in groups, where one has to write it; those of others are their names. */
function wordsOf(raw: Fields, { isGroup, botId }: TeamsActivity): string {
  let text = textOf(raw['text']) ?? '';
  const own = isGroup ? mentionsIn(raw).filter(({ id, words }) => id === botId && words !== '') : [];
  for (const { words } of own) text = text.replaceAll(words, ' ');
  const shown = decodeEntities(text.replace(/<at\b[^>]*>([\s\S]*?)<\/at>/gi, '$1')).trim();
  return own.length > 0 ? shown.replace(/[ \t\u00a0]{2,}/g, ' ') : shown; // where the mention stood
}

function mentionsIn(raw: Fields): readonly { readonly id: string | undefined; readonly words: string }[] {
  return listOf(raw['entities'])
    .map(fieldsOf)
    .filter(({ type }) => type === 'mention')
    .map(({ mentioned, text }) => ({ id: textOf(fieldsOf(mentioned)['id']), words: textOf(text) ?? '' }));
}

function editOf(shell: Shell): WebhookMeta {
  const { raw, about, conversationId } = shell;
  const id = textOf(raw['id']);
  const kind = textOf(fieldsOf(raw['channelData'])['eventType']) ?? 'editMessage';
  if (id === undefined) return ignored('an edit of nothing', about);
  if (kind !== 'editMessage') return ignored(kind, about);
  const target = messageIdOf(conversationId, id);
  const newContent = inboundContent({ body: wordsOf(raw, about), media: mediaIn(raw['attachments']) });
  return whole(shell, `${id}:edit:${textOf(raw['timestamp']) ?? JSON.stringify(newContent)}`, {
    content: { type: 'edit', targetEventId: target, newContent },
    metadata: { target_external_id: target },
  });
}

function deleteOf(shell: Shell): WebhookMeta {
  const { raw, about, conversationId } = shell;
  const id = textOf(raw['id']);
  if (id === undefined) return ignored('a delete of nothing', about);
  const target = messageIdOf(conversationId, id);
  return whole(shell, `${id}:delete`, {
    content: { type: 'delete', targetEventId: target, deleteType: 'sender' },
    metadata: { target_external_id: target },
  });
}

function reactionsOf(shell: Shell): readonly WebhookMeta[] {
  const { raw, about, conversationId } = shell;
  const target = textOf(raw['replyToId']);
  if (target === undefined) return [ignored('a reaction to nothing', about)];
  const metas = (['add', 'remove'] as const).flatMap((action) =>
    listOf(raw[action === 'add' ? 'reactionsAdded' : 'reactionsRemoved']).flatMap((reaction): WebhookMeta[] => {
      const type = textOf(fieldsOf(reaction)['type']);
      if (type === undefined) return [];
      const emoji = emojiOf(type);
      const key = [target, action, type, textOf(raw['id']) ?? textOf(raw['timestamp']) ?? '', shell.senderId].join(':');
      return [
        whole(shell, key, {
          content: { type: 'text', body: emoji },
          eventType: 'reaction',
          metadata: { target_external_id: messageIdOf(conversationId, target), action, emoji, reaction_type: type },
        }),
      ];
    }),
  );
  return metas.length === 0 ? [ignored('a reaction without a type', about)] : metas;
}

function whole(
  { raw, about, senderId, conversationId }: Shell,
  id: string,
  said: Pick<InboundMessage, 'content' | 'eventType' | 'repliesTo' | 'metadata'>,
): WebhookMeta {
  const { senderName, conversationType, isGroup, serviceUrl, tenantId, botId } = about;
  const timestamp = isoOf(raw['timestamp']);
  const aadObjectId = textOf(fieldsOf(raw['from'])['aadObjectId']);
  const isMentioned = !isGroup || mentionsIn(raw).some((mention) => mention.id !== undefined && mention.id === botId);
  const externalId = messageIdOf(conversationId, id);
  return {
    type: 'message',
    message: {
      senderId,
      content: said.content,
      ...(said.eventType !== undefined && { eventType: said.eventType }),
      ...(said.repliesTo !== undefined && { repliesTo: said.repliesTo }),
      externalId,
      providerMessageId: externalId,
      idempotencyKey: externalId,
      rawPayload: isFields(raw) ? { ...raw } : {},
      metadata: {
        ...(senderName !== undefined && { sender_name: senderName }),
        ...(aadObjectId !== undefined && { aad_object_id: aadObjectId }),
        conversation_id: conversationId,
        conversation_type: conversationType,
        is_group: isGroup,
        bot_mentioned: isMentioned,
        ...(serviceUrl !== undefined && { service_url: serviceUrl }),
        ...(tenantId !== undefined && { tenant_id: tenantId }),
        ...(botId !== undefined && { bot_id: botId }),
        ...(timestamp !== undefined && { timestamp }),
        ...said.metadata,
      },
    },
  };
}
