/** Whole conversations over a linked WhatsApp: a kit, the source and the provider that share one connection, and people who write. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { soon } from '../sources/soon.js';
import { personalScene } from './whatsapp-personal-scene.js';

describe('a conversation', () => {
  it('brings a message, and the answer to the phone, whose receipts move the delivery', async () => {
    verifies('WP-01', 'WP-02', 'OUT-07', 'SRC-08');
    const { whatsapp, room, say, rows, events } = await personalScene();
    const phone = whatsapp.phone('+15550123', { name: 'Ada' });
    await phone.write('Is my parcel on its way?');
    const roomId = await room();
    expect(await events()).toMatchObject([
      {
        content: { type: 'text', body: 'Is my parcel on its way?' },
        source: { participantId: '+15550123', provider: 'whatsapp_personal', externalId: '15550123@s.whatsapp.net:3A000000000000000001' },
        metadata: {
          raw_jid: '15550123@s.whatsapp.net',
          chat_jid: '15550123@s.whatsapp.net',
          chat_id: '+15550123',
          is_from_me: false,
          is_group: false,
          timestamp: '2026-11-26T09:00:00.000Z',
          push_name: 'Ada',
        },
      },
    ]);
    await say(roomId, 'It is: tomorrow 📦');
    expect(await phone.waitFor('tomorrow')).toMatchObject({ kind: 'text', text: 'It is: tomorrow 📦' });
    await soon(async () => (await rows(roomId))[0]?.state === 'delivered');
    phone.read();
    await soon(async () => (await rows(roomId))[0]?.state === 'read');
  });
});
