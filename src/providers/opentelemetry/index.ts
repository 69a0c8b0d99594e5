/**
 * `roomkit/opentelemetry`: spans and metrics of a kit over the API of OpenTelemetry, for whatever SDK the program has set up. Needs the
 * package `@opentelemetry/api`.
 * @module roomkit/opentelemetry
 */
export { OpenTelemetryProvider } from './provider.js';
export { METRICS } from './instruments.js';
export type { MetricDescription } from './instruments.js';
export type { OpenTelemetryAPI, OpenTelemetryOptions } from './options.js';
