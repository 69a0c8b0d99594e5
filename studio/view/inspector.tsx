/** The right column: what is selected, else the room's channels and people. */
import type { VNode } from 'preact';
import type { OpenRoom } from '../store/room.js';

export function Inspector({ room }: { room: OpenRoom | undefined }): VNode {
  return (
    <aside class="inspector" aria-label="Inspector">
      {room === undefined ? null : null}
    </aside>
  );
}
