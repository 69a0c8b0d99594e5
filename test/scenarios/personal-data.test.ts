/** What a kit says of its work names nobody and repeats nothing that was said (security table, personal data). */
import { describe, expect, it } from 'vitest';
import { FrameworkEventType, InMemoryStore, type Logger } from '../../src/core/index.js';
import { MockTelemetryProvider } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { erasureScene, NEEDLES } from '../support/erasure-scene.js';

describe('personal data', () => {
  it('personal data: words, names and addresses are in no log, span, metric, framework event or trace, also while somebody is erased', async () => {
    verifies('TEL-06', 'ERA-10', 'TEL-07');
    const lines: unknown[] = [];
    const log = (message: string, fields?: object): void => {
      const error: unknown = (fields as { error?: unknown } | undefined)?.error;
      lines.push([message, fields, error instanceof Error ? `${error.message} ${error.stack}` : error]);
    };
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const provider = new MockTelemetryProvider();
    const { kit, close } = await erasureScene(new InMemoryStore(), { logger, telemetry: { provider } });
    const events: unknown[] = [];
    for (const type of FrameworkEventType) kit.on(type, (event) => void events.push(event));
    const ids = (await Promise.all((await kit.listRooms()).map(({ id }) => kit.getTimeline(id)))).flat().map(({ id }) => id);
    const traces = ids.map((id) => kit.getTrace(id)).filter((trace) => trace !== undefined);
    await kit.eraseIdentity('ada-identity');
    await close();
    expect(provider.spans.length).toBeGreaterThan(10);
    expect(traces.length).toBeGreaterThan(5);
    expect(events.length).toBeGreaterThan(0);
    const said = JSON.stringify([lines, provider.spans, provider.metrics, events, traces]);
    expect(NEEDLES.filter((needle) => said.includes(needle))).toEqual([]);
  });
});
