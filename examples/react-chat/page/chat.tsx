/** A chat in React: history, answers while they are written, who types, what waits or was refused, and a lost connection. */
import { StrictMode, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
// #region client
import { RoomKitClient, textOf } from 'roomkit/client';
import { RoomKitProvider, useConnection, useMessages, useTyping } from 'roomkit/react';

const me = new URLSearchParams(location.search).get('name') ?? 'Ada';
const client = new RoomKitClient({
  storage: sessionStorage, // what waits to be sent survives a reload
  token: async () => {
    // Your application knows who asks. On your own machine the page may say so itself.
    const body = JSON.stringify({ rooms: ['lounge'], channelId: 'web', participantId: me.toLowerCase(), displayName: me });
    const response = await fetch('/api/client-tokens', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (!response.ok) throw new Error(await response.text()); // then the client says why, and tries again
    return ((await response.json()) as { token: string }).token;
  },
});
// #endregion

function Chat({ roomId }: { roomId: string }) {
  return (
    <main>
      <header>
        <h1>Lounge</h1>
        <Status />
      </header>
      <Messages roomId={roomId} />
      <Composer roomId={roomId} />
    </main>
  );
}

function Status() {
  const { status, error } = useConnection();
  return <p role="status" className={status} children={status === 'open' ? 'online' : `${status} … ${error?.message ?? ''}`} />;
}

// #region messages
function Messages({ roomId }: { roomId: string }) {
  const { messages, streams, outbox, hasOlder, isLoadingOlder, loadOlder } = useMessages(roomId);
  const list = useRef<HTMLOListElement>(null);
  const end = `${messages.at(-1)?.id} ${streams.at(-1)?.text.length} ${outbox.length}`;
  useLayoutEffect(() => void list.current?.scrollTo({ top: list.current.scrollHeight }), [end]);
  return (
    <ol ref={list} aria-live="polite" aria-label="Messages">
      {hasOlder && <button className="older" disabled={isLoadingOlder} onClick={() => void loadOlder()} children="Earlier messages" />}
      {messages.map(({ id, source, content, createdAt }) => (
        <Bubble key={id} from={source.displayName ?? source.channelId} at={createdAt} children={textOf(content)} />
      ))}
      {streams.map(({ streamId, source, text }) => (
        <Bubble key={streamId} from={source.channelId} state="writing" children={text} />
      ))}
      {outbox.map(({ id, content, state, reason }) => (
        <Bubble key={id} from={me} state={state} note={reason && `Not sent: ${reason}`} children={textOf(content)} />
      ))}
    </ol>
  );
}
// #endregion

function Bubble({ from, at, state, note, children }: { from: string; at?: string; state?: string; note?: string; children: ReactNode }) {
  const time = at && new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return (
    <li className={`${from === me ? 'mine' : 'theirs'} ${state ?? ''}`}>
      <small>{[from, time].filter(Boolean).join(' · ')}</small>
      <p>{children}</p>
      {note && <small className="note">{note}</small>}
    </li>
  );
}

// #region composer
function Composer({ roomId }: { roomId: string }) {
  const { send } = useMessages(roomId);
  const { typers, typing } = useTyping(roomId);
  const [text, setText] = useState('');
  const submit = () => {
    send(text).catch(console.error); // without a connection it waits, and goes out later
    setText('');
  };
  return (
    <form onSubmit={(event) => (event.preventDefault(), submit())}>
      <p className="typing">{typers.length > 0 && `${typers.map((typer) => typer.displayName ?? typer.participantId).join(', ')} … typing`}</p>
      <input
        value={text}
        aria-label="Message"
        placeholder="Write a message"
        onChange={(event) => (setText(event.target.value), typing())}
        autoFocus
      />
      <button disabled={text.trim() === ''}>Send</button>
    </form>
  );
}
// #endregion

const chat = <RoomKitProvider client={client} children={<Chat roomId="lounge" />} />;
createRoot(document.getElementById('root')!).render(<StrictMode children={chat} />);
