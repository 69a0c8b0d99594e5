/** `roomkit/testing`: what tests of your own need: virtual time, doubles that remember, one suite per seam. */
export { MockAIProvider, MockMemoryProvider } from '../ai/index.js';
export { MockTelemetryProvider, type RecordedSpan } from './mock-telemetry-provider.js';
export { MockTransportProvider } from './mock-transport-provider.js';
export { TestClock } from './test-clock.js';
