/** One message, and what each text channel makes of it. */
import { silentLogger, WebSocketChannel } from 'roomkit';
import { MockHTTPProvider, MockMessengerProvider, MockSMSProvider, MockTelegramProvider } from 'roomkit/testing';
// #region send
import { HTTPChannel, MessengerChannel, RoomKit, SMSChannel, TelegramChannel } from 'roomkit';

// #endregion
await using kit = new RoomKit({ logger: silentLogger });
await kit.createRoom({ roomId: 'order-7' });
kit.registerChannel(new WebSocketChannel('desk'));
await kit.attachChannel('order-7', 'desk');

const vendors = {
  sms: new MockSMSProvider(),
  messenger: new MockMessengerProvider(),
  telegram: new MockTelegramProvider(),
  crm: new MockHTTPProvider(),
};
kit.registerChannel(new SMSChannel('sms', { provider: vendors.sms }));
kit.registerChannel(new MessengerChannel('messenger', { provider: vendors.messenger }));
kit.registerChannel(new TelegramChannel('telegram', { provider: vendors.telegram }));
kit.registerChannel(new HTTPChannel('crm', { provider: vendors.crm }));
await kit.attachChannel('order-7', 'sms', { metadata: { phone_number: '+15550123' } });
await kit.attachChannel('order-7', 'messenger', { metadata: { facebook_user_id: '7' } });
await kit.attachChannel('order-7', 'telegram', { metadata: { telegram_chat_id: '7' } });
await kit.attachChannel('order-7', 'crm', { metadata: { recipient_id: 'customer-7' } });

// #region send
await kit.sendEvent('order-7', 'desk', {
  type: 'composite',
  parts: [
    { type: 'rich', body: 'We are **here**. Come by?', plainText: 'We are here. Come by?', buttons: [{ id: 'yes', label: 'Yes', kind: 'reply' }] },
    { type: 'location', latitude: 48.8584, longitude: 2.2945, label: 'Eiffel Tower' },
  ],
});
// #endregion
await kit.settled();
for (const [name, { sent }] of Object.entries(vendors)) {
  for (const { content } of sent) {
    const parts = content.type === 'composite' ? content.parts : [content];
    console.log(`${name}: ${parts.map((part) => (part.type === 'text' ? JSON.stringify(part.body) : part.type)).join(' + ')}`);
  }
}

// prints:
// sms: "We are here. Come by?\n1. Yes\n[Location: Eiffel Tower (48.8584, 2.2945)]"
// messenger: rich + "[Location: Eiffel Tower (48.8584, 2.2945)]"
// telegram: rich + location
// crm: rich + "[Location: Eiffel Tower (48.8584, 2.2945)]"
