// Text messages in a room: lengths, numbers, choices to type, and people who do not want any more.
// #region room
import { extractText, OptOutGuard, RoomKit, SMSChannel, WebSocketChannel } from 'roomkit';
// #endregion
// #region phone
import { isValidPhone, normalizePhone } from 'roomkit/phone';
// #endregion
// #region segments
import { smsSegments, splitSms } from 'roomkit';
// #endregion
import { MockSMSProvider } from 'roomkit/testing';

// #region phone
console.log(normalizePhone('418-555-1234', 'CA'), normalizePhone('+33 6 12 34 56 78'), isValidPhone('12345'));
// #endregion

// #region segments
console.log(smsSegments('Your table is booked {8 pm}'), smsSegments('Your table is booked 🎉'));
console.log(splitSms('Come in. '.repeat(30), { maxSegments: 1 }).map((part) => part.length));
// #endregion

const provider = new MockSMSProvider();
provider.onSend = ({ to, content }) => console.log(`to ${to}: ${extractText(content)}`);

// #region room
const kit = new RoomKit();
kit.registerChannel(new SMSChannel('sms', { provider }));
kit.registerChannel(new WebSocketChannel('desk'));
await kit.createRoom({ roomId: 'table-8' });
await kit.attachChannel('table-8', 'desk');
await kit.attachChannel('table-8', 'sms', { metadata: { phone_number: normalizePhone('418-555-1234', 'CA') } });
// #endregion

// #region guard
const guard = new OptOutGuard({
  languages: { fr: { stop: ['ARRET'], help: ['AIDE'], answers: { stop: 'C’est noté : plus de messages.' } } },
  addressOf: (address) => normalizePhone(address, 'CA'),
  onChange: ({ isOptedOut, word }) => console.log(`${isOptedOut ? 'out' : 'in again'} by ${word}`),
});
guard.install(kit);
// #endregion

const write = (content: string) => kit.processInbound({ channelId: 'sms', senderId: '+14185551234', content });

// #region tap
const offer = { type: 'rich', body: 'When will you come?', quickReplies: ['At eight', 'At nine'] } as const;
await kit.sendEvent('table-8', 'desk', offer);
const { event } = await write('2');
if (event !== undefined) console.log(`${extractText(event)}:`, Object.keys(event.metadata['action'] ?? {}).join(', '));
// #endregion

// #region stop
await write('arret.');
const { deliveryResults } = await kit.sendEventResult('table-8', 'desk', 'Our menu of the week');
console.log(`${deliveryResults['sms']?.status}: ${deliveryResults['sms']?.error?.code}`);
await write('start');
await kit.sendEvent('table-8', 'desk', 'Welcome back!');
// #endregion

await kit.close();

// prints:
// +14185551234 +33612345678 false
// { encoding: 'gsm7', segments: 1, units: 29 } { encoding: 'ucs2', segments: 1, units: 23 }
// [ 152, 117 ]
// to +14185551234: When will you come?
// 1. At eight
// 2. At nine
// At nine: id, kind, source_event_id, typed
// out by ARRET
// to +14185551234: C’est noté : plus de messages.
// failed: opted_out
// in again by START
// to +14185551234: You will receive messages from us again. Reply HELP for help, STOP to end them.
// to +14185551234: Welcome back!
