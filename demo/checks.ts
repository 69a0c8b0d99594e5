/** What the headless run checks with. */
import type { WireEvent } from 'roomkit/client';
import { ROOM_ID } from './cast.js';

export const PATIENCE_MS = 15_000;

export class Checks {
  total = 0;
  failed = 0;

  constructor(private readonly print: (line: string) => void) {}

  that(what: string, holds: boolean): void {
    this.total++;
    if (!holds) this.failed++;
    this.print(`      ${holds ? '✓' : '✗'} ${what}`);
  }
}

/** Waits until something holds, and not for ever. */
export async function soon(holds: () => boolean): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (!holds() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The whole timeline of a room as its host sees it. */
export async function readTimeline(address: string, roomId = ROOM_ID): Promise<WireEvent[]> {
  const events: WireEvent[] = [];
  for (;;) {
    const response = await fetch(`${address}/api/rooms/${roomId}/events?limit=100&afterIndex=${events.at(-1)?.index ?? -1}`);
    const page = ((await response.json()) as { events: WireEvent[] }).events;
    events.push(...page);
    if (page.length < 100) return events;
  }
}

/** What stays the same of an event. */
export function essence(event: WireEvent): unknown {
  return [event.id, event.index, event.status, event.source.channelId, event.content, event.chainDepth, event.visibility];
}
