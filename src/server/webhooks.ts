/**
 * The webhooks of the kit's channels: `/webhooks/{channelId}`, and whatever a vendor wants below it. Callers are authenticated
 * by their vendor's signature alone (WHK-03, AUTH-11).
 */
import { createWebhookHandler, type WebhookHandler, type WebhookProvider } from '../channels/index.js';
import { ValidationError, type RoomKit } from '../core/index.js';
import { Refusal } from './problem.js';

/** How webhooks are taken. */
export interface WebhookOptions {
  /** Under which address vendors reach this server. */
  readonly publicUrl: string | undefined;
  readonly insecureAllowUnsigned: boolean;
}

const PREFIX = '/webhooks/';

export function isWebhookPath(path: string): boolean {
  return path.startsWith(PREFIX);
}

/** A channel's webhook, or why there is none. */
interface Mounted {
  readonly provider: WebhookProvider;
  readonly handle: WebhookHandler | undefined;
}

export class Webhooks {
  /** By channel. Another provider under the same id, as after a restart of a channel, is mounted anew. */
  readonly #mounted = new Map<string, Mounted>();

  constructor(
    private readonly kit: RoomKit,
    private readonly options: WebhookOptions,
  ) {}

  /** Says at start what will not work, and not only when a vendor calls. */
  check(): void {
    for (const { channelId } of this.kit.listChannels()) if (webhookOf(this.kit, channelId) !== undefined) this.#mount(channelId);
  }

  /** Throws Refusal where no webhook is. */
  async answer(request: Request, path: string): Promise<Response> {
    const channelId = channelIn(path);
    const mounted = channelId === undefined ? undefined : this.#mount(channelId);
    if (mounted === undefined) {
      throw new Refusal('route_not_found', 'There is no webhook here. Webhooks are at /webhooks/ and the id of a channel whose provider reads them.');
    }
    // The vendor calls again later: by then its secret may be there.
    if (mounted.handle === undefined) throw new Refusal('not_ready', 'Calls to this webhook cannot be verified yet.');
    return mounted.handle(request);
  }

  #mount(channelId: string): Mounted | undefined {
    const provider = webhookOf(this.kit, channelId);
    if (provider === undefined) return undefined;
    const known = this.#mounted.get(channelId);
    if (known?.provider === provider) return known;
    const mounted = { provider, handle: this.#handlerOf(channelId, provider) };
    this.#mounted.set(channelId, mounted);
    return mounted;
  }

  #handlerOf(channelId: string, provider: WebhookProvider): WebhookHandler | undefined {
    const { publicUrl, insecureAllowUnsigned } = this.options;
    try {
      return createWebhookHandler({ kit: this.kit, provider, channelId, insecureAllowUnsigned, ...(publicUrl !== undefined && { publicUrl }) });
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      this.kit.logger.error('A webhook takes no calls.', { channelId, reason: error.message });
      return undefined;
    }
  }
}

/** Told by what it can, not by its class: the kit may be of another copy of the package. */
function webhookOf(kit: RoomKit, channelId: string): WebhookProvider | undefined {
  const channel = kit.getChannel(channelId);
  return channel !== undefined && 'webhook' in channel && isWebhookProvider(channel.webhook) ? channel.webhook : undefined;
}

function isWebhookProvider(value: unknown): value is WebhookProvider {
  return typeof value === 'object' && value !== null && 'parse' in value && typeof value.parse === 'function';
}

/** The channel's id in `/webhooks/{channelId}/…`. */
function channelIn(path: string): string | undefined {
  const [segment = ''] = path.slice(PREFIX.length).split('/', 1);
  try {
    return segment === '' ? undefined : decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
