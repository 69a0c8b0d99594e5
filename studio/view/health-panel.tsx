/** How the kit is: its pace, what waits, what failed, and each channel's breaker. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api.js';
import { typeName } from '../logic/names.js';
import { milliseconds } from '../logic/time.js';
import { connection } from '../store/host.js';
import { go, route } from '../store/route.js';
import { rooms, titleOf } from '../store/rooms.js';
import type { ChannelInfo, OutboxRow } from '../types.js';
import { DeliveryActions } from './event-panel.js';
import { health, kitInfo, oldestMs, rate, shownRate } from './health.js';
import { Glyph } from './icons.js';
import { Facts, PanelHead, Section } from './parts.js';

const channels = signal<readonly ChannelInfo[]>([]);
const failed = signal<readonly OutboxRow[]>([]);

export function HealthPanel(): VNode {
  const known = health.value;
  useEffect(() => {
    if (connection.value.kind !== 'online') return;
    void Promise.all([api.listChannels(), api.listAllDeliveries({ state: 'failed', limit: 20 }).catch(() => [])]).then(
      ([found, rows]) => {
        channels.value = found;
        failed.value = rows;
      },
      () => undefined,
    );
  }, [known]);
  return (
    <>
      {route.value.inspect === 'health' ? (
        <PanelHead kind="Kit" title="Health" />
      ) : (
        <header class="panel-head">
          <div>
            <p>Kit</p>
            <h2>Health</h2>
          </div>
        </header>
      )}
      <Section title="Events per second">
        <div class="card pace">
          <b>{shownRate()}</b>
          <Sparkline values={rate.value} />
        </div>
      </Section>
      <Section title="Now">
        <Facts
          facts={[
            ['State', known?.state ?? 'unknown'],
            ['Lanes busy', known?.lanes ?? '–'],
            ['Waiting in them', known?.queued ?? '–'],
            ['Oldest undelivered', oldestMs() < 0 ? 'none' : milliseconds(oldestMs())],
            ['Failed deliveries', known?.deliveries['failed'] ?? '–'],
            ['Unclear deliveries', known?.deliveries['unknown'] ?? '–'],
            ['Work beside callers', known?.tasks ?? '–'],
            kitInfo.value !== undefined && ['Store', `${kitInfo.value.store.name}${kitInfo.value.store.persistent ? '' : ' · forgets at the end'}`],
            kitInfo.value !== undefined && ['RoomKit', kitInfo.value.version],
          ]}
        />
      </Section>
      {failed.value.length > 0 && (
        <Section title="Failed deliveries">
          <ul class="card reached">
            {failed.value.slice(0, 8).map((row) => {
              const room = rooms.value.get(row.roomId);
              return (
                <li key={row.id} data-state="failed">
                  <button type="button" class="plain" onClick={() => go({ roomId: row.roomId, event: row.eventIndex, inspect: 'event' })}>
                    {room === undefined ? row.roomId : titleOf(room)} · {row.eventIndex}
                  </button>
                  <span class="outcome">
                    {row.channelId}: {row.lastError?.code ?? 'failed'}
                  </span>
                  <DeliveryActions room={row} row={row} />
                </li>
              );
            })}
          </ul>
        </Section>
      )}
      <Section title="Channels">
        <ul class="card people still">
          {channels.value.map(({ channelId, channelType, category, provider, ready, breaker }) => (
            <li key={channelId}>
              <Glyph type={channelType} name={channelId} isAgent={category === 'intelligence'} />
              <span class="who">
                <b>{channelId}</b>
                <small>{[typeName(channelType), provider].filter(Boolean).join(' · ')}</small>
              </span>
              {!ready ? (
                <span class="perm off">not ready</span>
              ) : breaker !== undefined && breaker !== 'closed' ? (
                <span class="perm bad">breaker {breaker.replace('_', ' ')}</span>
              ) : (
                <span class="perm good">ready</span>
              )}
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}

function Sparkline({ values }: { values: readonly number[] }): VNode {
  const most = Math.max(1, ...values);
  const points = values.map((value, position) => `${60 - values.length + position},${19 - (value / most) * 18}`).join(' ');
  return (
    <svg viewBox="0 0 60 20" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}
