/** What the provider is made with, and whether it is that. */
import type * as OpenTelemetryModule from '@opentelemetry/api';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';

/** The package `@opentelemetry/api`, as `import * as api` gives it. */
export type OpenTelemetryAPI = typeof OpenTelemetryModule;

/** How an {@link OpenTelemetryProvider} is made. */
export interface OpenTelemetryOptions {
  /** The API that the program's SDK has registered with. {@link OpenTelemetryProvider.open} imports it. */
  readonly api: OpenTelemetryAPI;
  /** Makes the spans; default the API's global tracer `roomkit`. */
  readonly tracer?: OpenTelemetryModule.Tracer;
  /** Makes the instruments; default the API's global meter `roomkit`, asked for with the first measurement. */
  readonly meter?: OpenTelemetryModule.Meter;
  /** Called when the kit flushes its telemetry, such as `() => tracerProvider.forceFlush()`. Default nothing: the SDK is the program's. */
  readonly flush?: () => Promise<void>;
}

const NAMES: OptionNames<OpenTelemetryOptions> = { api: true, tracer: true, meter: true, flush: true };

export function checkOptions(options: OpenTelemetryOptions): void {
  checkOptionNames('new OpenTelemetryProvider', options, NAMES);
  const { api, tracer, meter } = options as Partial<Record<keyof OpenTelemetryOptions, unknown>>;
  if (!has(api, 'trace') || !has(api, 'context') || !has(api, 'metrics'))
    throw new ValidationError(
      "OpenTelemetryProvider has no api. Pass { api } after import * as api from '@opentelemetry/api', or use await OpenTelemetryProvider.open().",
    );
  if (tracer !== undefined && !has(tracer, 'startSpan'))
    throw new ValidationError('The tracer of OpenTelemetryProvider cannot startSpan. Give a Tracer.');
  if (meter !== undefined && !has(meter, 'createHistogram'))
    throw new ValidationError('The meter of OpenTelemetryProvider cannot createHistogram. Give a Meter.');
}

function has(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && name in value;
}
