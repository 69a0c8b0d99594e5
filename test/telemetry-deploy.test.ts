/** The files of deploy/telemetry say nothing that a kit does not: metrics, kinds of spans and attributes are those of the code. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { SpanKind } from '../src/index.js';
import { METRICS } from '../src/providers/opentelemetry/index.js';
import { verifies } from './requirements.js';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

interface Target {
  readonly refId: string;
  readonly expr?: string;
  readonly query?: string;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query?: string | { readonly query: string } }[] };
}

/** As Prometheus writes a name when no suffixes are added. */
const asPrometheus = (name: string): string => name.replaceAll('.', '_');

describe('the dashboard', () => {
  const dashboard = JSON.parse(read('deploy/telemetry/dashboard.json')) as Dashboard;
  const targets = dashboard.panels.flatMap(({ targets = [] }) => targets);

  it('asks for metrics that there are, in the way of their instruments', () => {
    verifies('TEL-05');
    const variables = dashboard.templating.list.map(({ query }) => (typeof query === 'object' ? query.query : ''));
    const asked = [...targets.map(({ expr = '' }) => expr), ...variables].flatMap((text) => [
      ...text.matchAll(/\b((?:roomkit|gen_ai)_[a-z_]+?)(_bucket|_sum|_count)?(?=[{,)])/g),
    ]);
    const instruments = new Map(Object.entries(METRICS).map(([name, { instrument }]) => [asPrometheus(name), instrument]));
    const labels = ['roomkit_channel_id', 'roomkit_channel_type', 'gen_ai_request_model', 'gen_ai_token_type', 'gen_ai_tool_name'];
    const named = asked.filter(([, name = '']) => !labels.includes(name));
    expect(named.length).toBeGreaterThan(8);
    for (const [whole, name = '', suffix] of named) {
      expect(instruments.has(name), whole).toBe(true);
      expect(suffix !== undefined, `${whole} is taken as a histogram`).toBe(instruments.get(name) === 'histogram');
    }
    for (const name of [
      'roomkit_delivery_duration_ms',
      'roomkit_outbox_age_s',
      'roomkit_lane_depth',
      'roomkit_llm_ttfb_ms',
      'gen_ai_client_token_usage',
    ])
      expect(named.map(([, asked]) => asked)).toContain(name);
  });

  it('shows a turn from webhook to delivery, by kinds of spans that there are', () => {
    verifies('TEL-04');
    const queries = targets.flatMap(({ query = '' }) => query);
    const kinds = queries.flatMap((query) => [...query.matchAll(/span\.roomkit\.kind =~? "([^"]+)"/g)].flatMap(([, given = '']) => given.split('|')));
    const known: readonly string[] = Object.values(SpanKind);
    expect(kinds.filter((kind) => !known.includes(kind))).toEqual([]);
    for (const kind of ['framework.inbound', 'hook.sync', 'framework.turn', 'llm.generate', 'llm.tool_call', 'framework.delivery'])
      expect(kinds).toContain(kind);
    const attributes = read('src/providers/opentelemetry/attributes.ts');
    for (const [, name = ''] of queries.join('\n').matchAll(/span\.(roomkit\.[a-z_.]+)/g)) expect(attributes).toContain(`'${name}'`);
    expect(dashboard.panels.filter(({ type }) => type === 'traces')).toHaveLength(1);
  });

  it('can be drawn: no panel lies on another, and every variable that is used is there', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const places = dashboard.panels.map(({ gridPos }) => gridPos);
    const isOver = places.some((a, at) => places.slice(at + 1).some((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h));
    expect(isOver).toBe(false);
    const names = dashboard.templating.list.map(({ name }) => name);
    const used = [...read('deploy/telemetry/dashboard.json').matchAll(/\$\{?([a-z]+)\}?/g)].map(([, name = '']) => name);
    expect([...new Set(used)].filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('the configuration of the collector', () => {
  it('is YAML whose pipelines name what it defines', () => {
    const config = parse(read('deploy/telemetry/collector.yaml')) as Record<'receivers' | 'processors' | 'exporters', Record<string, unknown>> & {
      service: { pipelines: Record<string, Record<'receivers' | 'processors' | 'exporters', string[]>> };
    };
    expect(Object.keys(config.service.pipelines).sort()).toEqual(['metrics', 'traces']);
    for (const pipeline of Object.values(config.service.pipelines))
      for (const part of ['receivers', 'processors', 'exporters'] as const)
        for (const name of pipeline[part]) expect(Object.keys(config[part])).toContain(name);
    // The names the dashboard asks for are those without suffixes.
    expect(config.exporters['prometheus']).toMatchObject({ add_metric_suffixes: false });
  });
});
