/** What a person in a room may know of it: metadata, timers, addresses and candidates stay with the host (AUTH-03). */
import type { Participant, Room } from '../core/index.js';

export function roomForClient({
  id,
  status,
  createdAt,
  updatedAt,
  closedAt,
  latestIndex,
}: Room): Pick<Room, 'id' | 'status' | 'createdAt' | 'updatedAt' | 'closedAt' | 'latestIndex'> {
  return { id, status, createdAt, updatedAt, ...(closedAt !== undefined && { closedAt }), latestIndex };
}

export function participantForClient({ id, displayName, role, status }: Participant): Pick<Participant, 'id' | 'displayName' | 'role' | 'status'> {
  return { id, ...(displayName !== undefined && { displayName }), role, status };
}
