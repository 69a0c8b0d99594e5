/** A WhatsAppPersonalSource, over the fake of its driver and over the bundled one. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as baileys from 'baileys';
import { FakeWhatsAppDriver } from '../../src/emulators/index.js';
import { FileWhatsAppSession, WhatsAppPersonalSource } from '../../src/providers/baileys/index.js';
import type { OpenSource, SaidToSource } from '../../src/testing/index.js';
import { adapterWith, ME } from '../providers/baileys-stand-in.js';

const CHAT = '15550123@s.whatsapp.net';
let nth = 0;

/** What has no id gets one, as at WhatsApp everything has. */
const idOf = ({ externalId }: SaidToSource): string => externalId ?? `none-${++nth}`;

export const openWhatsAppPersonal: OpenSource = (options = {}) => {
  const whatsapp = new FakeWhatsAppDriver(options);
  const source = new WhatsAppPersonalSource(whatsapp, { channelId: 'personal' });
  return {
    source,
    channelId: 'personal',
    keyOf: ({ externalId = '' }) => `${CHAT}:${externalId}`,
    say: (...said) => {
      for (const one of said) {
        const key = { chat: CHAT, id: idOf(one), isFromMe: false };
        const message = {
          key,
          chat: CHAT,
          from: one.senderId,
          rawFrom: one.senderId,
          sentAt: Date.now(),
          said: { type: 'text', text: one.text },
        } as const;
        whatsapp.tell({ type: 'message', message });
      }
    },
    babble: () =>
      whatsapp.tell({ type: 'ignored', reason: 'a poll' }, { type: 'presence', chat: 'status@broadcast', from: 'somebody', state: 'composing' }),
    cut: () => whatsapp.disconnect(),
    openConnections: () => whatsapp.openConnections,
    secret: 'nothing secret is given to the fake',
    close: () => whatsapp.close(),
  };
};

/** The bundled driver, over a session in a folder and a stand-in for the socket. */
export const openBaileys: OpenSource = async ({ isUnreachable = false, isSilent = false } = {}) => {
  const directory = await mkdtemp(join(tmpdir(), 'whatsapp-source-'));
  const key = randomBytes(32).toString('base64');
  const session = new FileWhatsAppSession({ directory, key });
  const creds = { ...baileys.initAuthCreds(), me: ME, account: {} };
  await session.save('creds', new TextEncoder().encode(JSON.stringify(creds, baileys.BufferJSON.replacer)));
  const adapter = adapterWith({
    session,
    onSocket: (socket) => {
      if (isUnreachable) setImmediate(() => socket.close(408));
      else if (!isSilent) setImmediate(() => socket.open());
    },
  });
  const numberOf = (senderId: string): string => `1555${[...senderId].map((letter) => letter.charCodeAt(0) % 10).join('')}00`;
  const source = new WhatsAppPersonalSource(adapter.driver, { channelId: 'personal' });
  return {
    source,
    channelId: 'personal',
    keyOf: ({ senderId, externalId = '' }) => `${numberOf(senderId)}@s.whatsapp.net:${externalId}`,
    senderOf: (senderId) => `+${numberOf(senderId)}`,
    say: (...said) => {
      for (const one of said) {
        const message = {
          key: { remoteJid: `${numberOf(one.senderId)}@s.whatsapp.net`, fromMe: false, id: idOf(one) },
          message: { conversation: one.text },
          messageTimestamp: Math.floor(Date.now() / 1000),
        };
        adapter.socket().tell('messages.upsert', { messages: [message], type: 'notify' });
      }
    },
    babble: () => adapter.socket().recorded('poll', 'unreadable', 'status_update_of_a_person'),
    cut: () => adapter.socket().close(428),
    openConnections: () => adapter.sockets.filter(({ ended }) => ended === 0).length,
    secret: key,
    close: () => rm(directory, { recursive: true, force: true }),
  };
};
