/** The centre: one room, its head and its timeline. */
import type { VNode } from 'preact';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import { Devices } from './devices.js';
import { RoomHead } from './room-head.js';
import { Timeline } from './timeline.js';

export function RoomView({ room }: { room: OpenRoom }): VNode {
  const load = room.load.value;
  return (
    <main class="room">
      <RoomHead room={room} />
      {load.kind === 'failed' ? (
        <div class="empty" role="alert">
          <h2>{load.missing ? 'There is no such room' : 'The room cannot be read'}</h2>
          <p>{load.message}</p>
          <p class="actions">
            {!load.missing && (
              <button type="button" onClick={() => room.retry()}>
                Try again
              </button>
            )}
            <button type="button" onClick={() => go({ roomId: undefined })}>
              All rooms
            </button>
          </p>
        </div>
      ) : (
        <Timeline room={room} isLoading={load.kind === 'loading'} />
      )}
      {load.kind === 'ready' && <Devices room={room} />}
    </main>
  );
}
