/** Writes the OpenMetrics text format 1.0: families one after another, and an end that says that nothing is missing. */
import type { HistogramSnapshot } from '../core/index.js';

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Label → value; an empty table where there is one sample only. */
export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** A number as it is now. */
export interface Family {
  readonly help: string;
  /** The name ends with it. */
  readonly unit?: string;
}

export class OpenMetrics {
  #text = '';

  gauge(name: string, family: Family, samples: number | readonly Sample[]): void {
    this.#begin(name, 'gauge', family);
    for (const [labels, value] of samplesOf(samples)) this.#sample(name, labels, value);
  }

  /** What only grows since the process began; the name is given without `_total`. */
  counter(name: string, family: Family, samples: number | readonly Sample[]): void {
    this.#begin(name, 'counter', family);
    for (const [labels, value] of samplesOf(samples)) this.#sample(`${name}_total`, labels, value);
  }

  histogram(name: string, family: Family, { buckets, count, sum }: HistogramSnapshot): void {
    this.#begin(name, 'histogram', family);
    for (const bucket of buckets) this.#sample(`${name}_bucket`, { le: bound(bucket.atMost) }, bucket.count);
    this.#sample(`${name}_bucket`, { le: '+Inf' }, count);
    this.#sample(`${name}_count`, {}, count);
    this.#sample(`${name}_sum`, {}, sum);
  }

  info(name: string, family: Family, labels: Labels): void {
    this.#begin(name, 'info', family);
    this.#sample(`${name}_info`, labels, 1);
  }

  /** One of several states, each with 0 or 1. */
  stateset(name: string, family: Family, states: readonly string[], current: string): void {
    this.#begin(name, 'stateset', family);
    for (const state of states) this.#sample(name, { [name]: state }, state === current ? 1 : 0);
  }

  /** The whole text. */
  end(): string {
    return `${this.#text}# EOF\n`;
  }

  #begin(name: string, type: string, { help, unit }: Family): void {
    this.#text += `# TYPE ${name} ${type}\n`;
    if (unit !== undefined) this.#text += `# UNIT ${name} ${unit}\n`;
    this.#text += `# HELP ${name} ${escaped(help)}\n`;
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    this.#text += `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  }
}

function samplesOf(samples: number | readonly Sample[]): readonly Sample[] {
  return typeof samples === 'number' ? [[{}, samples]] : samples;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Bounds are floating point numbers, and look like it. */
function bound(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
