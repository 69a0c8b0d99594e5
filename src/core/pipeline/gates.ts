/** Step 9: the gate every event passes before it is committed. */
import { runInSection } from './section.js';
import type { Section } from './section.js';
import type { GateOutcome } from '../hooks/engine.js';
import type { VerdictLog } from '../hooks/verdict-log.js';
import { copyOfEvent, type RoomEvent, type RoomEventDraft } from '../models/event.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { contextOf, historySize } from '../rooms/history.js';
import type { RoomState } from '../store/store.js';
import type { ProcessDeadline } from './process-deadline.js';

/** Hooks see the event frozen; its index is −1, because only the commit gives one. */
export function runGates(
  parts: KitParts,
  section: Section,
  state: RoomState,
  draft: RoomEventDraft,
  verdicts: VerdictLog | undefined,
  limit: ProcessDeadline | undefined,
): Awaitable<GateOutcome<RoomEvent>> {
  const runtime = parts.rooms.get(section.roomId);
  const size = historySize(parts, state.bindings);
  const loading = runtime.loadTail(parts.store, state.room.latestIndex, size);
  const run = (): Awaitable<GateOutcome<RoomEvent>> => {
    const payload: RoomEvent = Object.freeze(copyOfEvent(draft));
    const context = contextOf(state, () => runtime.recent(size));
    return runInSection(section, draft.chainDepth, () =>
      parts.hooks.gate('before_broadcast', payload, { roomId: section.roomId, source: draft.source, context: () => context, verdicts, limit }),
    );
  };
  return isPromise(loading) ? (limit?.wait(loading) ?? loading).then(run) : run();
}
