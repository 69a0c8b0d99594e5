/**
 * Files: uploaded to Meta when they are bytes, and fetched from Meta by their id.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
 */
import { RoomKitError } from '../../core/errors.js';
import type { FetchedMedia, MediaFetch, MediaFetchOptions } from '../../core/media/media-store.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import { dataUrlBytes } from '../_shared/graph/data-url.js';
import type { GraphClient } from '../_shared/graph/client.js';
import { graphRefusal } from '../_shared/graph/refusal.js';
import { MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { fieldsOf, textOf } from '../_shared/http/reading.js';
import type { WhatsAppAccount } from './config.js';
import type { FileField } from './messages.js';

/** Under this the media of messages stand in a room; {@link mediaIdOf} reads it back. It holds no credential and opens nothing by itself. */
export const MEDIA_URL = 'https://graph.facebook.com/';

/** Meta's id of a file, from its address in a room. */
export function mediaIdOf(url: string): string | undefined {
  return url.startsWith(MEDIA_URL) ? /^\d{5,30}$/.exec(url.slice(MEDIA_URL.length))?.[0] : undefined;
}

/** Where the file is for Meta: a link it fetches, or the id of what was uploaded. */
export async function fileSource(
  graph: GraphClient,
  phoneNumberId: string,
  file: FileField,
  signal: AbortSignal | undefined,
): Promise<{ readonly source: Readonly<Record<string, string>> } | { readonly failure: ProviderResult }> {
  if (/^https?:/i.test(file.url)) {
    const own = mediaIdOf(file.url);
    return { source: own === undefined ? { link: file.url } : { id: own } };
  }
  const data = dataUrlBytes(file.url);
  if (data === undefined || data.bytes.length === 0) return { failure: MEDIA_NOT_SUPPORTED };
  const form = new FormData();
  form.set('messaging_product', 'whatsapp');
  form.set('type', file.mimeType);
  form.set('file', new Blob([data.bytes], { type: file.mimeType }), file.filename ?? 'file');
  const outcome = await graph.upload(`${phoneNumberId}/media`, form, signal);
  if ('failure' in outcome) return { failure: outcome.failure };
  const id = textOf(fieldsOf(outcome.answer.json)['id']);
  return outcome.answer.status < 300 && id !== undefined ? { source: { id } } : { failure: graphRefusal(outcome.answer, graph.secrets) };
}

/** Where Meta's files lie: at an address that it tells for five minutes, behind the account's token. */
const FILE_HOST = 'lookaside.fbsbx.com';

/** Rejects with `media_unavailable`, or with what the fetch rejects with. */
export async function fetchGraphMedia(
  graph: GraphClient,
  { accessToken, baseUrl }: Pick<WhatsAppAccount, 'accessToken' | 'baseUrl'>,
  id: string,
  fetch: MediaFetch,
  options: MediaFetchOptions,
): Promise<FetchedMedia> {
  const outcome = await graph.get(id, options.signal);
  const failure = 'failure' in outcome ? outcome.failure : outcome.answer.status < 300 ? undefined : graphRefusal(outcome.answer, graph.secrets);
  const url = 'failure' in outcome || failure !== undefined ? undefined : textOf(fieldsOf(outcome.answer.json)['url']);
  if (url === undefined)
    throw new RoomKitError(
      'media_unavailable',
      `Meta does not say where a file is (${failure?.error ?? 'no url'}). It keeps the files of messages for a week.`,
      {
        retryable: failure?.retryable ?? false,
      },
    );
  const headers = { authorization: `Bearer ${accessToken.reveal()}` };
  return fetch(url, { ...options, credentials: { headers, hosts: [FILE_HOST, new URL(baseUrl).host] } });
}
