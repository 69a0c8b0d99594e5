/**
 * React hooks over `roomkit/client`: a component shows a room, and is drawn again when what it shows has changed.
 * @module roomkit/react
 */
import { createContext, createElement, useCallback, useContext, useMemo, useSyncExternalStore, type ReactElement, type ReactNode } from 'react';
import type {
  ClientRoom,
  ClientRoomList,
  Connection,
  ContentInput,
  LoadOlderOptions,
  PendingSend,
  Preview,
  RoomKitClient,
  RoomListSnapshot,
  RoomSnapshot,
  SendOptions,
  SendResult,
  Typer,
  WireEvent,
} from '../index.js';
import { useSelected } from './use-selected.js';

const ClientContext = createContext<RoomKitClient | undefined>(undefined);

/** What {@link RoomKitProvider} takes. */
export interface RoomKitProviderProps {
  /** Made once, outside of components: `const client = new RoomKitClient({ token })`. Whoever makes it closes it. */
  readonly client: RoomKitClient;
  readonly children?: ReactNode;
}

/** Gives a client to the hooks below it. */
export function RoomKitProvider({ client, children }: RoomKitProviderProps): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** The client of the provider above. */
export function useRoomKitClient(): RoomKitClient {
  const client = useContext(ClientContext);
  if (client === undefined) throw new Error('There is no RoomKitProvider above this component. Put <RoomKitProvider client={client}> around it.');
  return client;
}

/** Everything of a room, and what can be done in it: drawn again at each change. The room is followed while the component is there. */
export function useRoom(roomId: string): RoomSnapshot & { readonly room: ClientRoom } {
  const room = useRoomKitClient().room(roomId);
  const snapshot = useSyncExternalStore(
    room.subscribe,
    () => room.snapshot,
    () => room.snapshot,
  );
  return useMemo(() => ({ ...snapshot, room }), [snapshot, room]);
}

/** A conversation as a chat shows it. */
export interface Messages {
  /** What was said, oldest first; edited in place, without what was deleted. */
  readonly messages: readonly WireEvent[];
  /** Replies that are being written. */
  readonly streams: readonly Preview[];
  /** What was sent from here and is not among the messages yet, or was refused. */
  readonly outbox: readonly PendingSend[];
  readonly status: RoomSnapshot['status'];
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** Brings the page before the oldest message. */
  readonly loadOlder: (options?: LoadOlderOptions) => Promise<void>;
  /** Says something; resolves when it is committed or blocked. */
  readonly send: (content: ContentInput, options?: SendOptions) => Promise<SendResult>;
  /** Takes back what was refused, or still waits. */
  readonly discard: (id: string) => boolean;
}

/** The messages of a room, and how to add one. Typing, presence and the like do not draw it again. */
export function useMessages(roomId: string): Messages {
  const room = useRoomKitClient().room(roomId);
  const shown = useSelected(room, () => {
    const { streams, outbox, status, hasOlder, isLoadingOlder } = room.snapshot;
    return { messages: room.messages, streams, outbox, status, hasOlder, isLoadingOlder };
  });
  const send = useCallback((content: ContentInput, options?: SendOptions) => room.send(content, options), [room]);
  const discard = useCallback((id: string) => room.discard(id), [room]);
  const loadOlder = useCallback((options?: LoadOlderOptions) => room.loadOlder(options), [room]);
  return useMemo(() => ({ ...shown, send, discard, loadOlder }), [shown, send, discard, loadOlder]);
}

/** Who else is typing, and how to say that one is. */
export interface Typing {
  readonly typers: readonly Typer[];
  /** To be called at every key; `typing(false)` ends it. */
  readonly typing: (on?: boolean) => void;
}

/** Typing in a room. */
export function useTyping(roomId: string): Typing {
  const room = useRoomKitClient().room(roomId);
  const typers = useSyncExternalStore(
    room.subscribe,
    () => room.typers,
    () => room.typers,
  );
  const typing = useCallback((on?: boolean) => room.typing(on), [room]);
  return useMemo(() => ({ typers, typing }), [typers, typing]);
}

/** How the client stands to its server: for a banner that says that a connection was lost. */
export function useConnection(): Connection {
  const client = useRoomKitClient();
  const subscribe = useCallback((listener: () => void) => client.on('status', listener), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.connection,
    () => client.connection,
  );
}

/** All rooms the client may see. */
export function useRooms(): RoomListSnapshot {
  const list: ClientRoomList = useRoomKitClient().rooms;
  return useSyncExternalStore(
    list.subscribe,
    () => list.snapshot,
    () => list.snapshot,
  );
}
