/** What an event says, as JSON has it. The kit itself checks what comes in; these schemas tell what that is. */
import { z } from 'zod';
import { parseContent, ValidationError, type EventContent } from '../../core/index.js';

const url = z.string().min(1).max(16_384);
const word = z.string().min(1);
const body = z.string().max(1_000_000);

const Button = z
  .looseObject({
    id: word,
    label: word,
    kind: z.enum(['reply', 'url', 'call', 'location_request']),
    value: z.string().optional(),
    url: url.optional(),
    phone: z.string().optional(),
  })
  .meta({ id: 'Button' });

const Card = z
  .looseObject({
    id: z.string().optional(),
    title: word,
    subtitle: z.string().optional(),
    body: z.string().optional(),
    imageUrl: url.optional(),
    url: url.optional(),
    buttons: z.array(Button).max(100).optional(),
  })
  .meta({ id: 'Card' });

const QuickReply = z.union([z.string(), z.looseObject({ id: word, label: word, value: z.string().optional(), imageUrl: url.optional() })]);

/** Told apart by `type`. */
export const Content: z.ZodType<EventContent> = z
  .discriminatedUnion('type', [
    z.looseObject({ type: z.literal('text'), body, language: z.string().optional() }),
    z.looseObject({
      type: z.literal('rich'),
      body,
      format: z.enum(['markdown', 'html']).optional(),
      plainText: body.optional(),
      buttons: z.array(Button).max(100).optional(),
      cards: z.array(Card).max(100).optional(),
      quickReplies: z.array(QuickReply).max(100).optional(),
    }),
    z.looseObject({
      type: z.literal('media'),
      url: z
        .string()
        .min(1)
        .max(1024 * 1024),
      mimeType: word,
      filename: z.string().optional(),
      sizeBytes: z.number().optional(),
      caption: body.optional(),
    }),
    z.looseObject({
      type: z.literal('location'),
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      label: z.string().optional(),
      address: z.string().optional(),
    }),
    z.looseObject({
      type: z.literal('audio'),
      url: z
        .string()
        .min(1)
        .max(1024 * 1024),
      mimeType: z.string().optional(),
      durationSeconds: z.number().optional(),
      transcript: z.string().optional(),
    }),
    z.looseObject({
      type: z.literal('video'),
      url,
      mimeType: z.string().optional(),
      durationSeconds: z.number().optional(),
      thumbnailUrl: url.optional(),
    }),
    z.looseObject({
      type: z.literal('composite'),
      get parts() {
        return z.array(Content).min(1).max(100);
      },
    }),
    z.looseObject({
      type: z.literal('system'),
      body,
      code: z.string().optional(),
      data: z.record(z.string(), z.unknown()).optional(),
    }),
    z.looseObject({
      type: z.literal('template'),
      templateId: word,
      language: z.string().optional(),
      parameters: z.record(z.string(), word).optional(),
      body: z.string().optional(),
    }),
    z.looseObject({
      type: z.literal('edit'),
      targetEventId: word,
      get newContent() {
        return Content;
      },
      editSource: z.string().optional(),
    }),
    z.looseObject({
      type: z.literal('delete'),
      targetEventId: word,
      deleteType: z.enum(['sender', 'system', 'admin']).optional(),
      reason: z.string().optional(),
    }),
  ])
  .meta({ id: 'Content', description: 'What an event says, told apart by `type`.' });

/** A bare string stands for text (CON-06). Checked by the kit, whose words say what is wrong. */
export const contentInput: z.ZodType<EventContent, unknown> = z
  .unknown()
  .transform((given, context) => {
    try {
      return parseContent(given);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      context.addIssue(error.message);
      return z.NEVER;
    }
  })
  .meta({ anyOf: [{ type: 'string' }, { $ref: '#/components/schemas/Content' }] });
