/** Text channels: transports through a vendor's client, live connections, and the browser wire protocol. */
export {
  holdsMedia,
  TransportChannel,
  type EphemeralRequest,
  type TransportChannelOptions,
  type TransportHost,
  type TransportProvider,
  type TransportRequest,
} from './transport.js';
export type { TextChannelOptions } from './text-channel.js';
export { SMSChannel, type SMSChannelOptions, type SMSProvider } from './sms.js';
export { RCSChannel, type RCSChannelOptions, type RCSProvider } from './rcs.js';
export { EmailChannel, type EmailChannelOptions, type EmailProvider } from './email.js';
export { WhatsAppChannel, type WhatsAppChannelOptions, type WhatsAppProvider } from './whatsapp.js';
export { WhatsAppPersonalChannel, type WhatsAppPersonalChannelOptions, type WhatsAppPersonalTransport } from './whatsapp-personal.js';
export { MessengerChannel, type MessengerChannelOptions, type MessengerProvider } from './messenger.js';
export { TelegramChannel, type TelegramChannelOptions, type TelegramProvider } from './telegram.js';
export { TeamsChannel, type TeamsChannelOptions, type TeamsProvider } from './teams.js';
export { HTTPChannel, type HTTPChannelOptions, type HTTPProvider } from './http.js';
export { inboundDraft } from './inbound-draft.js';
export { inboundContent, type InboundMedia, type InboundParts } from './inbound-content.js';
export { outboundMedia, outboundText, type OutboundMedia } from './outbound-text.js';
export {
  OptOutGuard,
  type OptOut,
  type OptOutChange,
  type OptOutGuardOptions,
  type OptOutKit,
  type OptOutLanguage,
  type OptOutQuery,
  type OptOutRequest,
} from './opt-out/index.js';
export { smsSegments, splitSms, type SmsSegments } from '../core/delivery/sms-segments.js';
export { WebSocketChannel, type SubscribeOptions, type WebSocketChannelOptions } from './websocket.js';
export type { ConnectionLimits, ConnectionOptions, ConnectionSend } from './websocket/connection.js';
export type { ConnectionFrame, EventFrame, ResyncFrame, Shared, StreamFrame } from './websocket/frames.js';
export { SUBPROTOCOL, WIRE_LIMITS, WIRE_VERSION, type ClientFrame, type ServerFrame, type WireErrorCode, type WireEvent } from './wire/frames.js';
export { parseClientFrame, type ParsedFrame } from './wire/parse.js';
export { hostEvent, wireEvent, type NameOf } from './wire/event.js';
export { WireConnection, type WireConnectionOptions, type WireKit, type WirePrincipal } from './wire/connection.js';
export {
  createWebhookHandler,
  type WebhookHandler,
  type WebhookHandlerOptions,
  type WebhookHost,
  type WebhookOpening,
  type WebhookProvider,
  type WebhookReply,
  type WebhookRequest,
} from './webhook.js';
