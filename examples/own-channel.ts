/** A channel of one's own: two terminals and an agent in a room. */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
// #region use
import { Agent, extractText, HookResult, MockAIProvider, RoomKit } from 'roomkit';
import { TerminalChannel } from './seams/terminal-channel.js';

const kit = new RoomKit();
const terminals = new TerminalChannel('terminals');
kit.registerChannel(terminals);
kit.registerChannel(
  new Agent('helper', {
    provider: new MockAIProvider({ responses: ['Parcels come between nine and five, on working days, never on a Saturday or a Sunday.'] }),
  }),
);
kit.hook('before_broadcast', { name: 'no_cards' }, (event) =>
  /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
);
await kit.createRoom({ roomId: 'lobby' });
await kit.attachChannel('lobby', 'terminals');
await kit.attachChannel('lobby', 'helper');
const port = await terminals.listen(Number(process.env.PORT ?? 7000));
// #endregion

/** A terminal; `seen` prints what it is shown, up to a line with these words. */
async function open(name: string): Promise<{ socket: Socket; seen: (words: string) => Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const seen = async (words: string): Promise<void> => {
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      console.log(`${name} sees: ${next.value}`);
      if (next.value.includes(words)) return;
    }
  };
  await seen('room?');
  socket.write(`${name} lobby\n`);
  await seen('Hello');
  return { socket, seen };
}

const ada = await open('ada');
const ben = await open('ben');
ada.socket.write('When does my parcel come?\n');
await ben.seen('Sunday');
await ada.seen('Sunday');
ben.socket.write('4111111111111111\n');
await ben.seen('not sent');
await kit.close();
await ben.seen('Goodbye');

// prints:
// ada sees: Your name and the room?
// ada sees: Hello ada.
// ben sees: Your name and the room?
// ben sees: Hello ben.
// ben sees: ada: When does my parcel come?
// ben sees: helper: Parcels come between nine and five, on working days, never on a Saturday or a
// ben sees: helper: Sunday.
// ada sees: helper: Parcels come between nine and five, on working days, never on a Saturday or a
// ada sees: helper: Sunday.
// ben sees: (not sent: card_number)
// ben sees: Goodbye.
