/**
 * Messages on hold go on (IDN-11, EDT-06): one after another, each let go of only once it is in the timeline or refused for
 * good. A crash in between leaves it held; processed again, it is recognised by its idempotency key.
 */
import { isoTime } from '../clock.js';
import type { InboundMessage, InboundResult } from '../models/delivery.js';
import { isPromise } from '../models/json.js';
import type { KitParts } from '../parts.js';
import type { HeldMessage } from '../store/store.js';

type Process = (message: InboundMessage, held: HeldMessage) => Promise<InboundResult>;

const NOTHING: readonly InboundResult[] = [];

/** The results in the order of the messages; at once when nothing is held. What could not be processed in time stays held. */
export function releaseHeld(
  parts: KitParts,
  kind: HeldMessage['kind'],
  key: string,
  process: Process,
): Promise<readonly InboundResult[]> | readonly InboundResult[] {
  const found = parts.store.listHeld(kind, key, isoTime(parts.clock.now()));
  if (isPromise(found)) return found.then((held) => (held.length === 0 ? NOTHING : releaseEach(parts, held, process)));
  return found.length === 0 ? NOTHING : releaseEach(parts, found, process);
}

/** Forgets what is held under a key. */
export async function discardHeld(parts: KitParts, kind: HeldMessage['kind'], key: string): Promise<void> {
  const held = await parts.store.listHeld(kind, key, isoTime(parts.clock.now()));
  if (held.length > 0) await parts.store.dropHeld(held.map((one) => one.id));
}

async function releaseEach(parts: KitParts, held: readonly HeldMessage[], process: Process): Promise<InboundResult[]> {
  const results: InboundResult[] = [];
  for (const one of held) {
    const result = await process({ ...one.message, idempotencyKey: one.message.idempotencyKey ?? `held:${one.id}` }, one);
    if (result.reason === 'process_timeout') break;
    await parts.store.dropHeld([one.id]);
    results.push(result);
  }
  return results;
}
