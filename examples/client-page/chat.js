import { RoomKitClient, textOf } from './roomkit-client.js';

const client = new RoomKitClient({
  storage: sessionStorage, // what waits to be sent survives a reload
  token: async () => {
    // On your own machine the page may ask for a token itself. Elsewhere your application gives it one.
    const response = await fetch('/api/client-tokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rooms: ['shop'], channelId: 'web', participantId: 'ada' }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()).token;
  },
});
client.on('error', console.error); // a token that could not be fetched, a room that is not there
const room = client.room('shop');
room.subscribe(draw); // follows the room, and is called when something has changed

function draw() {
  document.querySelector('#messages').replaceChildren(
    ...room.messages.map((message) => line(message.source.channelId, textOf(message))),
    ...room.streams.map(({ source, text }) => line(source.channelId, text)), // replies that are still being written
    ...room.outbox.map(({ content, reason }) => line('note', reason ? `Not sent: ${reason}` : textOf(content))),
  );
}

function line(className, text) {
  const paragraph = document.createElement('p');
  paragraph.className = className;
  paragraph.textContent = text;
  return paragraph;
}

document.querySelector('#form').onsubmit = (submit) => {
  submit.preventDefault();
  room.send(document.querySelector('#text').value).catch(console.error); // without a connection it waits, and goes out later
  submit.target.reset();
};
