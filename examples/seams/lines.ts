/** JSON messages over a socket of this machine, one per line. */
import { existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Calls back with each message. What is no JSON ends the connection. */
export function onMessage<Message>(socket: Socket, hear: (message: Message) => void): void {
  const lines = createInterface({ input: socket });
  lines.on('line', (line) => {
    let message: Message;
    try {
      message = JSON.parse(line) as Message; // both ends are ours
    } catch {
      return void socket.destroy();
    }
    hear(message);
  });
  // A connection that fails is closed, and whoever cares listens to that.
  lines.on('error', () => undefined);
  socket.on('error', () => undefined);
}

export function tell(socket: Socket, message: object): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** A server that greets whoever comes; `close` ends its connections too. */
export async function listen(path: string, welcome: (socket: Socket) => void): Promise<() => Promise<void>> {
  if (existsSync(path)) rmSync(path); // left over from a process that was killed
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    welcome(socket);
    tell(socket, { welcome: true });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
}

/** Resolves once the server knows of the connection. */
export function join<Message>(path: string, hear: (message: Message) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', (error) => reject(new Error(`Nobody listens at '${path}'. Start the server first.`, { cause: error })));
    onMessage<Message | { welcome: true }>(socket, (message) => {
      if (typeof message === 'object' && message !== null && 'welcome' in message) resolve(socket);
      else hear(message); // everything but the greeting
    });
  });
}
