/** A source that is always connected: lines from a TCP socket become messages; when the line breaks it comes back. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
// #region source
import { connect } from 'node:net';
import { RoomKit, silentLogger, TransportChannel } from 'roomkit';
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions, SourceStatus } from 'roomkit';

/** Reads `SENDER TEXT` lines from a TCP server. */
class LineSource implements SourceProvider {
  readonly name = 'lines';
  status: SourceStatus = 'stopped';
  #received = 0;

  constructor(
    private readonly port: number,
    private readonly channelId: string,
  ) {}

  /** Returns when the other side ends, throws when the line breaks: only then the kit starts it again. */
  async start(emit: SourceEmit, { signal, connected }: SourceStartOptions): Promise<void> {
    this.status = 'connecting';
    const socket = connect({ port: this.port, host: '127.0.0.1', signal });
    socket.once('connect', () => {
      this.status = 'connected';
      connected();
    });
    let rest = '';
    for await (const chunk of socket.setEncoding('utf8')) {
      const lines = `${rest}${String(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [senderId = '', ...words] = line.split(' ');
        await emit({ channelId: this.channelId, senderId, content: words.join(' ') }); // waits while the kit is busy
        this.#received++;
        socket.write('ok\n'); // taken: the other side may forget it
      }
    }
    this.status = 'stopped';
  }

  stop(): void {
    this.status = 'stopped';
  }

  healthcheck(): SourceHealth {
    return { status: this.status, messagesReceived: this.#received, metadata: {} };
  }
}
// #endregion

// The other side: it breaks the first line once both messages were taken, and ends the second one properly.
let lines = 0;
const server = createServer((socket: Socket) => {
  const first = ++lines === 1;
  let open = first ? 2 : 1;
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    open -= data.toString().split('ok').length - 1;
    if (open > 0) return;
    if (first) socket.resetAndDestroy();
    else socket.end();
  });
  socket.write(first ? 'ada Hello\nada Are you there?\n' : 'bob I am\n');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const kit = new RoomKit({ logger: silentLogger }); // a broken line is logged; here it is meant to break
kit.registerChannel(new TransportChannel('lines', { channelType: 'webhook' }));
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'lines');

// #region attach
const ended = new Promise<void>((resolve) => {
  kit.on('source_disconnected', ({ data }) => {
    console.log(`disconnected: ${String(data['reason'])}`);
    if (data['reason'] === 'ended') resolve();
  });
});
kit.on('source_connected', () => console.log('connected'));
kit.on('source_error', ({ data }) => console.log(`failure ${String(data['attempt'])}, tried again`));

await kit.attachSource('lines', new LineSource(port, 'lines'), { restartDelaySeconds: 0.05, maxRestartAttempts: 5 });
// #endregion
await ended;
console.log(`health: ${JSON.stringify(await kit.sourceHealth('lines'))}`);
console.log(`sources: ${JSON.stringify(kit.listSources())}`);
for (const { source, content } of await kit.getTimeline('room')) {
  if (content.type === 'text') console.log(`${source.participantId}: ${content.body}`);
}

// #region detach
await kit.detachSource('lines');
// #endregion
await kit.close();
server.close();

// prints:
// connected
// disconnected: failed
// failure 1, tried again
// connected
// disconnected: ended
// health: {"status":"stopped","messagesReceived":3,"metadata":{}}
// sources: {"lines":"stopped"}
// ada: Hello
// ada: Are you there?
// bob: I am
