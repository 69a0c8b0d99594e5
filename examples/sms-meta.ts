/** Webhooks of text messages in a framework of your own: one view of the calls of all vendors. */
import { RoomKit, silentLogger, SMSChannel } from 'roomkit';
// #region read
import { extractSmsMeta } from 'roomkit/sms';

/** For a call whose signature was verified already. */
async function onCall(vendor: string, payload: unknown): Promise<void> {
  const meta = extractSmsMeta(vendor, payload);
  if (meta.isInbound) await kit.processInbound(meta.toInbound('sms'));
  else if (meta.isStatus) await kit.processDeliveryStatus({ ...meta.toStatus(), channelId: 'sms' });
}
// #endregion

await using kit = new RoomKit({ logger: silentLogger });
kit.registerChannel(new SMSChannel('sms'));
kit.hook('after_broadcast', { name: 'show' }, (event) => console.log(`${event.source.channelType} of ${event.source.participantId ?? 'a stranger'}`));

await onCall('twilio', { MessageSid: 'SM1', From: '+15550123', To: '+15550100', Body: 'Hello', NumMedia: '0', SmsStatus: 'received' });
await onCall('sinch', { type: 'mo_text', id: '01FC', from: '15550124', to: '15550100', body: 'Hello as well' });
await onCall('sinch', { type: 'recipient_delivery_report_sms', batch_id: '01FD', recipient: '15550124', status: 'Delivered', code: 0 });

const { sender, body, timestamp } = extractSmsMeta('sinch', {
  type: 'mo_text',
  id: '01FE',
  from: '15550124',
  body: 'Hi',
  received_at: '2026-11-25T12:00:00Z',
});
console.log(`${sender} at ${timestamp}: ${body}`);
console.log(`rooms: ${(await kit.listRooms()).length}`);

// prints:
// sms of +15550123
// sms of +15550124
// +15550124 at 2026-11-25T12:00:00.000Z: Hi
// rooms: 2
