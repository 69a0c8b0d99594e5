/**
 * `roomkit/emulators`: vendors on loopback, for your own tests. They speak the vendor's wire protocol, refuse what the
 * vendor refuses, and take the vendor's own client as well as the kit's.
 * @module roomkit/emulators
 */
export { AGUIEmulator, type AGUIEmulatorOptions } from './ag-ui/emulator.js';
export { AnthropicEmulator, type AnthropicEmulatorOptions } from './anthropic/emulator.js';
export { EMULATED_VENDORS, type EmulatedLine, type LineOptions, type ProviderToUse } from './catalogue.js';
export { Device, type ArrivedMessage, type DeviceButton, type DeviceKind, type DeviceMessage, type DeviceOptions } from './device.js';
export { deviceRoutes, type DeviceRoutes, type ShownDevice, type ShownDevices } from './device-routes.js';
export { ElasticEmailEmulator, type ElasticEmailEmulatorOptions, type ElasticEmailFate, type ElasticEmailOutcome } from './elasticemail/emulator.js';
export { GeminiEmulator, type GeminiEmulatorOptions } from './gemini/emulator.js';
export { MailVendorEmulator, type LeavingMail, type MailVendorOptions } from './mail/mail-vendor.js';
export { MailEmulator, type MailEmulatorOptions, type MailFault, type MailTransaction } from './mail/emulator.js';
export { MailInbox, type ArrivedMail, type PostedMail, type WrittenMail } from './mail/inbox.js';
export { Phone, type PhoneButton, type PhoneMessage, type WrittenMessage } from './phone.js';
export { HTTPReceiver, type HTTPReceiverOptions, type ReceivedDocument, type WrittenDocument } from './http/receiver.js';
export { SendGridEmulator, type SendGridEmulatorOptions, type SendGridFate, type SendGridOutcome } from './sendgrid/emulator.js';
export { SinchEmulator, type SinchEmulatorOptions, type SinchFate } from './sinch/emulator.js';
export { TelnyxEmulator, type TelnyxEmulatorOptions, type TelnyxFate } from './telnyx/emulator.js';
export { TWILIO_TEST_ACCOUNT, TwilioEmulator, type TwilioEmulatorOptions, type TwilioFate } from './twilio/emulator.js';
export type { TwilioSharedKey } from './twilio/signature.js';
export type { TeamsButton } from './teams/check-activity.js';
export { TeamsConversation, type TeamsConversationOptions, type TeamsMessage, type TeamsNetwork, type TeamsWritten } from './teams/conversation.js';
export type { TeamsRegistration } from './teams/login.js';
export { TeamsEmulator, type TeamsEmulatorOptions } from './teams/emulator.js';
export { TelegramChat, type SeenMessage, type SentFile } from './telegram/chat.js';
export { TELEGRAM_TEST_TOKEN, TelegramEmulator, type TelegramEmulatorOptions } from './telegram/emulator.js';
export type { TelegramLimits } from './telegram/pace.js';
export type { TelegramUser } from './telegram/chats.js';
export { GraphEmulator, type GraphEmulatorOptions, type StoredFile } from './graph/graph-emulator.js';
export type { GraphProblem } from './graph/graph-refusal.js';
export { MessengerEmulator, type MessengerEmulatorOptions } from './messenger/emulator.js';
export type { MessengerButton } from './messenger/check-message.js';
export { MessengerPerson, type MessengerMessage, type MessengerNetwork, type MessengerWritten } from './messenger/person.js';
export { FakeWhatsAppDriver, type FakeWhatsAppFault, type FakeWhatsAppOptions, type FakeWhatsAppRequest } from './whatsapp-personal/driver.js';
export { FakeWhatsAppGroup } from './whatsapp-personal/group.js';
export { FakeWhatsAppPhone, type FakeWhatsAppNetwork, type FakeWhatsAppPhoneOptions, type WhatsAppFileToWrite } from './whatsapp-personal/phone.js';
export { FakeWhatsAppChat, type ArrivedWhatsApp, type WrittenWhatsAppMessage } from './whatsapp-personal/seen.js';
export { WHATSAPP_TEST_NUMBER_ID, WhatsAppEmulator, type WhatsAppEmulatorOptions, type WhatsAppFate } from './whatsapp/emulator.js';
export type { ApprovedTemplate, CheckedButton } from './whatsapp/check-message.js';
export {
  WhatsAppPhone,
  type SentWhatsAppFile,
  type WhatsAppMessage,
  type WhatsAppNetwork,
  type Written,
  type WrittenWhatsApp,
} from './whatsapp/phone.js';
export type { CallbackFault, VendorFault } from './faults.js';
export { VendorEmulator, type VendorEmulatorOptions, type WebhookCall } from './vendor-emulator.js';
export { VoiceMeUpEmulator, type VoiceMeUpEmulatorOptions } from './voicemeup/emulator.js';
export type { RecordedRequest } from './loopback.js';
export { OpenAIEmulator, type OpenAIEmulatorOptions } from './openai/emulator.js';
export { ModelEmulator, type ModelEmulatorOptions } from './model-emulator.js';
export { VllmEmulator, type VllmEmulatorOptions } from './vllm/emulator.js';
export type { ThinkingPlace } from './vllm/answers.js';
export type {
  ModelRequest,
  ModelRule,
  ModelScript,
  Pacing,
  ScriptedAnswer,
  ScriptedFailure,
  ScriptedModelReply,
  ScriptedToolCall,
} from './script.js';
