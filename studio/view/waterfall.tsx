/** The turn as bars on one axis, and its figures beside it. */
import type { VNode } from 'preact';
import { layOut, money, type Bar } from '../logic/waterfall.js';
import type { Names } from '../logic/names.js';
import { milliseconds } from '../logic/time.js';
import type { DecisionTrace } from '../types.js';

export interface WaterfallProps {
  readonly trace: DecisionTrace;
  readonly names: Names;
  readonly reply?: { readonly trace: DecisionTrace; readonly channelId: string } | undefined;
}

export function WaterfallView({ trace, names, reply }: WaterfallProps): VNode {
  const { bars, totalMs, ticks, firstTokenMs, tokens, cost } = layOut(trace, names, reply);
  const input = tokens['input_tokens'];
  const output = tokens['output_tokens'];
  const all = tokens['total_tokens'] ?? (input ?? 0) + (output ?? 0);
  const unit = totalMs >= 1000 ? 's' : 'ms';
  return (
    <div class="card waterfall">
      <div class="axis" aria-hidden="true">
        <span />
        <div>
          {ticks.map((tick) => (
            <i key={tick} style={{ left: `${(tick / totalMs) * 100}%` }}>
              {unit === 's' ? tick / 1000 : tick}
            </i>
          ))}
        </div>
        <span>{unit}</span>
      </div>
      <ol>
        {bars.map((bar, position) => (
          <BarRow key={position} bar={bar} totalMs={totalMs} ticks={ticks} />
        ))}
      </ol>
      <dl class="sums">
        <div>
          <dd>{milliseconds(firstTokenMs ?? totalMs)}</dd>
          <dt>{firstTokenMs === undefined ? 'in all' : 'first token'}</dt>
        </div>
        {firstTokenMs !== undefined && (
          <div>
            <dd>{milliseconds(totalMs)}</dd>
            <dt>in all</dt>
          </div>
        )}
        {all > 0 && (
          <div title={input === undefined ? undefined : `${input} in, ${output ?? 0} out`}>
            <dd>{all.toLocaleString()}</dd>
            <dt>tokens</dt>
          </div>
        )}
        {cost !== undefined && (
          <div title="By the kit's prices, in their currency">
            <dd>{money(cost)}</dd>
            <dt>cost</dt>
          </div>
        )}
      </dl>
    </div>
  );
}

function BarRow({ bar, totalMs, ticks }: { bar: Bar; totalMs: number; ticks: readonly number[] }): VNode {
  const left = Math.min(99.4, (bar.from / totalMs) * 100);
  return (
    <li data-kind={bar.kind} data-failed={bar.failed !== undefined} title={bar.about}>
      <span class="label">{bar.label}</span>
      <span class="track">
        {ticks.map((tick) => (
          <s key={tick} style={{ left: `${(tick / totalMs) * 100}%` }} />
        ))}
        <i style={{ left: `${left}%`, width: `max(2px, ${Math.min(100 - left, (bar.ms / totalMs) * 100)}%)` }} />
        {bar.mark !== undefined && <u style={{ left: `${(bar.mark / totalMs) * 100}%` }} />}
      </span>
      <span class="ms">{milliseconds(bar.ms)}</span>
      <span class="hidden">{bar.about}</span>
    </li>
  );
}
