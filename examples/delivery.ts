/** What becomes of a message on its way out: retries, a vendor that is down, receipts, a number that does not exist, another try. */
// #region policy
import { RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';
import { MockTransportProvider, TestClock } from 'roomkit/testing';

// #endregion
const clock = new TestClock(); // a minute passes at once; leave it out and time is real
const gateway = new MockTransportProvider('gateway');
// #region policy
const kit = new RoomKit({ clock, outboxTtlSeconds: 3600, deliveryTimeoutSeconds: 30 });
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: gateway, recipientKey: 'phone_number' }));
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'texts', {
  metadata: { phone_number: '+15550123' },
  retryPolicy: { maxRetries: 2, baseDelaySeconds: 1, exponentialBase: 2 },
  rateLimit: { maxPerSecond: 5 },
});
// #endregion

/** Says something, lets so much time pass, and tells what became of it. */
async function say(body: string, ms = 0): Promise<string> {
  const { id } = await kit.sendEvent('room', 'web', body, { wait: 'commit' });
  await clock.advance(ms);
  const [row] = await kit.listDeliveries({ roomId: 'room', eventId: id });
  console.log(`“${body}”: ${row?.state} after ${row?.attempts} attempt(s)${row?.state === 'sent' ? '' : `, ${row?.lastError?.code}`}`);
  return row?.id ?? '';
}

// #region watch
kit.on('delivery_failed', ({ channelId, data }) => console.log(`  failed on ${channelId}: ${String(data['code'])}`));
kit.on('circuit_breaker_opened', ({ channelId }) => console.log(`  ${channelId} is down and gets a pause`));
kit.onDeliveryStatus(({ messageId, status }) => console.log(`  ${messageId} is ${status}`));
// #endregion

await say('All is well');

// Two failures, then it works: tried again after one second and after two.
gateway.failNext({ success: false, error: 'http_503', retryable: true });
gateway.failNext({ success: false, error: 'http_503', retryable: true });
await say('Third time lucky', 3000);

// What the vendor calls final is not tried again.
gateway.failNext({ success: false, error: 'invalid_recipient', retryable: false });
const rowId = await say('Who is there?');

// #region redeliver
const [dead] = await kit.listDeliveries({ roomId: 'room', state: 'failed' });
if (dead !== undefined) await kit.redeliver(dead.id);
// #endregion
await clock.advance(0);
console.log(`  once more: ${(await kit.store.getRow(rowId))?.state}`);

// #region status
await kit.processDeliveryStatus({ provider: 'gateway', messageId: 'gateway-1', status: 'delivered' });
await kit.processDeliveryStatus({ provider: 'gateway', messageId: 'gateway-1', status: 'sent' }); // late: moves nothing back
await kit.processDeliveryStatus({ provider: 'gateway', messageId: 'gateway-1', status: 'read' });
// #endregion

// Five failures in a row: the vendor is left alone for a minute; what is said meanwhile waits and loses no attempt.
for (let failures = 0; failures < 5; failures++) gateway.failNext({ success: false, error: 'http_500', retryable: true });
await say('During an outage', 3000);
await say('Two are lost, the third waits', 3000);
console.log(`  ${gateway.requests.length} requests so far`);
await clock.advance(60_000);
console.log(`  after the pause: ${gateway.sent.map(({ event }) => (event.content.type === 'text' ? event.content.body : '')).at(-1)}`);
await kit.close();

// prints:
// “All is well”: sent after 1 attempt(s)
// “Third time lucky”: sent after 3 attempt(s)
//   failed on texts: invalid_recipient
// “Who is there?”: failed after 1 attempt(s), invalid_recipient
//   once more: sent
//   gateway-1 is delivered
//   gateway-1 is read
//   failed on texts: http_500
// “During an outage”: failed after 3 attempt(s), http_500
//   texts is down and gets a pause
// “Two are lost, the third waits”: queued after 2 attempt(s), http_500
//   11 requests so far
//   after the pause: Two are lost, the third waits
