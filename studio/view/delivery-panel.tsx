/** One event on its way to one channel: how far it came, each attempt, and what the vendor said. */
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { lineOf } from '../logic/content.js';
import { channelName } from '../logic/names.js';
import { reachOf } from '../logic/reach.js';
import { exactTime, milliseconds } from '../logic/time.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { DeliveryActions } from './event-panel.js';
import { Copyable, Facts, PanelHead, Section } from './parts.js';
import { Tick } from './row.js';

export function DeliveryPanel({ room, index, channelId }: { room: OpenRoom; index: number; channelId: string }): VNode {
  void room.rows.value;
  const event = room.eventAt(index);
  const name = channelName(room.names.value, channelId);
  useEffect(() => {
    if (event !== undefined && room.as === undefined) room.wantTraces([event.id], true);
  }, [event]);
  const rows = event === undefined ? [] : (room.deliveries.value.get(event.id) ?? []);
  const row = rows.find((candidate) => candidate.channelId === channelId);
  const reach = event === undefined ? undefined : reachOf(event, rows).find((candidate) => candidate.channelId === channelId);
  const attempts = event === undefined ? [] : (room.traces.value.get(event.id)?.deliveries.filter((one) => one.channelId === channelId) ?? []);
  return (
    <>
      <PanelHead kind={`Delivery · event ${index}`} title={`To ${name}`} />
      {event === undefined || (reach === undefined && attempts.length === 0) ? (
        <p class="quiet-line padded">Nothing is known of such a delivery.</p>
      ) : (
        <>
          <p class="said" dir="auto">
            {lineOf(event)}
          </p>
          <Section title="Outcome">
            <ul class="card reached">
              <li data-state={reach?.state}>
                <button type="button" class="plain" onClick={() => go({ inspect: 'event', subject: undefined })}>
                  Event {index}
                </button>
                <span class="outcome">
                  {reach !== undefined && <Tick state={reach.state} />} {reach?.detail}
                </span>
                {row !== undefined && <DeliveryActions room={room} row={row} />}
              </li>
            </ul>
          </Section>
          {attempts.length > 0 && (
            <Section title={`Attempts · ${attempts.length}`}>
              <ol class="card reached">
                {attempts.map(({ attempt, startedAt, ms, code }) => (
                  <li key={attempt} data-state={code === 'sent' || code === 'queued' || code === 'delivered' ? 'sent' : 'failed'}>
                    <span>
                      {Math.max(1, attempt)} <small class="quiet-line">{exactTime(startedAt)}</small>
                    </span>
                    <span class="outcome">
                      {code} · {milliseconds(ms)}
                    </span>
                  </li>
                ))}
              </ol>
            </Section>
          )}
          <Section title="Facts">
            {row === undefined ? (
              <p class="quiet-line">
                A live channel: it follows the timeline, and what somebody misses is read again by index. It has no row in the outbox.
              </p>
            ) : (
              <Facts
                facts={[
                  ['State', row.state],
                  row.provider !== undefined && ['Provider', row.provider],
                  ['Attempts', row.attempts],
                  row.nextAttemptAt !== undefined && row.state === 'queued' && ['Next attempt', exactTime(row.nextAttemptAt)],
                  row.lastError !== undefined && ['Last error', `${row.lastError.code}: ${row.lastError.message}`],
                  row.providerMessageId !== undefined && ['Message id', <Copyable text={row.providerMessageId} />],
                  ['Queued', exactTime(row.createdAt)],
                  ['Given up at', exactTime(row.expiresAt)],
                  ['Key', <Copyable text={row.idempotencyKey} />],
                ]}
              />
            )}
          </Section>
        </>
      )}
    </>
  );
}
