const roomId = 'shop';
const streams = new Map(); // replies that are still being written
let socket;
let isLive = false;
let last = -1; // index of the newest event on this page
let sent = 0;

/** Connects, and resolves when the line is lost. */
async function follow() {
  // On your own machine the page may ask for a token itself. Elsewhere your application gives it one.
  const response = await fetch('/api/client-tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rooms: [roomId], channelId: 'web', participantId: 'ada' }),
  });
  const { token } = await response.json();
  // #region hello
  socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws`, 'roomkit.v1');
  socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', version: 1, token }));
  // #endregion
  socket.onmessage = ({ data }) => receive(JSON.parse(data));
  await new Promise((resolve) => (socket.onclose = resolve));
  isLive = false;
}

function receive(frame) {
  if (frame.type === 'welcome') socket.send(JSON.stringify({ type: 'subscribe', id: 'shop', roomId, afterIndex: last }));
  if (frame.type === 'subscribed') isLive = true;
  if (frame.type === 'event') show(frame.event);
  if (frame.type === 'ack') frame.blocked ? line('note').append(`Not sent: ${frame.reason}`) : show(frame.event);
  if (frame.type === 'stream_start') streams.set(frame.streamId, line(frame.source.channelId));
  if (frame.type === 'stream_chunk') streams.get(frame.streamId)?.append(frame.delta);
  if (frame.type === 'stream_end' || frame.type === 'stream_error') {
    streams.get(frame.streamId)?.remove();
    streams.delete(frame.streamId);
    if (frame.event) show(frame.event); // what was committed takes the place of the preview
  }
}

function show(event) {
  if (event.index <= last) return;
  last = event.index;
  line(event.source.channelId).append(event.content.body);
}

function line(className) {
  const paragraph = document.createElement('p');
  paragraph.className = className;
  return document.querySelector('#messages').appendChild(paragraph);
}

document.querySelector('#form').onsubmit = (submit) => {
  submit.preventDefault();
  if (!isLive) return; // the words stay where they are
  const { value } = document.querySelector('#text');
  const id = `${Date.now()}-${sent++}`;
  socket.send(JSON.stringify({ type: 'send', id, roomId, content: { type: 'text', body: value } }));
  submit.target.reset();
};

for (;;) {
  await follow().catch(() => undefined); // comes back after the last event it has
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
