/** Step 9: the gate every event passes before it is committed. */
import { runInSection } from './section.js';
import type { Section } from './section.js';
import type { GateOutcome } from '../hooks/engine.js';
import type { RoomEvent, RoomEventDraft } from '../models/event.js';
import { isPromise } from '../models/json.js';
import type { HookVerdictTrace } from '../models/trace.js';
import type { KitParts } from '../parts.js';
import { contextOf, historySize } from '../rooms/history.js';
import type { RoomState } from '../store/store.js';

/** Hooks see the event frozen; its index is −1, because only the commit gives one. */
export function runGates(
  parts: KitParts,
  section: Section,
  state: RoomState,
  draft: RoomEventDraft,
  verdicts: HookVerdictTrace[] | undefined,
): Promise<GateOutcome<RoomEvent>> {
  const runtime = parts.rooms.get(section.roomId);
  const size = historySize(parts, state.bindings);
  const loading = runtime.loadTail(parts.store, state.room.latestIndex, size);
  const run = (): Promise<GateOutcome<RoomEvent>> => {
    const payload: RoomEvent = Object.freeze({ ...draft });
    const context = contextOf(state, () => runtime.recent(size));
    return runInSection(section, draft.chainDepth, () =>
      parts.hooks.gate('before_broadcast', payload, { roomId: section.roomId, source: draft.source, context: () => context, verdicts }),
    );
  };
  return isPromise(loading) ? loading.then(run) : run();
}
