/** A part of a room's snapshot, which stays the same object until one of its fields changes. */
import { useMemo, useSyncExternalStore } from 'react';
import type { ClientRoom } from '../index.js';

export function useSelected<Part extends object>(room: ClientRoom, select: () => Part): Part {
  // One memory per room: `select` reads nothing but the room.
  const read = useMemo(() => {
    let known: Part | undefined;
    return (): Part => {
      const next = select();
      if (known === undefined || !hasSameFields(known, next)) known = next;
      return known;
    };
  }, [room]);
  return useSyncExternalStore(room.subscribe, read, read);
}

function hasSameFields<Part extends object>(one: Part, other: Part): boolean {
  return (Object.keys(other) as (keyof Part)[]).every((name) => one[name] === other[name]); // keys of Part
}
