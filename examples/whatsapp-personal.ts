/** A person's own WhatsApp, linked like a second device; here with a stand-in for the link, as the wire of WhatsApp cannot be emulated. */
// #region link
import { RoomKit, WhatsAppPersonalChannel } from 'roomkit';
import { baileysDriver, FileWhatsAppSession, WhatsAppPersonalProvider, WhatsAppPersonalSource } from 'roomkit/baileys';
// #endregion
import { silentLogger, WebSocketChannel } from 'roomkit';
import { FakeWhatsAppDriver } from 'roomkit/emulators';

/** What a program of yours has in the place of the stand-in. */
export function ownDriver(): ReturnType<typeof baileysDriver> {
  // #region session
  const driver = baileysDriver({
    session: new FileWhatsAppSession({ directory: './whatsapp' }), // encrypted under WHATSAPP_SESSION_KEY
  });
  // #endregion
  return driver;
}

await using kit = new RoomKit({ logger: silentLogger });
kit.registerChannel(new WebSocketChannel('desk'));

// #region fake
const whatsapp = new FakeWhatsAppDriver({ isUnlinked: true });
const driver = whatsapp;
// #endregion

// #region link
const source = new WhatsAppPersonalSource(driver, { channelId: 'personal' });
const provider = new WhatsAppPersonalProvider(source); // both share one connection
kit.registerChannel(new WhatsAppPersonalChannel('personal', { provider }));

kit.on('source_pairing', ({ data }) => console.log(`to be scanned: ${String(data['value'])}`));
kit.on('source_waiting', ({ data }) => console.log(`waits: ${String(data['reason'])}`));
await kit.attachSource('personal', source);
// #endregion

const connected = new Promise<void>((resolve) => {
  kit.on('source_connected', () => resolve());
});
await new Promise<void>((resolve) => {
  kit.on('source_pairing', () => resolve());
});
whatsapp.link(); // somebody scans it
await connected;

// #region phone
const phone = whatsapp.phone('+15550123', { name: 'Ada' });
const heard = new Promise<string>((resolve) => {
  kit.hook('after_broadcast', { name: 'heard' }, ({ roomId }) => resolve(roomId));
});
await phone.write('Is my parcel on its way?');
const roomId = await heard;
// #endregion

await kit.attachChannel(roomId, 'desk');
await kit.sendEvent(roomId, 'desk', {
  type: 'composite',
  parts: [
    { type: 'text', body: 'It is at the depot:' },
    { type: 'media', url: `data:image/png;base64,${Buffer.from('a picture').toString('base64')}`, mimeType: 'image/png' },
  ],
});
const { kind, text } = await phone.waitFor('depot');
console.log(`${kind}: ${text}`);
await kit.settled();
const [delivery] = await kit.listDeliveries({ roomId });
console.log(delivery?.state);

// #region waits
const waits = new Promise<void>((resolve) => {
  kit.on('source_waiting', () => resolve());
});
whatsapp.disconnect('logged_out'); // on the phone: Linked devices, Log out
await waits;
console.log((await kit.sourceHealth('personal'))?.status);
await kit.detachSource('personal');
await source.forgetSession(); // only when you say so; attaching it again shows a new code
// #endregion

// prints:
// to be scanned: 2@fake-qr-code-1
// image: It is at the depot:
// delivered
// waits: logged_out
// error
