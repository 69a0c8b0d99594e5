/** What a vendor's webhook was parsed into (WHK-01). */
import type { DeliveryStatus, InboundMessage, InboundResult } from '../models/delivery.js';
import type { Metadata } from '../models/json.js';
import { processDeliveryStatus } from '../delivery/status-callbacks.js';
import type { KitParts } from '../parts.js';
import { processInbound } from './inbound.js';

/** One thing a vendor's webhook said, told apart by `type`. `ignored` is answered like the others and does nothing. */
export type WebhookMeta =
  | { readonly type: 'message'; readonly message: Omit<InboundMessage, 'channelId'> & { readonly channelId?: string } }
  | { readonly type: 'status'; readonly status: DeliveryStatus }
  | {
      readonly type: 'ignored';
      readonly reason?: string;
      /** What the provider's `committed` has to know of it. */
      readonly data?: Metadata;
    };

export async function processWebhook(parts: KitParts, meta: WebhookMeta, channelId: string): Promise<InboundResult | undefined> {
  switch (meta.type) {
    case 'message':
      return processInbound(parts, { ...meta.message, channelId }, { wait: 'commit' });
    case 'status':
      await processDeliveryStatus(parts, { ...meta.status, channelId });
      return undefined;
    case 'ignored':
      return undefined;
  }
}
