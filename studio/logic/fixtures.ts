/** Events for the tests beside the code. */
import type { WireEvent } from '../types.js';

export function eventAt(index: number, given: Partial<WireEvent> = {}): WireEvent {
  return {
    id: `e${index}`,
    roomId: 'r',
    index,
    type: 'message',
    status: 'delivered',
    source: { channelId: 'web', channelType: 'websocket', participantId: 'ada' },
    content: { type: 'text', body: `words ${index}` },
    visibility: 'all',
    chainDepth: 0,
    createdAt: new Date(Date.UTC(2026, 0, 5, 12, 0, index)).toISOString(),
    metadata: {},
    ...given,
  };
}

export function attached(index: number, given: Partial<WireEvent> = {}): WireEvent {
  return eventAt(index, { type: 'channel_attached', content: { type: 'system', body: 'web was attached.' }, ...given });
}
