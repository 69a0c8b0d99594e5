/** The frame: header, rooms, the room, the inspector; below 1024 px one of them at a time. */
import type { VNode } from 'preact';
import { access, connection, leave, now, retryNow } from '../store/host.js';
import { credential } from '../api.js';
import { current } from '../store/current.js';
import { go, route } from '../store/route.js';
import { kitInfo } from './health.js';
import { Help, helpOpen, useKeys } from './keys.js';
import { Icon } from './icons.js';
import { Inspector } from './inspector.js';
import { KeyForm } from './key-form.js';
import { RoomList } from './room-list.js';
import { RoomView } from './room-view.js';
import { NoRoom } from './empty.js';
import { Search, searchOpen } from './search.js';
import { ApprovalsButton } from './approvals.js';
import { Confirm } from './confirm.js';
import { Notices } from './notices.js';

export function App(): VNode {
  useKeys();
  if (access.value.kind === 'asking') return <KeyForm refused={access.value.refused} />;
  const { roomId, inspect } = route.value;
  // On a wide screen all of them are there.
  const screen = inspect !== undefined ? 'inspector' : roomId === undefined ? 'rooms' : 'room';
  const room = current.value;
  return (
    <div class="app" data-screen={screen}>
      <a class="skip" href="#timeline" onClick={(event) => (event.preventDefault(), document.getElementById('timeline')?.focus())}>
        Skip to the timeline
      </a>
      <Header />
      <Banner />
      <RoomList />
      {room === undefined ? <NoRoom /> : <RoomView key={`${room.roomId} ${room.as ?? ''}`} room={room} />}
      <Inspector room={room} />
      {searchOpen.value && <Search />}
      {helpOpen.value && <Help />}
      <Confirm />
      <Notices />
    </div>
  );
}

function Header(): VNode {
  const { roomId, inspect } = route.value;
  return (
    <header class="top">
      {(roomId !== undefined || inspect !== undefined) && (
        <button
          type="button"
          class="bare back"
          onClick={() =>
            go(inspect !== undefined ? { inspect: undefined, subject: undefined } : { roomId: undefined, event: undefined, as: undefined })
          }
        >
          <Icon name="back" />
          {inspect !== undefined && roomId !== undefined ? 'Room' : 'Rooms'}
        </button>
      )}
      <a class="brand" href="#/" aria-label="RoomKit Studio">
        <i aria-hidden="true" />
        <span>
          RoomKit <b>Studio</b>
        </span>
      </a>
      <span class="crumb">
        {location.host}
        {kitInfo.value !== undefined && ` · ${kitInfo.value.store.name}`}
      </span>
      <span class="grow" />
      <ApprovalsButton />
      <LinePill />
      <button type="button" class="bare keyed" aria-label="Search" aria-keyshortcuts="/" onClick={() => (searchOpen.value = true)}>
        <Icon name="search" />
        <kbd>/</kbd>
      </button>
      <button type="button" class="bare" aria-label="Help" aria-keyshortcuts="?" onClick={() => (helpOpen.value = true)}>
        <kbd>?</kbd>
      </button>
      {credential.get() !== undefined && (
        <button type="button" class="bare" onClick={leave}>
          Sign out
        </button>
      )}
    </header>
  );
}

function LinePill(): VNode {
  const { kind } = connection.value;
  const words = { connecting: 'connecting', online: 'live', lost: 'offline', refused: 'refused' }[kind];
  return (
    <span class="line" role="status" data-state={kind}>
      {words}
    </span>
  );
}

function Banner(): VNode | null {
  const state = connection.value;
  if (state.kind !== 'lost') return null;
  const seconds = Math.max(1, Math.ceil((state.retryAt - now.value) / 1000));
  return (
    <div class="banner" role="status">
      <Icon name="warn" />
      <span>
        Connection lost. <span aria-hidden="true">Trying again in {seconds} s.</span> Nothing you see is gone; what happens meanwhile appears when it
        is back.
      </span>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
    </div>
  );
}
