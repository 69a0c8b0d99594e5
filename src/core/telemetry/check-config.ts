/** Whether a {@link TelemetryConfig} makes sense; for programs without types, and before anything is lost. */
import { ValidationError } from '../errors.js';
import { HookTrigger } from '../hooks/triggers.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';
import { SpanKind, type TelemetryConfig } from './provider.js';

const NAMES: OptionNames<TelemetryConfig> = {
  provider: true,
  sampleRate: true,
  enabledSpans: true,
  metadata: true,
  suppressedHookTriggers: true,
  content: true,
  incomingTrace: true,
  outgoingTrace: true,
};

const METHODS = ['startSpan', 'endSpan', 'setAttribute', 'recordMetric'] as const;

/** Throws ValidationError that names the option and its value. */
export function checkTelemetry(config: TelemetryConfig): void {
  checkOptionNames('telemetry', config, NAMES);
  const { provider, sampleRate, enabledSpans, suppressedHookTriggers, incomingTrace } = config;
  const missing = provider === undefined ? [] : METHODS.filter((method) => typeof provider[method] !== 'function');
  if (missing.length > 0) throw new ValidationError(`The provider of telemetry has no ${missing.join(', ')}. Give a TelemetryProvider.`);
  if (sampleRate !== undefined && !(typeof sampleRate === 'number' && sampleRate >= 0 && sampleRate <= 1))
    throw new ValidationError(`Option telemetry.sampleRate is ${String(sampleRate)}. Give a number from 0 (nothing) to 1 (everything).`);
  checkList('enabledSpans', enabledSpans, Object.values(SpanKind));
  checkList('suppressedHookTriggers', suppressedHookTriggers, Object.values(HookTrigger));
  if (incomingTrace !== undefined && !['continue', 'trust', 'ignore'].includes(incomingTrace))
    throw new ValidationError(`Option telemetry.incomingTrace is ${JSON.stringify(incomingTrace)}. Use 'continue', 'trust' or 'ignore'.`);
}

function checkList(option: string, given: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = given?.find((value) => !known.includes(value));
  if (unknown !== undefined) throw new ValidationError(`telemetry.${option} has ${JSON.stringify(unknown)}. Known: ${known.join(', ')}.`);
}
