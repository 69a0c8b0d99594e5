/** One hook: what it decided lately in this room, and how long that took. */
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { lineOf } from '../logic/content.js';
import { runsOf } from '../logic/hook-runs.js';
import { authorOf } from '../logic/names.js';
import { milliseconds } from '../logic/time.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { Facts, PanelHead, Section } from './parts.js';

/** How a verdict is called. */
export const VERDICTS: Readonly<Record<string, string>> = {
  allow: 'allowed',
  block: 'blocked',
  modify: 'rewrote',
  failed: 'failed',
  timeout: 'too slow',
};

/** Of so many of the newest messages it is asked what was decided. */
const ASKED = 80;
const SHOWN = 25;

export function HookPanel({ room, hook }: { room: OpenRoom; hook: string }): VNode {
  const { version } = room.rows.value;
  useEffect(() => {
    const messages = room.events.filter(({ type }) => type === 'message').slice(-ASKED);
    if (room.as === undefined) room.wantTraces(messages.map(({ id }) => id));
  }, [room, version]);
  const { runs, counts, medianMs, slowest } = runsOf(hook, room.events, room.traces.value);
  const names = room.names.value;
  const triggers = [...new Set(runs.map(({ trigger }) => trigger))];
  return (
    <>
      <PanelHead kind={triggers.length === 0 ? 'Hook' : `Hook · ${triggers.join(', ')}`} title={hook} />
      {slowest === undefined ? (
        <p class="quiet-line padded">
          It was not asked about the events shown, or that was before this process started. The kit keeps what was decided of the newest events: new
          RoomKit(&#123; traceEvents: 1000 &#125;).
        </p>
      ) : (
        <>
          <Section title="Of the events shown">
            <Facts
              facts={[
                ['Asked', runs.length],
                ...counts.map(([verdict, count]) => [capital(VERDICTS[verdict] ?? verdict), count] as const),
                ['Median', milliseconds(medianMs)],
                [
                  'Slowest',
                  <>
                    {milliseconds(slowest.ms)} ·{' '}
                    <button type="button" class="link" onClick={() => go({ event: slowest.event.index, inspect: 'event', subject: undefined })}>
                      event {slowest.event.index}
                    </button>
                  </>,
                ],
              ]}
            />
          </Section>
          <Section title="What it decided">
            <ul class="card links runs">
              {runs.slice(0, SHOWN).map(({ event, verdict, reason, ms }, position) => (
                <li key={`${event.id} ${position}`} data-verdict={verdict}>
                  <button type="button" onClick={() => go({ event: event.index, inspect: 'event', subject: undefined })}>
                    <span class="num">{event.index}</span>
                    <span class="words-line" dir="auto">
                      <b>{authorOf(event.source, names).name}</b> {lineOf(event)}
                    </span>
                    <span class="verdict">
                      {VERDICTS[verdict] ?? verdict}
                      {reason !== undefined && reason !== hook && `: ${reason}`}
                    </span>
                    <span class="ms">{milliseconds(ms)}</span>
                  </button>
                </li>
              ))}
            </ul>
          </Section>
        </>
      )}
    </>
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
