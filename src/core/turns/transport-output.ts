/** What a transport channel answers to an event in `onEvent`: replies re-enter like an agent's (BC-02). */
import type { Broadcast } from '../delivery/broadcast.js';
import type { Target } from '../delivery/plan.js';
import { collectEffects } from '../hooks/effects.js';
import { EMPTY_LIST } from '../models/json.js';
import type { TurnRow } from '../models/delivery.js';
import { runPass } from '../pipeline/pass.js';
import { storeEffects } from '../pipeline/side-effects.js';
import { collisionOf } from './collision.js';
import { replyFields } from './reply.js';

const NO_LAYERS = { binding: undefined, room: undefined, agent: undefined };

export async function tellTransport(broadcast: Broadcast, target: Target, signal: AbortSignal): Promise<void> {
  const { parts, event, context, state, cascade } = broadcast;
  try {
    const output = await target.channel?.onEvent?.(event, target.binding, context, { signal });
    if (output === undefined || output === null) return;
    const effects = collectEffects(undefined, {
      ...(output.tasks !== undefined && { tasks: output.tasks }),
      ...(output.observations !== undefined && { observations: output.observations }),
      ...(output.metadataUpdates !== undefined && { metadata: output.metadataUpdates }),
    });
    if (effects !== undefined) storeEffects(parts, event.roomId, target.channelId, effects, cascade);
    if (target.binding.muted) return;
    const collision = collisionOf(NO_LAYERS, event.source); // nothing waits for a transport
    for (const draft of output.responseEvents ?? EMPTY_LIST) {
      const row: TurnRow = {
        id: parts.ids.next(),
        roomId: event.roomId,
        channelId: target.channelId,
        triggerEventIds: [event.id],
        triggerIndex: event.index,
        state: 'running',
        attempts: 1,
        createdAt: event.createdAt,
        expiresAt: event.createdAt,
      };
      await runPass(parts, {
        fields: replyFields({ row, trigger: event, target, cascade, collision, recovered: false }, state, draft, undefined),
        cascade,
        origin: 'reply',
        reply: { row, muteSuppresses: true },
        startedAt: parts.clock.now(),
      });
    }
  } catch (error) {
    parts.logger.warn('A channel failed to take in an event.', { channelId: target.channelId, error });
  }
}
