/** A NATSSource in front of a nats-server: with subjects, and with a stream. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NATSSource, type NATSSourceOptions } from '../../src/providers/nats/index.js';
import type { OpenSource } from '../../src/testing/index.js';
import { unusedAddress } from '../providers/unused-address.js';
import { jsonOf, SECRET } from './open-websocket.js';
import { natsServer, type NatsServer } from './nats-server.js';
import { silentServer } from './silent-server.js';

/** One server for all: it starts in a moment, but not in no time. Rooms are told apart by their subjects. */
let shared: Promise<{ readonly server: NatsServer; readonly folder: string; readonly client: NatsConnection }> | undefined;
let names = 0;

export async function sharedNats(): Promise<{ readonly port: number; readonly client: NatsConnection }> {
  shared ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roomkit-streams-'));
    const server = await natsServer({ folder, config: `authorization { user: ada, password: "${SECRET}" }` });
    return { server, folder, client: await connect({ servers: `127.0.0.1:${server.port}`, user: 'ada', pass: SECRET }) };
  })();
  const { server, client } = await shared;
  return { port: server.port, client };
}

export async function closeSharedNats(): Promise<void> {
  if (shared === undefined) return;
  const { server, folder, client } = await shared;
  shared = undefined;
  await client.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

export const newName = (): string => `n${++names}`;

/** Counts connections to a server, and cuts them. */
export async function relayTo(port: number): Promise<{ readonly port: number; openConnections(): number; cut(): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const relay = createServer((socket) => {
    const server = connectSocket(port, '127.0.0.1');
    sockets.add(socket);
    for (const [one, other] of [[socket, server] as const, [server, socket] as const]) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
    socket.on('close', () => sockets.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (relay.address() as AddressInfo).port,
    openConnections: () => sockets.size,
    cut,
    close: async () => {
      cut();
      await new Promise<void>((resolve) => relay.close(() => resolve()));
    },
  };
}

export async function ask(client: NatsConnection, subject: string, body: unknown = {}): Promise<Record<string, unknown>> {
  return (await client.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 10_000 })).json();
}

function opening(more: (name: string, client: NatsConnection) => Promise<Partial<NATSSourceOptions>>): OpenSource {
  return async ({ isUnreachable = false, isSilent = false } = {}) => {
    const { port, client } = await sharedNats();
    const relay = await relayTo(port);
    const silent = isSilent ? await silentServer() : undefined;
    const name = newName();
    const address = isUnreachable ? Number(new URL(await unusedAddress()).port) : (silent ?? relay).port;
    const source = new NATSSource({
      servers: `nats://127.0.0.1:${address}`,
      user: 'ada',
      password: SECRET,
      channelId: 'feed',
      timeoutSeconds: 60,
      ...(await more(name, client)),
    });
    const publish = (text: string | Uint8Array): void => client.publish(`${name}.said`, text);
    return {
      source,
      channelId: 'feed',
      secret: SECRET,
      say: async (...said) => {
        for (const one of said) publish(jsonOf(one));
        await client.flush();
      },
      babble: async () => {
        for (const text of ['', 'hello', '[]', 'null', '{}', '{"sender_id":7}']) publish(text);
        publish(new Uint8Array([0xff, 0xfe, 0x00]));
        await client.flush();
      },
      cut: relay.cut,
      openConnections: () => (silent ?? relay).openConnections(),
      close: async () => {
        await silent?.close();
        await relay.close();
      },
    };
  };
}

export const openNATS = opening(async (name) => ({ subjects: `${name}.>` }));

export const openJetStream = opening(async (name, client) => {
  await ask(client, `STREAM.CREATE.${name}`, { name, subjects: [`${name}.>`], storage: 'memory' });
  return { jetStream: { stream: name, durable: 'roomkit' } };
});
