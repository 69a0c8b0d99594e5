/** Publishes an ephemeral event: to subscribers, and to the room's channels that can show it (EPH-02, EPH-03). */
import type { EphemeralEvent } from '../models/ephemeral.js';
import type { ChannelCapabilities } from '../models/capabilities.js';
import { canRead } from '../delivery/visibility.js';
import type { KitParts } from '../parts.js';
import { roomChannel } from './backend.js';

export async function publishEphemeral(parts: KitParts, event: EphemeralEvent): Promise<void> {
  await parts.realtime.publish(roomChannel(event.roomId), event);
  if (isThought(event)) return;
  parts.wire.ephemeral(event);
  await deliverEphemeral(parts, event);
}

/** To all channels of the room, or to these of them: those that have connections here of what another process has published. */
export async function deliverEphemeral(parts: KitParts, event: EphemeralEvent, channelIds?: ReadonlySet<string>): Promise<void> {
  const state = await parts.store.loadRoom(event.roomId);
  if (state === null) return;
  await Promise.all(
    state.bindings.map(async (binding) => {
      if (channelIds?.has(binding.channelId) === false) return;
      const channel = parts.channels.get(binding.channelId)?.channel;
      if (channel?.deliverEphemeral === undefined || !canRead(binding) || !supports(binding.capabilities, event)) return;
      if (binding.channelId === event.channelId && channel.echo !== true) return;
      try {
        await channel.deliverEphemeral(event, binding);
      } catch (error) {
        parts.logger.warn('A channel failed to take an ephemeral event.', { channelId: binding.channelId, type: event.type, error });
      }
    }),
  );
}

/** What a model thinks is for consoles that subscribe to the room, never for people's channels (STR-07). */
function isThought(event: EphemeralEvent): boolean {
  return event.type === 'custom' && event.data['kind'] === 'thinking';
}

function supports(capabilities: ChannelCapabilities, event: EphemeralEvent): boolean {
  switch (event.type) {
    case 'typing_start':
    case 'typing_stop':
    case 'presence_online':
    case 'presence_away':
    case 'presence_offline':
    case 'custom':
      return capabilities.supportsTyping;
    case 'read_receipt':
      return capabilities.supportsReadReceipts;
    case 'reaction':
      return capabilities.supportsReactions;
  }
}
