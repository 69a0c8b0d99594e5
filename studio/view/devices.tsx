/** The drawer at the bottom: small clients of the room's channels: customers' chats, and the devices of emulated vendors. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { authorOf, channelName, type Names } from '../logic/names.js';
import { addDevice, ChatDevice, people, removeDevice, type Person } from '../store/devices.js';
import type { OpenRoom } from '../store/room.js';
import { followLines, lineDevices } from '../store/lines.js';
import { go, route } from '../store/route.js';
import type { RoomDetail, WireEvent } from '../types.js';
import { ContentView } from './content.js';
import { Empty } from './empty.js';
import { Icon } from './icons.js';
import { LineDeviceView } from './line-device.js';
import { isDeleted, isQuiet } from '../logic/rows.js';

export function Devices({ room }: { room: OpenRoom }): VNode {
  const isOpen = route.value.devices;
  const detail = room.detail.value;
  const open = people.value.get(room.roomId) ?? [];
  const asked = route.value.device;
  const lines = lineDevices.value.filter(({ channelId, address }) => isOf(detail, channelId, address));
  useEffect(() => {
    if (isOpen) followLines();
  }, [isOpen]);
  useEffect(() => {
    if (asked === undefined || detail === undefined) return;
    const { displayName } = detail.participants.find(({ id }) => id === asked.participantId) ?? {};
    // A channel that is no web chat of this room has no device.
    if (detail.bindings.some(({ channelId, channelType }) => channelId === asked.channelId && channelType === 'websocket'))
      addDevice(room.roomId, { ...asked, displayName: displayName ?? asked.participantId });
    go({ device: undefined, devices: true });
  }, [asked, detail]);
  return (
    <section class="devices" aria-label="Devices" data-open={isOpen}>
      <header>
        <button type="button" class="handle" aria-expanded={isOpen} aria-keyshortcuts="d" onClick={() => go({ devices: !isOpen })}>
          <Icon name="device" size={14} />
          Devices
          {open.length + lines.length > 0 && <span class="count">{open.length + lines.length}</span>}
          <Icon name={isOpen ? 'down' : 'up'} size={12} />
          {!isOpen && <span class="quiet-line">Speak as a customer</span>}
        </button>
        <span class="grow" />
        {isOpen && detail !== undefined && open.length + lines.length > 0 && <AddDevice room={room} detail={detail} />}
      </header>
      {isOpen && detail !== undefined && (
        <div class="shelf">
          {open.map((person) => (
            <Chat key={`${person.channelId} ${person.participantId}`} room={room} person={person} />
          ))}
          {lines.map((device) => (
            <LineDeviceView key={device.id} device={device} />
          ))}
          {open.length + lines.length === 0 && <FirstDevice room={room} detail={detail} />}
        </div>
      )}
    </section>
  );
}

/** Whether a device's person is reached by this room over its channel. */
function isOf(detail: RoomDetail | undefined, channelId: string, address: string): boolean {
  const binding = detail?.bindings.find((bound) => bound.channelId === channelId);
  return binding !== undefined && Object.values(binding.metadata).includes(address);
}

/** People on web channels, as far as the room knows them. */
function candidates(detail: RoomDetail): Person[] {
  const web = detail.bindings.filter(({ channelType }) => channelType === 'websocket').map(({ channelId }) => channelId);
  return detail.participants
    .filter(({ channelId, status, role }) => web.includes(channelId) && status === 'active' && role !== 'bot')
    .map(({ id, channelId, displayName }) => ({ channelId, participantId: id, displayName: displayName ?? id }));
}

function FirstDevice({ room, detail }: { room: OpenRoom; detail: RoomDetail }): VNode {
  const web = detail.bindings.find(({ channelType }) => channelType === 'websocket');
  if (web === undefined) {
    return (
      <Empty
        title="No web chat in this room"
        code={`kit.registerChannel(new WebSocketChannel('web'));\nawait kit.attachChannel('${room.roomId}', 'web');`}
      >
        The customer’s chat speaks over a WebSocketChannel. Attach one, and speak here as somebody on it.
      </Empty>
    );
  }
  return (
    <div class="empty">
      <h2>Speak as a customer</h2>
      <p>A chat of its own, with a client’s token: it sees and may do exactly what that person would.</p>
      <AddDevice room={room} detail={detail} isFirst />
    </div>
  );
}

function AddDevice({ room, detail, isFirst = false }: { room: OpenRoom; detail: RoomDetail; isFirst?: boolean }): VNode | null {
  const [isNaming, setNaming] = useState(false);
  const web = detail.bindings.filter(({ channelType }) => channelType === 'websocket');
  const open = people.value.get(room.roomId) ?? [];
  const known = candidates(detail).filter(
    (person) => !open.some((other) => other.participantId === person.participantId && other.channelId === person.channelId),
  );
  const [first] = web;
  if (first === undefined) return null;
  if (isNaming || (isFirst && known.length === 0)) {
    return (
      <form
        class="naming"
        onSubmit={(event) => {
          event.preventDefault();
          const name = new FormData(event.currentTarget).get('name');
          if (typeof name !== 'string' || name.trim() === '') return;
          setNaming(false);
          addDevice(room.roomId, { channelId: first.channelId, participantId: idOf(name), displayName: name.trim() });
        }}
      >
        <input name="name" aria-label="Name of the customer" placeholder="Name of the customer" maxlength={60} autofocus autocomplete="off" />
        <button type="submit" class="primary">
          Open chat
        </button>
      </form>
    );
  }
  return (
    <div class="actions">
      {known.slice(0, 3).map((person) => (
        <button key={person.participantId} type="button" onClick={() => addDevice(room.roomId, person)}>
          <Icon name="person" size={14} />
          {person.displayName}
        </button>
      ))}
      <button type="button" onClick={() => setNaming(true)}>
        Somebody new…
      </button>
    </div>
  );
}

/** Letters and digits of a name, so that the same name is the same person. */
function idOf(name: string): string {
  const id = name
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
  return id === '' ? 'customer' : id;
}

function Chat({ room, person }: { room: OpenRoom; person: Person }): VNode {
  const device = useMemo(() => new ChatDevice(room.roomId, person), [room, person]);
  useEffect(() => () => device.close(), [device]);
  const log = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const isAtEnd = useRef(true);
  const names = room.names.value;
  const events = device.events.value.filter((event) => !isQuiet(event) && event.content.type !== 'system');
  useLayoutEffect(() => {
    if (isAtEnd.current && log.current !== null) log.current.scrollTop = log.current.scrollHeight;
  });
  const { kind } = device.state.value;
  const isClosed = room.detail.value?.room.status === 'closed' || room.detail.value?.room.status === 'archived';
  const send = (): void => {
    const text = input.current?.value.trim() ?? '';
    if (text === '' || input.current === null) return;
    isAtEnd.current = true;
    device.say(text);
    input.current.value = '';
  };
  return (
    <article class="device" aria-label={`Web chat of ${person.displayName}`}>
      <h3>
        <span class="dot" data-line={kind} />
        <span>
          {channelName(names, person.channelId)} chat · <b>{person.displayName}</b>
        </span>
        <button type="button" class="bare" aria-label={`Close the chat of ${person.displayName}`} onClick={() => removeDevice(room.roomId, person)}>
          <Icon name="close" size={14} />
        </button>
      </h3>
      <div
        class="chat"
        ref={log}
        role="log"
        tabIndex={0}
        aria-label={`Conversation of ${person.displayName}`}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {device.failure.value !== undefined && <p class="wrong">{device.failure.value}</p>}
        {events.length === 0 && device.pending.value.length === 0 && device.failure.value === undefined && (
          <p class="note">Say something as {person.displayName}.</p>
        )}
        {events.map((event, position) => (
          <Bubble
            key={event.id}
            event={event}
            own={device.isOwn(event)}
            isFirst={events[position - 1]?.source.channelId !== event.source.channelId}
            names={names}
          />
        ))}
        {device.pending.value.map(({ id, content, refused }) => (
          <div key={id} class={refused === undefined ? 'bubble own pending' : 'bubble own refused'} dir="auto">
            <ContentView content={content} />
            {refused !== undefined && <small>{refused}</small>}
          </div>
        ))}
        {device.writing.value.map(({ streamId, source, text }) => (
          <div key={streamId} class="bubble" dir="auto">
            <small class="author">{authorOf(source, names).name}</small>
            {text}
            <i class="caret" />
          </div>
        ))}
        {device.typing.value && (
          <p class="note typing-note">
            <span class="dots" aria-hidden="true">
              <i />
              <i />
              <i />
            </span>
            <span class="hidden">Somebody is typing</span>
          </p>
        )}
      </div>
      <form
        class="compose"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          ref={input}
          rows={1}
          aria-label={`Message as ${person.displayName}`}
          placeholder={isClosed ? 'The room is closed' : 'Write a message'}
          disabled={isClosed}
          maxlength={4000}
          onInput={() => device.type()}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" class="primary" aria-label="Send" disabled={isClosed}>
          <Icon name="up" size={14} />
        </button>
      </form>
    </article>
  );
}

function Bubble({ event, own, isFirst, names }: { event: WireEvent; own: boolean; isFirst: boolean; names: Names }): VNode {
  const author = authorOf(event.source, names);
  return (
    <div class={own ? 'bubble own' : 'bubble'} dir="auto">
      {!own && isFirst && <small class="author">{author.name}</small>}
      {isDeleted(event) ? <em>deleted</em> : <ContentView content={event.content} />}
    </div>
  );
}
