/** Ephemeral events over a real NATS, while the server and its connections fail. */
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger, type Logger, type RealtimeMessage } from '../../src/core/index.js';
import { NATSRealtime, type NATSRealtimeOptions } from '../../src/providers/nats/index.js';
import { natsServer, skipWithoutNats, whyNatsIsLeftOut, type NatsServerOptions } from '../sources/nats-server.js';
import { soon } from '../sources/soon.js';
import { verifies } from '../requirements.js';

const closing: (() => unknown)[] = [];

async function start(options: NatsServerOptions = {}): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = await natsServer(options);
  closing.push(() => server.stop());
  return server;
}

function logging(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return { ...silentLogger, warnings, warn: (message, fields) => void warnings.push(`${message} ${String(fields?.['error'] ?? '')}`) };
}

function realtime(port: number, options: NATSRealtimeOptions = {}): NATSRealtime {
  const backend = new NATSRealtime({ servers: `127.0.0.1:${port}`, logger: silentLogger, ...options });
  closing.push(() => backend.close());
  return backend;
}

async function heardBy(backend: NATSRealtime, channel: string): Promise<RealtimeMessage[]> {
  const heard: RealtimeMessage[] = [];
  await backend.subscribe(channel, (message) => void heard.push(message));
  return heard;
}

describe.skipIf(skipWithoutNats)(`ephemeral events on NATS${whyNatsIsLeftOut}`, () => {
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  it('hears again after the server was started again, and this process all the time', async () => {
    verifies('EPH-01', 'EPH-04');
    const first = await start();
    const logger = logging();
    const [one, two] = [realtime(first.port), realtime(first.port, { logger })];
    const [here, there] = [await heardBy(one, 'room:r'), await heardBy(two, 'room:r')];
    one.publish('room:r', { n: 'before' });
    await soon(() => there.length === 1);
    await first.stop();
    one.publish('room:r', { n: 'away' });
    await soon(() => here.length === 2);
    const late = await heardBy(two, 'room:late');
    expect(logger.warnings.join()).toContain(`NATS '127.0.0.1:${first.port}'`);
    await start({ port: first.port });
    await soon(() => {
      one.publish('room:r', { n: 'after' });
      one.publish('room:late', { n: 'after' });
      return there.some((message) => 'n' in message && message.n === 'after') && late.length > 0;
    });
    expect(there.some((message) => 'n' in message && message.n === 'away')).toBe(false);
  });

  it('waits for no server that is away, and says so once', async () => {
    verifies('EPH-04');
    const { port, stop } = await start();
    await stop();
    const logger = logging();
    const one = realtime(port, { logger });
    for (let n = 0; n < 3000; n++) one.publish('room:r', { n });
    const here = await heardBy(one, 'room:r');
    one.publish('room:r', { heard: true });
    await soon(() => here.length === 1);
    const [first] = logger.warnings.filter((line) => line.startsWith('What happens'));
    expect(first).toContain('More than 1000 messages wait to be sent.');
    expect(logger.warnings.filter((line) => line.startsWith('What happens'))).toHaveLength(1);
    expect(logger.warnings.join()).toContain('cannot be reached (ECONNREFUSED). Check servers');
  });

  it('keeps channels apart whatever they are called', async () => {
    const { port } = await start();
    const names = ['room:*', 'room:>', 'room:a.b', 'room:a b', 'room:a%20b', 'room:ü', 'room:a'];
    const two = realtime(port);
    const heard = await Promise.all(names.map((name) => heardBy(two, name)));
    const one = realtime(port);
    for (const name of names) one.publish(name, { name });
    await soon(() => heard.every(({ length }) => length > 0));
    expect(heard).toEqual(names.map((name) => [{ name }]));
  });

  it('says what is too large, and goes on', async () => {
    const { port } = await start({ config: 'max_payload: 1024' });
    const logger = logging();
    const [one, two] = [realtime(port, { logger }), realtime(port)];
    const there = await heardBy(two, 'room:r');
    one.publish('room:r', { text: 'x'.repeat(5000) });
    await soon(() => logger.warnings.length > 0);
    one.publish('room:r', { text: 'small' });
    await soon(() => there.length === 1);
    expect(there).toEqual([{ text: 'small' }]);
  });

  it('leaves no connection and no timer', async () => {
    verifies('KIT-04');
    const { port } = await start();
    const sockets = (): number => process.getActiveResourcesInfo().filter((what) => what === 'TCPSocketWrap').length;
    const before = sockets();
    const [one, two] = [realtime(port), realtime(port)];
    const there = await heardBy(two, 'room:r');
    one.publish('room:r', { last: true });
    expect(sockets()).toBeGreaterThan(before);
    await one.close(); // what was published is sent before
    await soon(() => there.length === 1);
    await two.close();
    await soon(() => sockets() <= before);
  });

  it('says what is wrong with its credentials, and not which they were', async () => {
    const { port } = await start({ config: 'authorization { user: ann, password: open-sesame }' });
    const right = realtime(port, { user: 'ann', password: 'open-sesame' });
    expect(await heardBy(right, 'room:r')).toEqual([]);
    const logger = logging();
    const wrong = realtime(port, { user: 'ann', password: 'wrong-guess', logger });
    await expect(wrong.subscribe('room:r', () => undefined)).rejects.toMatchObject({
      code: 'auth_error',
      message: `NATS '127.0.0.1:${port}' has not let us in. Check the credentials.`,
    });
    expect(logger.warnings.join()).not.toContain('wrong-guess');
  });

  it.each<readonly [string, unknown, string]>([
    ['no options', 'nats://127.0.0.1', 'takes options'],
    ['another option', { server: '127.0.0.1' }, "Did you mean 'servers'?"],
    ['no address', { servers: 'http://hidden@127.0.0.1' }, 'A server of NATSRealtime is no address'],
    ['half of its credentials', { user: 'hidden' }, 'NATSRealtime needs user and password together'],
    ['a prefix with wildcards', { prefix: 'room.*' }, 'The prefix of NATSRealtime'],
    ['no time at all', { timeoutSeconds: 0 }, 'Give seconds, above 0'],
  ])('refuses %s', (_what, options, message) => {
    expect(() => new NATSRealtime(options as NATSRealtimeOptions)).toThrow(message);
    expect(() => new NATSRealtime(options as NATSRealtimeOptions)).not.toThrow('hidden');
  });
});
