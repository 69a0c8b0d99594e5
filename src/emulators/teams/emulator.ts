/**
 * Microsoft's side of a Teams bot on loopback: the token endpoint of Entra, the keys of the Bot Framework, the connector, and
 * people who have Teams. @see https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
 */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { isFields } from '../problem.js';
import { VendorEmulator, type VendorEmulatorOptions } from '../vendor-emulator.js';
import { checkActivity } from './check-activity.js';
import { TeamsConversation, type TeamsNetwork } from './conversation.js';
import { Login, type TeamsRegistration } from './login.js';
import { answerJson, LoginRefusal, TeamsRefusal } from './refusal.js';
import { SigningKey } from './signing.js';

/** What the emulator is started with. */
export interface TeamsEmulatorOptions extends VendorEmulatorOptions, Partial<TeamsRegistration> {
  /** Default `Test Bot`. */
  readonly botName?: string;
  /** The channels for which the key may sign. Default `msteams` among others. */
  readonly endorsements?: readonly string[];
}

const HOUR_SECONDS = 3600;

/**
 * The emulator. Point `loginUrl` of a provider at its `url` and `openIdUrl` at its `openIdUrl`, and allow its `serviceHost`.
 * @example
 * await using teams = await TeamsEmulator.start();
 * const conversation = teams.conversation('ada');
 * await conversation.write('Is my parcel on its way?');
 * await conversation.waitFor('on its way');
 */
export class TeamsEmulator extends VendorEmulator {
  readonly appId: string;
  readonly appPassword: string;
  readonly tenantId: string;
  readonly botName: string;
  readonly #login: Login;
  readonly #key = new SigningKey();
  readonly #endorsements: readonly string[];
  readonly #conversations: TeamsConversation[] = [];
  readonly #pictures = new Map<string, { readonly bytes: Uint8Array; readonly mimeType: string }>();
  readonly #sent = new Map<string, string>();
  readonly #network: TeamsNetwork;
  #lastId = 1_764_000_000_000;

  private constructor(options: TeamsEmulatorOptions) {
    super(options);
    this.appId = options.appId ?? '00001111-aaaa-2222-bbbb-3333cccc4444';
    this.appPassword = options.appPassword ?? 'the-client-secret-of-the-bot';
    this.tenantId = options.tenantId ?? 'aaaabbbb-0000-cccc-1111-dddd2222eeee';
    this.botName = options.botName ?? 'Test Bot';
    this.#endorsements = options.endorsements ?? ['msteams', 'webchat', 'emulator'];
    const { appId, appPassword, tenantId } = this;
    const { certificate, tokenSeconds = HOUR_SECONDS } = options;
    this.#login = new Login({ appId, appPassword, tenantId, tokenSeconds, ...(certificate !== undefined && { certificate }) });
    this.#network = {
      happened: (conversation, activity) => this.#happened(conversation, activity),
      newId: () => String(++this.#lastId),
      keep: (bytes, mimeType) => {
        const id = `0-weu-d1-${this.#network.newId()}`;
        this.#pictures.set(id, { bytes, mimeType });
        return `${this.serviceUrl}v3/attachments/${id}/views/original`;
      },
      botName: this.botName,
      botId: `28:${appId}`,
    };
  }

  /** Starts one on a free port. */
  static async start(options: TeamsEmulatorOptions = {}): Promise<TeamsEmulator> {
    const emulator = new TeamsEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** Where its OpenID configuration stands. */
  get openIdUrl(): string {
    return `${this.url}/v1/.well-known/openidconfiguration`;
  }

  /** The connector's address, as each activity names it. */
  get serviceUrl(): string {
    return `${this.url}/emea/`;
  }

  /** For `allowedServiceHosts`. */
  get serviceHost(): string {
    return new URL(this.url).host;
  }

  /** The conversation of a person with the bot, or of several who name the same group; made when first asked for. */
  conversation(name: string, { group }: { readonly group?: string } = {}): TeamsConversation {
    const id = group === undefined ? `a:${hashOf(name)}` : `19:${hashOf(group)}@thread.v2`;
    const known = this.#conversations.find((one) => one.id === id && one.name === name);
    if (known !== undefined) return known;
    const type = group === undefined ? 'personal' : 'groupChat';
    const made = new TeamsConversation({ name, id, personId: `29:${hashOf(`person ${name}`)}`, type }, this.#network);
    this.#conversations.push(made);
    return made;
  }

  /** What a call is signed with: the claims of Microsoft's, unless told otherwise. */
  bearer(claims: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const usual = { serviceurl: this.serviceUrl, nbf: now, exp: now + HOUR_SECONDS, iss: 'https://api.botframework.com', aud: this.appId };
    return `Bearer ${this.#key.token({ ...usual, ...claims }, header)}`;
  }

  /** Another key signs from now on. */
  rotateKeys(): void {
    this.#key.rotate();
  }

  /** No token that was given out is taken any more. */
  revokeTokens(): void {
    this.#login.revoke();
  }

  protected answer(request: RecordedRequest, response: ServerResponse): void {
    const { pathname } = new URL(request.path, this.url);
    try {
      const tenant = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(pathname)?.[1];
      if (tenant !== undefined) answerJson(response, 200, this.#login.issue(request, tenant, `${this.url}${pathname}`));
      else if (pathname === '/v1/.well-known/openidconfiguration') answerJson(response, 200, this.#configuration());
      else if (pathname === '/v1/.well-known/keys') answerJson(response, 200, this.#key.document(this.#endorsements));
      else if (pathname.startsWith('/emea/v3/attachments/')) this.#give(request, pathname, response);
      else this.#connect(request, pathname, response);
    } catch (error) {
      if (!(error instanceof TeamsRefusal) && !(error instanceof LoginRefusal)) throw error;
      answerJson(response, error.status, error.body);
    }
  }

  protected failureBody(status: number): unknown {
    const [code, message] = FAILURES[status] ?? ['ServiceError', 'The service has failed'];
    return { error: { code, message } };
  }

  #configuration(): unknown {
    return {
      issuer: 'https://api.botframework.com',
      authorization_endpoint: 'https://invalid.botframework.com',
      jwks_uri: `${this.url}/v1/.well-known/keys`,
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    };
  }

  #give(request: RecordedRequest, pathname: string, response: ServerResponse): void {
    if (!this.#login.knows(request.headers.authorization)) throw denied();
    const picture = this.#pictures.get(/^\/emea\/v3\/attachments\/([^/]+)\/views\/original$/.exec(pathname)?.[1] ?? '');
    if (picture === undefined) throw new TeamsRefusal(404, 'NotFound', 'Attachment not found.');
    response.writeHead(200, { 'content-type': picture.mimeType });
    response.end(picture.bytes);
  }

  #connect(request: RecordedRequest, pathname: string, response: ServerResponse): void {
    const path = /^\/emea\/v3\/conversations\/([^/]+)\/activities(?:\/([^/]+)(?:\/reactions\/([^/]+))?)?$/.exec(pathname);
    if (path === null) throw new TeamsRefusal(404, 'NotFound', `There is nothing at ${pathname}`);
    if (!this.#login.knows(request.headers.authorization)) throw denied();
    const [conversationId = '', activityId, reaction] = path
      .slice(1)
      .map((part: string | undefined) => (part === undefined ? undefined : decodeURIComponent(part)));
    const members = this.#conversations.filter(({ id }) => id === conversationId);
    if (members.length === 0) throw new TeamsRefusal(404, 'ConversationNotFound', 'Conversation not found.');
    if (members.every(({ isBlocked }) => isBlocked))
      throw new TeamsRefusal(403, 'ConversationBlockedByUser', 'User blocked the conversation with the bot.');
    if (activityId !== undefined && reaction !== undefined) {
      if (request.method !== 'PUT' && request.method !== 'DELETE') throw new TeamsRefusal(405, 'MethodNotAllowed', 'The method is not allowed');
      for (const member of members) member.reacted(activityId, reaction, request.method === 'PUT');
      answerJson(response, 200, {});
    } else if (activityId === undefined) answerJson(response, 201, this.#receive(request, members));
    else answerJson(response, 200, this.#change(request, members, activityId));
  }

  #receive(request: RecordedRequest, members: readonly TeamsConversation[]): unknown {
    const activity = isFields(request.body) ? request.body : {};
    if (request.method !== 'POST') throw new TeamsRefusal(405, 'MethodNotAllowed', 'The method is not allowed');
    if (activity['type'] === 'typing') {
      for (const member of members) member.isTypingShown = true;
      return { id: this.#network.newId() };
    }
    if (activity['type'] !== 'message') throw new TeamsRefusal(400, 'BadArgument', 'Unknown activity type');
    const checked = checkActivity(activity, request.text);
    const { replyToId } = activity;
    const id = this.#network.newId();
    this.#sent.set(id, members[0]?.id ?? '');
    for (const member of members) member.receive({ id, ...checked, ...(typeof replyToId === 'string' && { replyToId }) });
    return { id };
  }

  #change(request: RecordedRequest, members: readonly TeamsConversation[], id: string): unknown {
    if (this.#sent.get(id) !== members[0]?.id)
      throw new TeamsRefusal(404, 'ActivityNotFoundInConversation', 'The bot has no such activity in this conversation.');
    if (request.method === 'DELETE') {
      this.#sent.delete(id);
      for (const member of members) member.takeBack(id);
      return {};
    }
    if (request.method !== 'PUT') throw new TeamsRefusal(405, 'MethodNotAllowed', 'The method is not allowed');
    const checked = checkActivity(isFields(request.body) ? request.body : {}, request.text);
    for (const member of members) member.receive({ id, ...checked });
    return { id };
  }

  async #happened(conversation: TeamsConversation, activity: Readonly<Record<string, unknown>>): Promise<number> {
    if (this.webhookUrl === undefined) throw new Error('The emulator does not know the webhook: set webhookUrl.');
    const { id, name, personId, type } = conversation;
    const { channelData, ...said } = activity;
    const whole = {
      timestamp: new Date().toISOString(),
      serviceUrl: this.serviceUrl,
      channelId: 'msteams',
      from: { id: personId, name, aadObjectId: '11112222-bbbb-3333-cccc-4444dddd5555' },
      conversation: { conversationType: type, tenantId: this.tenantId, id, ...(type === 'groupChat' && { isGroup: true }) },
      recipient: { id: this.#network.botId, name: this.botName },
      locale: 'en-GB',
      ...said,
      channelData: { tenant: { id: this.tenantId }, ...(isFields(channelData) ? channelData : {}) },
    };
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: this.bearer() };
    return (await this.callWebhook(this.webhookUrl, headers, JSON.stringify(whole))).status;
  }
}

const FAILURES: Readonly<Record<number, readonly [string, string]>> = {
  400: ['BadArgument', 'The request is not valid'],
  401: ['Unauthorized', 'Authorization has been denied for this request.'],
  403: ['ForbiddenOperationException', 'The bot is not installed in this conversation'],
  404: ['ConversationNotFound', 'Conversation not found.'],
  412: ['PreconditionFailed', 'Precondition failed, please try again.'],
  413: ['MessageSizeTooBig', 'Message size too large.'],
  429: ['Throttled', 'Too many requests.'],
};

function denied(): TeamsRefusal {
  return new TeamsRefusal(401, 'Unauthorized', 'Authorization has been denied for this request.');
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url').slice(0, 24);
}
