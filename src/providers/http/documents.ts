/** Contents as documents of other systems, whose fields are written in snake_case, and back. */
import type { ContentInput, EventContent } from '../../core/models/content.js';
import { isFields, type Fields } from '../_shared/http/reading.js';

/** Every field of a content whose name has two words. */
const FIELDS = [
  'plainText',
  'quickReplies',
  'imageUrl',
  'mimeType',
  'sizeBytes',
  'durationSeconds',
  'thumbnailUrl',
  'templateId',
  'targetEventId',
  'newContent',
  'editSource',
  'deleteType',
] as const;

const SNAKE: ReadonlyMap<string, string> = new Map(FIELDS.map((name) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]));
const CAMEL: ReadonlyMap<string, string> = new Map([...SNAKE].map(([camel, snake]) => [snake, camel]));

/** What is in here is the user's, name and value. */
const FOREIGN: ReadonlySet<string> = new Set(['parameters', 'data']);

const MAX_DEPTH = 12;

/** The content for another system. */
export function documentOf(content: EventContent): Fields {
  return renamed(content, SNAKE, 0) as Fields; // an object becomes one
}

/** The content that another system has written; undefined when it is no object. The kit checks it, as it does all others. */
export function contentOf(document: unknown): ContentInput | undefined {
  if (!isFields(document)) return undefined;
  return renamed(document, CAMEL, 0) as EventContent; // or something that the kit refuses
}

function renamed(value: unknown, names: ReadonlyMap<string, string>, depth: number): unknown {
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((entry: unknown) => renamed(entry, names, depth + 1));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [names.get(name) ?? name, FOREIGN.has(name) ? inner : renamed(inner, names, depth + 1)]),
  );
}
