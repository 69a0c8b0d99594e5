/** Microsoft Teams by a bot of the Bot Framework. @see https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-quickstart */
import type { EphemeralRequest, TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookReply, WebhookRequest } from '../../channels/webhook.js';
import { RoomKitError } from '../../core/errors.js';
import type { ChannelFetchOptions, FetchedMedia } from '../../core/media/media-store.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Metadata } from '../../core/models/json.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { Sequences } from '../_shared/graph/sequence.js';
import { HttpClient } from '../_shared/http/client.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, textOf } from '../_shared/http/reading.js';
import { parseTeamsWebhook } from './activity.js';
import { teamsBot, type TeamsBot, type TeamsConfig } from './config.js';
import { Connector } from './connector.js';
import { activityIdIn, messageIdOf } from './ids.js';
import { teamsMessages, type TeamsMessage } from './messages.js';
import { reactionOf } from './reactions.js';
import type { ConversationReference } from './references.js';
import { trustedServiceUrl } from './service-url.js';
import { SigningKeys } from './signing-keys.js';
import { Tokens } from './tokens.js';
import { isFromTeams } from './verify.js';

const FEATURE = 'BotFrameworkTeamsProvider';

/** Nobody has written in this conversation yet, and no reference of it is kept. */
const NO_REFERENCE: ProviderResult = Object.freeze({ success: false, error: 'no_conversation_reference', retryable: false });

/** A conversation, and the message in it that is answered. */
interface Place {
  readonly reference: ConversationReference;
  /** Trusted, without a slash at its end. */
  readonly serviceUrl: string;
  readonly answers?: RoomEvent;
}

/**
 * Sends text, pictures, buttons, cards, edits, deletes, reactions and typing as a bot, and reads the activities that Teams calls with.
 * @example new TeamsChannel('teams', { provider: new BotFrameworkTeamsProvider({ appId, appPassword, tenantId }) })
 */
export class BotFrameworkTeamsProvider implements TransportProvider, WebhookProvider {
  readonly name = 'teams';
  readonly fetchesMedia = true;
  readonly #bot: TeamsBot;
  readonly #tokens: Tokens;
  readonly #connector: Connector;
  readonly #keys: SigningKeys;
  readonly #sequences = new Sequences();

  constructor(config: TeamsConfig) {
    this.#bot = teamsBot(FEATURE, config);
    const http = new HttpClient({ fetch: config.fetch, timeoutSeconds: this.#bot.timeoutSeconds });
    this.#tokens = new Tokens(http, this.#bot);
    this.#connector = new Connector(http, this.#tokens);
    this.#keys = new SigningKeys(http, this.#bot.openIdUrl);
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { content, targetMessageId, signal } = request;
    const isDelete = content.type === 'delete';
    const made = isDelete ? { messages: [] } : teamsMessages(content.type === 'edit' ? content.newContent : content);
    if ('refused' in made) return MEDIA_NOT_SUPPORTED;
    const [first] = made.messages;
    if (first === undefined && !isDelete) return EMPTY_MESSAGE;
    const place = await this.#placeOf(request);
    if (place === undefined) return NO_REFERENCE;
    if (isDelete) return targetMessageId === undefined ? EMPTY_MESSAGE : this.#change('DELETE', place, targetMessageId, undefined, signal);
    if (content.type === 'edit' && first !== undefined && targetMessageId !== undefined)
      return this.#change('PUT', place, targetMessageId, first, signal);
    return this.#sequences.run(request.idempotencyKey, made.messages, (message) => this.#post(place, message, signal));
  }

  async sendEphemeral(request: EphemeralRequest): Promise<void> {
    const { type, messageId, emoji = '', isRemoved } = request;
    const place = await this.#placeOf(request);
    if (place === undefined) return;
    if (type === 'typing_start') await this.#post({ reference: place.reference, serviceUrl: place.serviceUrl }, { type: 'typing' });
    const name = type === 'reaction' && messageId !== undefined ? reactionOf(emoji) : undefined;
    if (name === undefined || messageId === undefined) return;
    const url = `${activitiesOf(place)}/${encodeURIComponent(activityIdIn(messageId))}/reactions/${encodeURIComponent(name)}`;
    await this.#connector.call({ method: isRemoved === true ? 'DELETE' : 'PUT', url });
  }

  /** Pictures of people lie at the connector, which wants the bot's token for them. */
  async fetchMedia(url: string, { fetch, ...options }: ChannelFetchOptions): Promise<FetchedMedia | null> {
    const address = URL.canParse(url) ? new URL(url) : undefined;
    const isPicture = address !== undefined && /\/v3\/attachments\/[^/]+\/views\/[^/]+$/.test(address.pathname);
    if (!isPicture || trustedServiceUrl(url, this.#bot.allowedHosts) === undefined) return null;
    const given = await this.#tokens.get();
    if ('token' in given)
      return fetch(url, { ...options, credentials: { headers: { authorization: `Bearer ${given.token}` }, hosts: [address.host] } });
    const { error = 'unknown_error', retryable = false } = given.failure;
    throw new RoomKitError('media_unavailable', `There is no token to fetch a picture of Teams with (${error}).`, { retryable });
  }

  verify(request: WebhookRequest): Promise<boolean> {
    return isFromTeams(request, this.#bot, this.#keys);
  }

  parse({ body }: WebhookRequest): readonly WebhookMeta[] {
    return parseTeamsWebhook(bodyJson(body));
  }

  /** Teams wants an empty answer: what stands in one would be an answer to an invoke. */
  reply(): WebhookReply {
    return { status: 200 };
  }

  /** How the conversation is reached is kept once its message is. */
  async committed(metas: readonly WebhookMeta[]): Promise<void> {
    for (const meta of metas) {
      const reference = meta.type === 'message' ? referenceIn(meta.message.metadata) : meta.type === 'ignored' ? referenceIn(meta.data) : undefined;
      if (reference !== undefined && trustedServiceUrl(reference.serviceUrl, this.#bot.allowedHosts) !== undefined)
        await this.#bot.references.set(reference.conversationId, reference);
    }
  }

  /** The timeline is right after every restart, and in every process: it goes before what is remembered. */
  async #placeOf(request: Pick<TransportRequest, 'to' | 'binding' | 'answered'>): Promise<Place | undefined> {
    const { to = '', binding } = request;
    const answers = await request.answered?.();
    const told = referenceIn(answers?.metadata);
    const place = told?.conversationId === to ? this.#trusted(told) : undefined;
    if (place !== undefined) return { ...place, ...(answers !== undefined && { answers }) };
    return this.#trusted(await this.#known(to, binding.metadata));
  }

  /** What a host has put into the binding, else what was heard of. */
  async #known(to: string, metadata: Metadata): Promise<ConversationReference | undefined> {
    return referenceIn({ ...metadata, conversation_id: to }) ?? (await this.#bot.references.get(to));
  }

  #trusted(reference: ConversationReference | undefined): Place | undefined {
    const serviceUrl = trustedServiceUrl(reference?.serviceUrl, this.#bot.allowedHosts);
    return reference === undefined || serviceUrl === undefined ? undefined : { reference, serviceUrl };
  }

  async #post(place: Place, message: TeamsMessage, signal?: AbortSignal): Promise<ProviderResult> {
    const { conversationId } = place.reference;
    const answered = place.answers?.source.externalId;
    const body = { ...framed(place, message), ...(answered !== undefined && { replyToId: activityIdIn(answered) }) };
    const outcome = await this.#connector.call({ method: 'POST', url: activitiesOf(place), body, signal });
    if ('failure' in outcome) return outcome.failure;
    const id = textOf(fieldsOf(outcome.json)['id']);
    return { success: true, ...(id !== undefined && { providerMessageId: messageIdOf(conversationId, id) }) };
  }

  async #change(
    method: 'PUT' | 'DELETE',
    place: Place,
    messageId: string,
    message: TeamsMessage | undefined,
    signal: AbortSignal,
  ): Promise<ProviderResult> {
    const id = activityIdIn(messageId);
    const outcome = await this.#connector.call({
      method,
      url: `${activitiesOf(place)}/${encodeURIComponent(id)}`,
      ...(message !== undefined && { body: { ...framed(place, message), id } }),
      signal,
    });
    return 'failure' in outcome ? outcome.failure : { success: true, providerMessageId: messageId };
  }
}

function activitiesOf({ serviceUrl, reference }: Place): string {
  return `${serviceUrl}/v3/conversations/${encodeURIComponent(reference.conversationId)}/activities`;
}

function framed({ reference: { conversationId, botId } }: Place, message: TeamsMessage): Readonly<Record<string, unknown>> {
  return { ...message, conversation: { id: conversationId }, ...(botId !== undefined && { from: { id: botId } }) };
}

/** As {@link parseTeamsWebhook} leaves it with each message. */
function referenceIn(metadata: Metadata | undefined): ConversationReference | undefined {
  const { conversation_id: conversation, service_url: address, bot_id: bot, tenant_id: tenant } = metadata ?? {};
  const [conversationId, serviceUrl, botId, tenantId] = [textOf(conversation), textOf(address), textOf(bot), textOf(tenant)];
  if (conversationId === undefined || serviceUrl === undefined) return undefined;
  return { conversationId, serviceUrl, ...(botId !== undefined && { botId }), ...(tenantId !== undefined && { tenantId }) };
}
