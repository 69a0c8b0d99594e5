/** A group that the account of a {@link FakeWhatsAppDriver} is in. */
import type { WhatsAppSaid } from '../../providers/baileys/driver.js';
import type { FakeWhatsAppNetwork, FakeWhatsAppPhone } from './phone.js';
import { FakeWhatsAppChat, type WrittenWhatsAppMessage } from './seen.js';

/** One group. Made by `whatsapp.group()`. */
export class FakeWhatsAppGroup extends FakeWhatsAppChat {
  constructor(
    readonly chat: string,
    private readonly network: FakeWhatsAppNetwork,
  ) {
    super();
  }

  /** Somebody writes to all. */
  write(phone: FakeWhatsAppPhone, text: string): Promise<WrittenWhatsAppMessage> {
    return this.say(phone, { type: 'text', text });
  }

  /** Somebody says whatever the driver can tell. */
  say(phone: FakeWhatsAppPhone, said: WhatsAppSaid): Promise<WrittenWhatsAppMessage> {
    const id = this.network.nextId();
    const participant = phone.lid ?? phone.jid;
    const pushName = phone.options.name ?? phone.number;
    this.network.tell({
      type: 'message',
      message: {
        key: { chat: this.chat, id, isFromMe: false, participant },
        chat: this.chat,
        from: phone.chat,
        rawFrom: participant,
        sentAt: this.network.now(),
        pushName,
        said,
      },
    });
    return Promise.resolve({ id });
  }

  /** Somebody has read what came. */
  read(phone: FakeWhatsAppPhone): void {
    for (const { id } of this.messages)
      this.network.tell({ type: 'receipt', id, chat: this.chat, from: phone.chat, status: 'read', at: this.network.now() });
  }
}
