/** A line to a server that can fall silent: what goes over it then gets lost, and nobody is told. New connections are good ones. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SilentLine {
  readonly port: number;
  fallSilent(): void;
  stop(): void;
}

export async function silentLine(to: number): Promise<SilentLine> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const all = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, other] of [pair, [far, near] as const]) {
      all.add(from);
      from.on('data', (data) => pairs.has(pair) && other.write(data));
      from.on('error', () => undefined);
      from.on('close', () => pairs.has(pair) && other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent: () => pairs.clear(),
    stop: () => {
      for (const socket of all) socket.destroy();
      server.close();
    },
  };
}
