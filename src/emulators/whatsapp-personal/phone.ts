/** A person's WhatsApp, at the other end of a {@link FakeWhatsAppDriver}. */
import type { WhatsAppFileMessage, WhatsAppKey, WhatsAppPersonalEvent, WhatsAppPlace, WhatsAppSaid } from '../../providers/baileys/driver.js';
import { FakeWhatsAppChat, jidOf, type ArrivedWhatsApp, type WrittenWhatsAppMessage } from './seen.js';

/** What a phone needs of its network. */
export interface FakeWhatsAppNetwork {
  /** In milliseconds since 1970. */
  readonly now: () => number;
  /** Happens on the connection, in this order. */
  tell(...events: readonly WhatsAppPersonalEvent[]): void;
  /** A message id that nothing had before. */
  nextId(): string;
}

/** How WhatsApp names a person. */
export interface FakeWhatsAppPhoneOptions {
  /** The name they have given themselves. */
  readonly name?: string;
  /** WhatsApp names them by this id on the wire, as it does with most people now: `123456789012345@lid`. */
  readonly lid?: string;
  /** Their number is known to nobody: they go by their id everywhere. */
  readonly isHidden?: boolean;
}

/** A file that a person sends. */
export interface WhatsAppFileToWrite {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
  readonly kind?: WhatsAppFileMessage['kind'];
  readonly caption?: string;
  readonly filename?: string;
  readonly seconds?: number;
}

/** One person. Made by `whatsapp.phone('+15550123')`. */
export class FakeWhatsAppPhone extends FakeWhatsAppChat {
  readonly jid: string;
  readonly lid: string | undefined;
  /** Under which id the channel knows the chat. */
  readonly chat: string;

  constructor(
    readonly number: string,
    private readonly network: FakeWhatsAppNetwork,
    readonly options: FakeWhatsAppPhoneOptions = {},
  ) {
    super();
    this.jid = jidOf(number);
    this.lid = options.lid;
    this.chat = options.isHidden === true && options.lid !== undefined ? options.lid : this.jid;
  }

  /** Writes; while the account is not connected, the message waits for it. */
  write(text: string): Promise<WrittenWhatsAppMessage> {
    return this.say({ type: 'text', text });
  }

  /** Sends a picture, a film, a voice note, any file. */
  sendFile({ bytes, kind, ...file }: WhatsAppFileToWrite): Promise<WrittenWhatsAppMessage> {
    return this.say({ type: 'file', kind: kind ?? kindOf(file.mimeType), ...file, sizeBytes: bytes.byteLength, handle: bytes });
  }

  /** Sends a place. */
  sendPlace(place: WhatsAppPlace): Promise<WrittenWhatsAppMessage> {
    return this.say({ type: 'location', ...place });
  }

  /** Reacts to a message of the account, or one's own; an empty emoji takes it back. */
  react({ id }: WrittenWhatsAppMessage, emoji: string): Promise<WrittenWhatsAppMessage> {
    return this.say({ type: 'reaction', targetId: id, emoji });
  }

  /** Changes a message of one's own. */
  edit({ id }: WrittenWhatsAppMessage, text: string): Promise<WrittenWhatsAppMessage> {
    return this.say({ type: 'edit', targetId: id, said: { type: 'text', text } });
  }

  /** Takes a message of one's own back. */
  takeBack({ id }: WrittenWhatsAppMessage): Promise<WrittenWhatsAppMessage> {
    return this.say({ type: 'delete', targetId: id });
  }

  /** Is seen typing, or speaking; or stops. */
  types(state: 'composing' | 'recording' | 'paused' = 'composing'): void {
    this.network.tell({ type: 'presence', chat: this.chat, from: this.chat, state });
  }

  /** Opens the chat: what came is read. */
  read(): void {
    for (const { id } of this.messages)
      this.network.tell({ type: 'receipt', id, chat: this.chat, from: this.chat, status: 'read', at: this.network.now() });
  }

  /** Says whatever the driver can tell. */
  say(said: WhatsAppSaid, more: { readonly id?: string; readonly sentAt?: number; readonly answers?: string } = {}): Promise<WrittenWhatsAppMessage> {
    const { id = this.network.nextId(), sentAt = this.network.now(), answers } = more;
    this.network.tell({
      type: 'message',
      message: {
        key: this.#key(id),
        chat: this.chat,
        from: this.chat,
        rawFrom: this.lid ?? this.jid,
        sentAt,
        pushName: this.options.name ?? this.number,
        ...(answers !== undefined && { answers }),
        said,
      },
    });
    return Promise.resolve({ id });
  }

  override arrived(message: ArrivedWhatsApp): void {
    super.arrived(message);
    this.network.tell({ type: 'receipt', id: message.id, chat: this.chat, from: this.chat, status: 'delivered', at: this.network.now() });
  }

  #key(id: string): WhatsAppKey {
    return { chat: this.lid ?? this.jid, id, isFromMe: false };
  }
}

/** What WhatsApp would take a file for. */
export function kindOf(mimeType: string): WhatsAppFileMessage['kind'] {
  if (/^image\//.test(mimeType)) return 'image';
  if (/^video\//.test(mimeType)) return 'video';
  if (/^audio\/ogg/.test(mimeType)) return 'voice';
  return /^audio\//.test(mimeType) ? 'audio' : 'document';
}
