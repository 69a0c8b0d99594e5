/** What is shown where there is nothing yet: what belongs there, and the line of code that fills it. */
import type { ComponentChildren, VNode } from 'preact';
import { go } from '../store/route.js';
import { loading, rooms, sorted, titleOf } from '../store/rooms.js';

export function Empty({ title, children, code }: { title: string; children: ComponentChildren; code?: string }): VNode {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{children}</p>
      {code !== undefined && (
        <pre>
          <code>{code}</code>
        </pre>
      )}
    </div>
  );
}

export function NoRoom(): VNode {
  const none = loading.value === 'idle' && rooms.value.size === 0;
  const [newest] = sorted.value;
  return (
    <main class="room nothing" id="timeline" tabIndex={-1}>
      {none ? (
        <Empty title="No rooms yet" code={`await kit.ensureRoom({ roomId: 'room-1' });\nawait kit.attachChannel('room-1', 'web');`}>
          A room joins people, agents and programs over any number of channels. Make one, or let the first message make it.
        </Empty>
      ) : (
        <Empty title="Choose a room">
          Every event of a room appears here as it happens: who said it, who may hear it, what each hook decided and where the time went.
        </Empty>
      )}
      {newest !== undefined && (
        <p class="actions">
          <button type="button" class="primary" onClick={() => go({ roomId: newest.id })}>
            Open {titleOf(newest)}
          </button>
        </p>
      )}
    </main>
  );
}
