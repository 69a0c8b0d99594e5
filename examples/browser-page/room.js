/**
 * One room over the browser wire protocol, in plain JavaScript: shows every event once and in order, repeats what was not
 * acknowledged, and comes back by itself. `socket` opens a WebSocket, `token` gives a client token, `reload` shows the newest
 * events anew and gives the index of the last one.
 */
export function openRoom({ roomId, socket: open, token, reload, onEvent, onPreview = () => undefined, retryMs = 500 }) {
  const waiting = new Map(); // id of a send → its frame, and who waits for the acknowledgement
  const previews = new Map(); // id of a stream → the text so far
  let socket;
  let last = -1; // index of the newest event that was shown
  let inStep = false; // subscribed, and nothing missing
  let delay = retryMs;
  let closed = false;

  // #region connect
  const write = (frame) => socket?.readyState === 1 && socket.send(JSON.stringify(frame));
  const subscribe = () => {
    inStep = false;
    write({ type: 'subscribe', id: 'room', roomId, afterIndex: last });
  };
  const retry = () => {
    if (closed) return;
    setTimeout(connect, delay * (0.75 + Math.random() / 2));
    delay = Math.min(delay * 2, 30_000);
  };

  async function connect() {
    const credentials = await token().catch(() => undefined); // a fresh one each time
    if (credentials === undefined) return retry();
    socket = open();
    socket.onopen = () => write({ type: 'hello', version: 1, token: credentials });
    socket.onmessage = ({ data }) => receive(JSON.parse(data));
    socket.onerror = () => undefined; // the close that follows says all
    socket.onclose = ({ code, reason }) => {
      for (const id of previews.keys()) onPreview(id, undefined);
      previews.clear();
      inStep = false;
      if (code !== 1008 || reason === 'token_expired') retry(); // 1008: we are not wanted
    };
  }
  // #endregion

  // #region receive
  function receive(frame) {
    switch (frame.type) {
      case 'welcome':
        return subscribe();
      case 'subscribed':
        inStep = true;
        delay = retryMs;
        for (const { frame: send } of waiting.values()) write(send); // the same ids: none is committed twice
        return;
      case 'event':
        return take(frame);
      case 'ack':
        if (!frame.blocked && frame.prev !== undefined) take(frame);
        waiting.get(frame.id)?.resolve(frame);
        waiting.delete(frame.id);
        return;
      case 'stream_start':
        previews.set(frame.streamId, '');
        return;
      case 'stream_chunk':
        if (previews.get(frame.streamId)?.length !== frame.offset) return; // it will be in the final event
        previews.set(frame.streamId, previews.get(frame.streamId) + frame.delta);
        return onPreview(frame.streamId, previews.get(frame.streamId));
      case 'stream_end':
      case 'stream_error':
        previews.delete(frame.streamId);
        onPreview(frame.streamId, undefined);
        if (frame.event) take(frame); // what was committed takes the preview's place
        return;
      case 'token_expiring':
        void token().then((renewed) => write({ type: 'auth', token: renewed }));
        return;
      case 'resync': // too much was missed: begin anew with the newest
        inStep = false;
        void reload().then((newest) => {
          last = newest;
          subscribe();
        });
    }
  }

  function take({ event, prev }) {
    if (!inStep || event.index <= last) return; // seen
    if (prev > last) return subscribe(); // something is missing before it
    last = event.index;
    onEvent(event);
  }
  // #endregion

  void connect();
  return {
    // #region send
    /** Resolves with the acknowledgement, however often the line breaks until then. */
    send(body) {
      const frame = { type: 'send', id: crypto.randomUUID(), roomId, content: { type: 'text', body } };
      return new Promise((resolve) => {
        waiting.set(frame.id, { frame, resolve });
        if (inStep) write(frame);
      });
    },
    // #endregion
    typing: (on) => write({ type: 'typing', roomId, on }),
    close() {
      closed = true;
      socket?.close(1000);
    },
  };
}
