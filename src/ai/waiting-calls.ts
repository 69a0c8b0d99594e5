/** What other turns of an agent are told of its calls that wait for people (APR-02): names of its own tools, never what they were called with (AI-10). */
import type { ChannelServices } from '../core/channel.js';
import type { ApprovalRow } from '../core/models/approval.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import type { TurnTools } from './tools/tool-set.js';

/** Undefined when nothing waits. A store that fails says nothing, and holds up nobody. */
export function waitingNote(
  services: ChannelServices,
  where: { readonly roomId: string; readonly agentId: string },
  tools: TurnTools,
): Awaitable<string | undefined> {
  const failed = (error: unknown): readonly ApprovalRow[] => {
    services.logger.warn('What waits for people could not be read.', { ...where, error });
    return EMPTY_LIST;
  };
  try {
    const listing = services.kit.store.listApprovals({ ...where, state: 'pending' });
    return isPromise(listing) ? listing.catch(failed).then((found) => noteOf(found, tools)) : noteOf(listing, tools);
  } catch (error) {
    return noteOf(failed(error), tools);
  }
}

function noteOf(pending: readonly ApprovalRow[], tools: TurnTools): string | undefined {
  const counts = new Map<string, number>();
  for (const { tool } of pending) if (tools.get(tool) !== undefined) counts.set(tool, (counts.get(tool) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const named = Array.from(counts, ([tool, count]) => (count === 1 ? tool : `${tool} (${count} calls)`)).sort();
  return `Calls of these tools wait until a person allows them: ${named.join(', ')}. Do not make them again for the same matter; what comes of them is told by itself.`;
}
