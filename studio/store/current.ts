/** Which room is open, as the address says. */
import { effect, signal, untracked } from '@preact/signals';
import { access, generation } from './host.js';
import { OpenRoom } from './room.js';
import { route } from './route.js';

export const current = signal<OpenRoom | undefined>(undefined);

effect(() => {
  const { roomId, as } = route.value;
  const isOpen = access.value.kind === 'open';
  untracked(() => {
    const before = current.value;
    if (isOpen && before !== undefined && before.roomId === roomId && before.as === as) return;
    before?.close();
    current.value = isOpen && roomId !== undefined ? new OpenRoom(roomId, as, route.value.event) : undefined;
  });
});

effect(() => {
  if (generation.value > 0) untracked(() => void current.value?.resume());
});
