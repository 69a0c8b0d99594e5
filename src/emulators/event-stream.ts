/** Writes answers over the wire: whole ones, and server-sent events with every way in which they can go wrong. */
import type { ServerResponse } from 'node:http';
import type { Pacing } from './script.js';

/** One server-sent event. */
export interface ServerEvent {
  /** Its name, where the vendor gives one. */
  readonly event?: string;
  /** An object goes as JSON. */
  readonly data: unknown;
}

/** One answer in one piece. */
export async function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  pacing: Pick<Pacing, 'hold' | 'cutAfter'> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await pacing.hold;
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  if (pacing.cutAfter === undefined) {
    response.end(text);
    return;
  }
  await written(response, text.slice(0, Math.floor(text.length / 2)));
  response.destroy();
}

/** A stream of events. `failed` makes the event by which the vendor reports a failure in mid-stream. */
export async function sendEvents(
  response: ServerResponse,
  events: readonly ServerEvent[],
  pacing: Pacing = {},
  failed?: () => ServerEvent,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await pacing.hold;
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', ...headers });
  response.flushHeaders();
  for (let at = 0; ; at++) {
    if (pacing.pause?.after === at) await pacing.pause.until;
    if (pacing.cutAfter === at) {
      response.destroy();
      return;
    }
    const failure = pacing.failAfter?.events === at ? failed?.() : undefined;
    if (failure !== undefined) await written(response, textOf(failure));
    const event = events[at];
    if (failure !== undefined || event === undefined || pacing.endAfter === at || response.destroyed) break;
    await written(response, textOf(event));
  }
  response.end();
}

function textOf({ event, data }: ServerEvent): string {
  const line = `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
  return event === undefined ? line : `event: ${event}\n${line}`;
}

/** Once it is on its way: a cut must not take back what was sent before it. */
function written(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    else response.write(text, () => resolve());
  });
}
