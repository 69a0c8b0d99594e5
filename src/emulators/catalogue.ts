/** The vendors that can be emulated by hand (`roomkit emulate`, the demo), each with one person's device at the other end. */
import { Device, type ArrivedMessage } from './device.js';
import { ElasticEmailEmulator } from './elasticemail/emulator.js';
import { MailEmulator } from './mail/emulator.js';
import type { MailInbox } from './mail/inbox.js';
import type { Phone } from './phone.js';
import { SendGridEmulator } from './sendgrid/emulator.js';
import { SinchEmulator } from './sinch/emulator.js';
import type { SeenMessage, TelegramChat } from './telegram/chat.js';
import { TelegramEmulator } from './telegram/emulator.js';
import { MessengerEmulator } from './messenger/emulator.js';
import type { MessengerPerson } from './messenger/person.js';
import type { TeamsConversation } from './teams/conversation.js';
import { TeamsEmulator } from './teams/emulator.js';
import { TelnyxEmulator } from './telnyx/emulator.js';
import { TwilioEmulator } from './twilio/emulator.js';
import type { VendorEmulator } from './vendor-emulator.js';
import { VoiceMeUpEmulator } from './voicemeup/emulator.js';
import { WhatsAppEmulator } from './whatsapp/emulator.js';
import type { WhatsAppPhone } from './whatsapp/phone.js';

/** What every emulator is started with. */
export interface LineOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** The program's webhook. May be set later, see {@link EmulatedLine.callAt}. */
  readonly webhookUrl?: string;
  /** Who is at the other end: a number, an address. Default one of each vendor's own. */
  readonly person?: string;
}

/** A vendor that runs, and somebody who writes over it. */
export interface EmulatedLine {
  /** Where it listens. */
  readonly url: string;
  /** The provider to use with it: its class, and the options it is to be made with. */
  readonly provider: ProviderToUse;
  /** The source to attach beside it, of vendors that do not call. */
  readonly source?: ProviderToUse;
  readonly device: Device;
  /** The device of somebody else at the same vendor, by number or address; made when first asked for. */
  deviceOf(person: string): Device;
  /** Reports to this webhook from now on. */
  callAt(webhookUrl: string): void;
  /** Resolves when the vendor has told everything it has to tell. */
  settled(): Promise<void>;
  /** Ends the vendor. */
  close(): Promise<void>;
}

/** A class, and the options it is to be made with. */
export interface ProviderToUse {
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** By the name of the subpath. */
export const EMULATED_VENDORS: Readonly<Record<string, (options: LineOptions) => Promise<EmulatedLine>>> = {
  elasticemail: async ({ person = MAILBOX, ...options }) => {
    const vendor = await ElasticEmailEmulator.start(options);
    const { apiKey, webhookSecret, address: fromAddress, url: baseUrl } = vendor;
    return lineOf(vendor, 'ElasticEmailProvider', { apiKey, webhookSecret, fromAddress, baseUrl }, person, (address) =>
      mailDevice(vendor.inbox(address)),
    );
  },
  messenger: async ({ person = '1254477777772919', ...options }) => {
    const vendor = await MessengerEmulator.start(options);
    const { accessToken: pageAccessToken, appSecret, verifyToken, url: baseUrl } = vendor;
    const made = { pageAccessToken, appSecret, verifyToken, baseUrl };
    return lineOf(vendor, 'FacebookMessengerProvider', made, person, (psid) => messengerDevice(vendor.person(psid), psid));
  },
  sendgrid: async ({ person = MAILBOX, ...options }) => {
    const vendor = await SendGridEmulator.start(options);
    const { apiKey, webhookPublicKey, webhookSecret, address: fromAddress, url: baseUrl } = vendor;
    const given = { apiKey, webhookPublicKey, webhookSecret, fromAddress, baseUrl };
    return lineOf(vendor, 'SendGridProvider', given, person, (address) => mailDevice(vendor.inbox(address)));
  },
  sinch: async ({ person, ...options }) => {
    const vendor = await SinchEmulator.start(options);
    const { servicePlanId, apiToken, webhookSecret, url: baseUrl } = vendor;
    return phoneLine(vendor, person, 'SinchSMSProvider', { servicePlanId, apiToken, webhookSecret, fromNumber: FROM, baseUrl });
  },
  smtp: async ({ person = MAILBOX, port }) => {
    const vendor = await MailEmulator.start(port === undefined ? {} : { smtpPort: port });
    return {
      url: `smtp://${vendor.smtp.host}:${vendor.smtp.port}`,
      provider: { name: 'SMTPProvider', options: { ...vendor.smtp, fromAddress: vendor.address } },
      source: { name: 'IMAPSource', options: vendor.imap },
      ...devices(person, (address) => mailDevice(vendor.inbox(address))),
      callAt: () => undefined,
      settled: () => Promise.resolve(), // mail tells nothing by itself
      close: () => vendor.close(),
    };
  },
  teams: async ({ person = 'Ada', ...options }) => {
    const vendor = await TeamsEmulator.start(options);
    const { appId, appPassword, tenantId, url: loginUrl, openIdUrl, serviceHost } = vendor;
    const made = { appId, appPassword, tenantId, loginUrl, openIdUrl, allowedServiceHosts: [serviceHost] };
    return lineOf(vendor, 'BotFrameworkTeamsProvider', made, person, (name) => teamsDevice(vendor.conversation(name)));
  },
  telegram: async ({ person = 'Ada', ...options }) => {
    const webhookSecret = 'secret-of-the-emulated-webhook';
    const vendor = await TelegramEmulator.start({ ...options, secretToken: webhookSecret });
    const { botToken, url: baseUrl } = vendor;
    return lineOf(vendor, 'TelegramBotProvider', { botToken, webhookSecret, baseUrl }, person, (name) => chatDevice(vendor.chat(name), name));
  },
  telnyx: async ({ person, ...options }) => {
    const vendor = await TelnyxEmulator.start(options);
    const { apiKey, publicKey, url: baseUrl } = vendor;
    return phoneLine(vendor, person, 'TelnyxSMSProvider', { apiKey, publicKey, fromNumber: FROM, baseUrl });
  },
  twilio: async ({ person, ...options }) => {
    const vendor = await TwilioEmulator.start(options);
    const { accountSid, authToken, url: baseUrl } = vendor;
    return phoneLine(vendor, person, 'TwilioSMSProvider', { accountSid, authToken, fromNumber: FROM, baseUrl });
  },
  voicemeup: async ({ person, webhookUrl, ...options }) => {
    const at = (url: string): string => (url.endsWith(`/${VOICEMEUP_SECRET}`) ? url : `${url}/${VOICEMEUP_SECRET}`);
    const vendor = await VoiceMeUpEmulator.start({ ...options, numbers: [FROM], ...(webhookUrl !== undefined && { webhookUrl: at(webhookUrl) }) });
    const { username, authToken, url: baseUrl } = vendor;
    const line = phoneLine(vendor, person, 'VoiceMeUpSMSProvider', {
      username,
      authToken,
      fromNumber: FROM,
      webhookSecret: VOICEMEUP_SECRET,
      baseUrl,
    });
    return { ...line, callAt: (url) => void (vendor.webhookUrl = at(url)) };
  },
  whatsapp: async ({ person = PERSON, ...options }) => {
    const vendor = await WhatsAppEmulator.start(options);
    const { accessToken, phoneNumberId, appSecret, verifyToken, url: baseUrl } = vendor;
    const made = { accessToken, phoneNumberId, appSecret, verifyToken, baseUrl };
    return lineOf(vendor, 'WhatsAppCloudProvider', made, person, (number) => whatsAppDevice(vendor.phone(number)));
  },
};

/** The program's number, and that of the person, unless told otherwise. */
const FROM = '+15550100';
const PERSON = '+15550123';
/** With which VoiceMeUp's webhook ends, as nothing is signed. */
const VOICEMEUP_SECRET = 'emulated-voicemeup';
const MAILBOX = 'ada@example.org';

/** A vendor of text messages, with one phone. */
function phoneLine(
  vendor: VendorEmulator & { phone(number: string): Phone },
  person: string | undefined,
  name: string,
  options: Readonly<Record<string, string>>,
): EmulatedLine {
  return lineOf(vendor, name, options, person ?? PERSON, (number) => {
    const phone = vendor.phone(number);
    const device = new Device({ kind: 'phone', person: phone.number, write: async (text) => expectTaken(await phone.sendSms(text)) });
    phone.onSms(({ id, text, mediaUrls }) => device.receive({ id, text, mediaUrls }));
    return device;
  });
}

/** The person's Messenger. */
function messengerDevice(person: MessengerPerson, psid: string): Device {
  const device: Device = new Device({
    kind: 'chat',
    person: psid,
    write: async (text) => expectTaken((await person.write(text)).status),
    tap: async (messageId, buttonId) => expectTaken((await person.tap(labelOf(device, messageId, buttonId))).status),
  });
  person.onMessage(({ id, text, media, buttons }) => device.receive({ id, text, mediaUrls: media, buttons: buttons.map(asMetaButton) }));
  return device;
}

/** The person's WhatsApp. */
function whatsAppDevice(phone: WhatsAppPhone): Device {
  const device: Device = new Device({
    kind: 'phone',
    person: phone.number,
    write: async (text) => expectTaken((await phone.write(text)).status),
    tap: async (messageId, buttonId) => expectTaken((await phone.tap(labelOf(device, messageId, buttonId))).status),
  });
  phone.onMessage(({ id, text, media, buttons }) =>
    device.receive({ id, text, mediaUrls: media, buttons: buttons.map(({ id: button, title }) => ({ id: button, label: title })) }),
  );
  return device;
}

/** The person's app: what the bot sends, changes and takes back, with the buttons below it. */
function chatDevice(chat: TelegramChat, person: string): Device {
  const device = new Device({
    kind: 'chat',
    person,
    address: String(chat.id),
    write: async (text) => expectTaken(await chat.write(text)),
    tap: async (_messageId, label) => expectTaken(await chat.tap(label)),
  });
  const shown = new Map<number, SeenMessage>();
  chat.onChange(() => {
    const now = new Map(chat.messages.filter(({ isFromBot }) => isFromBot).map((message) => [message.id, message]));
    for (const id of shown.keys()) if (!now.has(id)) device.remove(String(id));
    for (const message of now.values()) if (JSON.stringify(message) !== JSON.stringify(shown.get(message.id))) device.receive(asArrived(message));
    shown.clear();
    for (const [id, message] of now) shown.set(id, message);
  });
  return device;
}

function asArrived({ id, text, mediaUrl, location, buttons, kind }: SeenMessage): ArrivedMessage {
  const place = location === undefined ? '' : `${location.title ?? ''} (${location.latitude}, ${location.longitude})`.trim();
  const file = kind === 'text' || mediaUrl !== undefined || place !== '' ? '' : `[${kind}]`;
  return {
    id: String(id),
    text: [text, place, file].filter((line) => line !== '').join('\n'),
    mediaUrls: mediaUrl === undefined ? [] : [mediaUrl],
    buttons: buttons.map((label) => ({ id: label, label })),
  };
}

/** The person's Teams: what the bot writes, changes and takes back. */
function teamsDevice(conversation: TeamsConversation): Device {
  const device = new Device({
    kind: 'chat',
    person: conversation.name,
    address: conversation.id,
    write: async (text) => expectTaken((await conversation.write(text)).status),
    tap: async (_messageId, label) => expectTaken((await conversation.tap(label)).status),
  });
  conversation.onMessage(({ id, text, media, buttons }) => {
    const tappable = buttons.filter(({ data }) => data !== undefined).map(({ label }) => ({ id: label, label }));
    device.receive({ id, text, mediaUrls: media, buttons: tappable });
  });
  conversation.onTakenBack((id) => device.remove(id));
  return device;
}

/** The person's mailbox: what is written answers the newest mail, or begins a thread. */
function mailDevice(inbox: MailInbox): Device {
  const device = new Device({
    kind: 'mailbox',
    person: inbox.address,
    write: async (text) => {
      const newest = inbox.mails.at(-1);
      await (newest === undefined ? inbox.write({ subject: 'A question', text }) : inbox.reply(newest, text));
    },
  });
  inbox.onMail(({ messageId, subject, text, attachments }) => {
    const files = attachments.map(({ filename }) => `[${filename}]`);
    device.receive({ id: messageId, subject, text: [text, ...files].join('\n') });
  });
  return device;
}

function lineOf(
  vendor: VendorEmulator,
  name: string,
  options: ProviderToUse['options'],
  person: string,
  make: (person: string) => Device,
): EmulatedLine {
  return {
    url: vendor.url,
    provider: { name, options },
    ...devices(person, make),
    callAt: (webhookUrl) => void (vendor.webhookUrl = webhookUrl),
    settled: () => vendor.settled(),
    close: () => vendor.close(),
  };
}

/** One device for each person. */
function devices(person: string, make: (person: string) => Device): Pick<EmulatedLine, 'device' | 'deviceOf'> {
  const made = new Map<string, Device>();
  const deviceOf = (asked: string): Device => {
    const device = made.get(asked) ?? make(asked);
    made.set(asked, device);
    return device;
  };
  return { device: deviceOf(person), deviceOf };
}

function asMetaButton({ payload, title }: { readonly payload: string; readonly title: string }): { readonly id: string; readonly label: string } {
  return { id: payload, label: title };
}

function labelOf({ messages }: Device, messageId: string, buttonId: string): string {
  return messages.find(({ id }) => id === messageId)?.buttons.find(({ id }) => id === buttonId)?.label ?? '';
}

/** What the webhook answered; anything but 200 did not get through. */
function expectTaken(status: number): void {
  if (status !== 200) throw new Error(status === 0 ? 'The webhook could not be reached.' : `The webhook answered ${status}.`);
}
