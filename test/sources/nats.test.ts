/** NATSSource in front of a real nats-server: queue groups, streams that lose nothing, credentials, what it never shows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { connect, nkeys, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Secret, ValidationError } from '../../src/core/index.js';
import { NATSSource, type NATSSourceOptions } from '../../src/providers/nats/index.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { natsServer, skipWithoutNats, whyNatsIsLeftOut, type NatsServer, type NatsServerOptions } from './nats-server.js';
import { ask, closeSharedNats, newName, relayTo, sharedNats } from './open-nats.js';
import { jsonOf, SECRET } from './open-websocket.js';
import { kitWith } from './scene.js';
import { silentServer } from './silent-server.js';
import { soon, turnsOfTheLoop } from './soon.js';
import { startWithoutKit } from './started.js';

const closing: (() => unknown)[] = [];
const started = startWithoutKit(closing);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(closeSharedNats);

function sourceOf(port: number, more: Partial<NATSSourceOptions> = {}): NATSSource {
  return new NATSSource({
    servers: `127.0.0.1:${port}`,
    channelId: 'feed',
    ...(more.servers === undefined && more.token === undefined && { user: 'ada', password: SECRET }),
    ...more,
  });
}

async function serving(options: NatsServerOptions): Promise<NatsServer> {
  const server = await natsServer(options);
  closing.push(() => server.stop());
  return server;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'roomkit-streams-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const bodies = (count: number, first = 1): string[] => Array.from({ length: count }, (_, n) => jsonOf({ senderId: 'ada', text: `m${n + first}` }));
const upTo = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n + 1}`);

async function publish(client: NatsConnection, subject: string, payloads: readonly (string | Uint8Array)[]): Promise<void> {
  for (const payload of payloads) client.publish(subject, payload);
  await client.flush();
}

async function newStream(client: NatsConnection, config: Record<string, unknown> = {}): Promise<string> {
  const name = newName();
  const answer = await ask(client, `STREAM.CREATE.${name}`, { name, subjects: [`${name}.>`], storage: 'memory', ...config });
  expect(answer['error']).toBeUndefined();
  return name;
}

describe('the options of a NATSSource', () => {
  it.each<[Partial<NATSSourceOptions>, string]>([
    [{ subjects: [] }, "NATSSource has no subjects. Pass { subjects: 'chat.>' }."],
    [{ subjects: 'a b' }, "A subject of NATSSource is none. Give one like 'chat.>'"],
    [{ subjects: 'a..b' }, 'A subject of NATSSource is none.'],
    [{ subjects: 7 as never }, 'are texts, or lists of them'],
    [{ servers: [] }, 'NATSSource has no servers.'],
    [{ servers: `wss://x?token=${SECRET}` }, "A server of NATSSource is no address. Give one like 'nats://127.0.0.1:4222'"],
    [{ queue: 'a b' }, 'The queue of NATSSource is no name.'],
    [{ maxPendingMessages: 0 }, 'The maxPendingMessages of NATSSource is 0.'],
    [{ pingIntervalSeconds: 0 }, 'The pingIntervalSeconds of NATSSource is 0. Give seconds, above 0.'],
    [{ user: 'ada' }, 'NATSSource needs user and password together.'],
    [{ token: '' }, 'The token of NATSSource is empty.'],
    [{ token: 7 as never }, 'The token of NATSSource is empty.'],
    [{ token: SECRET, seed: SECRET }, 'NATSSource has several kinds of credentials.'],
    [{ token: SECRET, servers: `nats://ada:${SECRET}@x` }, 'NATSSource has several kinds of credentials.'],
    [{ jetStream: { stream: 'a.b', durable: 'c' } }, 'needs names without dots, spaces and wildcards'],
    [{ jetStream: { stream: 'A', durable: 'c', subject: 'x' } as never }, "has no option 'subject'"],
    [{ jetStream: { stream: 'A', durable: 'c' }, subjects: ['a', 'b'] }, 'takes one subject'],
    [{ jetStream: { stream: 'A', durable: 'c' }, queue: 'q' }, 'takes no queue'],
    [{ jetStream: { stream: 'A', durable: 'c' }, maxPendingMessages: 5 }, 'takes no maxPendingMessages'],
    [{ server: 'x' } as never, "Did you mean 'servers'?"],
  ])('are refused as %j, with how to mend it', (wrong, message) => {
    verifies('SRC-05', 'SRC-07');
    const make = (): unknown => new NATSSource({ channelId: 'feed', subjects: 'chat.>', ...wrong });
    expect(make).toThrow(ValidationError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(SECRET);
  });

  it('show nothing of what they hold', () => {
    verifies('SRC-07', 'F60', 'TEL-06');
    for (const login of [
      { token: SECRET },
      { seed: new Secret(SECRET) },
      { credentials: SECRET },
      { user: 'ada', password: SECRET },
      { servers: `tls://ada:${SECRET}@x:1` },
    ]) {
      const source = new NATSSource({ channelId: 'feed', subjects: 'x', ...login });
      expect(`${inspect(source, { depth: 12, showHidden: true })} ${JSON.stringify(source)} ${source.name}`).not.toContain(SECRET);
    }
  });
});

describe.skipIf(skipWithoutNats)(`a NATSSource${whyNatsIsLeftOut}`, () => {
  it('listens to several subjects, and tells its parser which', async () => {
    verifies('SRC-05', 'SRC-06');
    const { port, client } = await sharedNats();
    const name = newName();
    const seen: unknown[] = [];
    const source = sourceOf(port, {
      subjects: [`${name}.a.*`, `${name}.b.>`],
      maxSizeBytes: 100,
      parser: ({ data, subject, channelId }) => {
        seen.push([subject?.slice(name.length), typeof data === 'string' ? data : [...data]]);
        return typeof data === 'string' ? { channelId, senderId: 'x', content: data } : null;
      },
    });
    const { connected, texts } = started(source);
    await soon(() => connected() === 1);
    await publish(client, `${name}.a.one`, ['1']);
    await publish(client, `${name}.a.one.two`, ['of no interest']);
    await publish(client, `${name}.c`, ['of no interest']);
    await publish(client, `${name}.b.one.two`, ['2', new Uint8Array([0xff]), 'x'.repeat(101), '3']);
    await soon(() => texts().length === 3);
    expect(texts()).toEqual(['1', '2', '3']);
    expect(seen).toEqual([
      ['.a.one', '1'],
      ['.b.one.two', '2'],
      ['.b.one.two', [255]],
      ['.b.one.two', []],
      ['.b.one.two', '3'],
    ]);
  });

  it('shares the messages with the others of its queue group, each once', async () => {
    verifies('SRC-05');
    const { port, client } = await sharedNats();
    const name = newName();
    const all = [1, 2, 3].map(() => started(sourceOf(port, { subjects: name, queue: 'workers', maxPendingMessages: 20 })));
    await soon(() => all.every(({ connected }) => connected() === 1));
    // In turns: so many at once may be more than all three have asked for.
    for (let turn = 0; turn < 30; turn++) {
      await publish(client, name, bodies(10, turn * 10 + 1));
      await soon(() => all.reduce((sum, { emitted }) => sum + emitted.length, 0) === (turn + 1) * 10);
    }
    expect(all.flatMap(({ texts }) => texts()).sort()).toEqual(upTo(300).sort());
    expect(all.every(({ emitted }) => emitted.length > 0)).toBe(true);
  });

  it('asks for no more than it can keep, leaves the rest to the others, and goes on in order', async () => {
    verifies('SRC-02');
    const { port, client } = await sharedNats();
    const name = newName();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const busy = started(sourceOf(port, { subjects: name, queue: 'workers', maxPendingMessages: 10 }), { take: () => held, maxConcurrentEmits: 2 });
    await soon(() => busy.connected() === 1);
    for (let said = 0; said < 200; said += 5) {
      await publish(client, name, bodies(5, said + 1)); // more than it asked for, and nobody else to take them: they are lost
      await turnsOfTheLoop(20);
    }
    const free = started(sourceOf(port, { subjects: name, queue: 'workers', maxPendingMessages: 1000 }));
    await soon(() => free.connected() === 1);
    await publish(client, name, bodies(200, 201));
    release();
    const after200 = (texts: readonly unknown[]): number[] => texts.map((text) => Number(String(text).slice(1))).filter((n) => n > 200);
    await soon(() => after200([...busy.texts(), ...free.texts()]).length === 200); // of these, each comes to one of them
    expect(busy.emitted.length - after200(busy.texts()).length).toBeLessThanOrEqual(22);
    for (const texts of [busy.texts(), free.texts()]) {
      const numbers = texts.map((text) => Number(String(text).slice(1)));
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    }
    free.abort();
    await soon(() => free.end() !== undefined);
    const before = busy.emitted.length;
    // Said again and again: the server may not know yet that the other one has gone.
    await soon(async () => (await publish(client, name, bodies(1, 401)), busy.emitted.length >= before + 50));
  });

  it('reads a stream from its first message on, and acknowledges what the kit has taken', async () => {
    verifies('SRC-05', 'SRC-06');
    const { port, client } = await sharedNats();
    const name = await newStream(client);
    await publish(client, `${name}.said`, [...bodies(3), 'no message', jsonOf({ senderId: 'ada', text: 'm4', externalId: 'x-4' })]);
    const { kit, textsIn } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sourceOf(port, { jetStream: { stream: name, durable: 'roomkit' } }));
    await soon(async () => (await textsIn()).length === 4);
    await publish(client, `${name}.said`, bodies(20, 5));
    await soon(async () => (await textsIn()).length === 24);
    expect(await textsIn()).toEqual(upTo(24));
    const messages = (await kit.getTimeline('room', { limit: 100 })).filter(({ type }) => type === 'message');
    expect(messages[0]?.idempotencyKey).toMatch(new RegExp(`^nats:${name}:1:\\d{19}$`));
    expect(messages[3]?.idempotencyKey).toBe('x-4');
    const pending = async (): Promise<unknown> => {
      const info = await ask(client, `CONSUMER.INFO.${name}.roomkit`);
      return [info['num_ack_pending'], info['num_pending']].join();
    };
    await soon(async () => (await pending()) === '0,0', 20_000);
  });

  it('is brought again what the kit could not take, and not what it never takes', async () => {
    verifies('SRC-05', 'SRC-02');
    const { port, client } = await sharedNats();
    const name = await newStream(client);
    await publish(client, `${name}.said`, bodies(4));
    const failed = new Set<unknown>();
    const source = started(sourceOf(port, { jetStream: { stream: name, durable: 'roomkit' } }), {
      maxConcurrentEmits: 1,
      take: ({ content }) => {
        if (content === 'm2') throw new ValidationError('This kit never takes it.');
        if (content === 'm3' && !failed.has(content)) {
          failed.add(content);
          throw new Error('The store is away.');
        }
      },
    });
    await soon(() => source.emitted.length === 5);
    expect(source.texts()).toEqual(['m1', 'm2', 'm3', 'm4', 'm3']);
    expect(source.emitted[2]?.idempotencyKey).toBe(source.emitted[4]?.idempotencyKey);
    expect(source.end()).toBeUndefined();
  });

  it('has acknowledged all that was taken once it is stopped', async () => {
    verifies('SRC-05', 'SRC-04');
    const { port, client } = await sharedNats();
    const name = await newStream(client);
    await publish(client, `${name}.said`, bodies(30));
    const source = sourceOf(port, { jetStream: { stream: name, durable: 'roomkit' } });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const one = started(source, { take: () => held, maxConcurrentEmits: 5 });
    await soon(() => one.emitted.length === 5);
    const stopping = source.stop();
    release();
    await stopping;
    const info = await ask(client, `CONSUMER.INFO.${name}.roomkit`);
    const taken = one.emitted.length;
    expect(info['ack_floor']).toMatchObject({ stream_seq: taken });
    expect(info['num_ack_pending']).toBe(0);
    expect(Number(info['num_pending'])).toBe(30 - taken);
  });

  it('loses nothing of a stream when it dies with messages in work, or the server is started anew', async () => {
    verifies('SRC-05', 'SRC-03');
    const folder = newFolder();
    const first = await serving({ folder });
    const client = await connect({ servers: `127.0.0.1:${first.port}` });
    const name = await newStream(client, { storage: 'file' });
    await ask(client, `CONSUMER.DURABLE.CREATE.${name}.roomkit`, {
      stream_name: name,
      config: { durable_name: 'roomkit', ack_policy: 'explicit', deliver_policy: 'all', ack_wait: 2_000_000_000 },
    });
    await publish(client, `${name}.said`, bodies(10));
    const options = { servers: `127.0.0.1:${first.port}`, jetStream: { stream: name, durable: 'roomkit' } };
    const dying = started(sourceOf(first.port, options), { take: ({ content }) => (content === 'm1' ? undefined : new Promise(() => undefined)) });
    await soon(() => dying.emitted.length === 10);
    dying.abort();
    await soon(() => dying.end() !== undefined);

    const { kit, clock, events, textsIn } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sourceOf(first.port, { ...options, clock }));
    await soon(async () => (await textsIn()).length === 9);
    expect((await textsIn()).sort()).toEqual(upTo(10).slice(1).sort());
    await client.close();
    await first.stop();
    await soon(() => events.some(([type]) => type === 'source_error'));
    expect(events.filter(([type]) => type === 'source_error').map(([, { attempt, code }]) => [attempt, code])).toEqual([[1, 'connection_lost']]);
    const second = await serving({ folder, port: first.port });
    const again = await connect({ servers: `127.0.0.1:${second.port}` });
    closing.push(() => again.close());
    await publish(again, `${name}.said`, bodies(1, 11));
    await clock.advance(5000);
    await soon(async () => (await textsIn()).includes('m11'));
    expect((await textsIn()).length).toBe(10);
  });

  it('says what is missing: JetStream, the stream, a consumer that fits', async () => {
    verifies('SRC-05');
    const { port, client } = await sharedNats();
    const of = async (source: NATSSource): Promise<unknown[]> => {
      const one = started(source);
      await soon(() => one.end() !== undefined);
      expect(one.connected()).toBe(0);
      return [one.end()?.error?.code, one.end()?.error?.message.replace(/^.*' /, '')];
    };
    expect((await of(sourceOf(port, { jetStream: { stream: 'NOWHERE', durable: 'roomkit' } })))[0]).toBe('stream_not_found');
    const name = await newStream(client);
    await ask(client, `CONSUMER.DURABLE.CREATE.${name}.pushes`, {
      stream_name: name,
      config: { durable_name: 'pushes', ack_policy: 'none', deliver_subject: 'x' },
    });
    expect((await of(sourceOf(port, { jetStream: { stream: name, durable: 'pushes' } })))[0]).toBe('invalid_request');
    expect((await of(sourceOf(port, { jetStream: { stream: name, durable: 'other' }, subjects: 'elsewhere' })))[0]).toBe('invalid_request');
    const plain = await serving({});
    expect(await of(sourceOf(plain.port, { servers: `127.0.0.1:${plain.port}`, jetStream: { stream: 'A', durable: 'b' } }))).toEqual([
      'stream_not_found',
      'reads from a server without JetStream. Start it with -js, or leave jetStream out.',
    ]);
  });

  it('fails when its consumer is deleted', async () => {
    verifies('SRC-05');
    const { port, client } = await sharedNats();
    const name = await newStream(client);
    const source = started(sourceOf(port, { jetStream: { stream: name, durable: 'roomkit' } }));
    await soon(() => source.connected() === 1);
    await publish(client, `${name}.said`, bodies(1));
    await soon(() => source.emitted.length === 1);
    await turnsOfTheLoop(100);
    await ask(client, `CONSUMER.DELETE.${name}.roomkit`);
    await soon(() => source.end() !== undefined);
    expect(source.end()?.error?.code).toBe('stream_not_found');
  });

  it('comes in with a password, a token or an nkey, and not with a wrong one', async () => {
    verifies('SRC-05', 'SRC-07', 'F60');
    const pair = nkeys.createUser();
    const seed = new TextDecoder().decode(pair.getSeed());
    const byPassword = await serving({ config: `authorization { user: ada, password: "${SECRET}" }` });
    const byToken = await serving({ config: `authorization { token: "${SECRET}" }` });
    const byKey = await serving({ config: `authorization { users: [{ nkey: ${pair.getPublicKey()} }] }` });
    const make = (port: number, login: Partial<NATSSourceOptions>): NATSSource =>
      new NATSSource({ servers: `127.0.0.1:${port}`, channelId: 'feed', subjects: 'x', ...login });
    const right = [
      make(byPassword.port, { user: 'ada', password: new Secret(SECRET) }),
      make(byPassword.port, { servers: `nats://ada:${SECRET}@127.0.0.1:${byPassword.port}` }),
      make(byToken.port, { token: SECRET }),
      make(byToken.port, { servers: `nats://${SECRET}@127.0.0.1:${byToken.port}` }),
      make(byKey.port, { seed }),
    ].map((source) => started(source));
    await soon(() => right.every(({ connected, end }) => connected() === 1 || end() !== undefined));
    expect(right.map(({ end }) => end())).toEqual(right.map(() => undefined));

    const wrong = [
      make(byPassword.port, { user: 'ada', password: `${SECRET}!` }),
      make(byPassword.port, {}),
      make(byToken.port, { token: `${SECRET}!` }),
      make(byKey.port, { seed: new TextDecoder().decode(nkeys.createUser().getSeed()) }),
    ].map((source) => started(source));
    await soon(() => wrong.every(({ end }) => end() !== undefined));
    for (const { end } of wrong) {
      expect(end()?.error).toMatchObject({ code: 'auth_error' });
      expect(inspect(end()?.error, { depth: 12 })).not.toContain(SECRET);
    }
  });

  it('fails when it may not listen to its subject', async () => {
    verifies('SRC-05');
    const server = await serving({ config: 'authorization { users: [{ user: ada, password: pw, permissions: { subscribe: "allowed.>" } }] }' });
    const source = started(
      new NATSSource({ servers: `127.0.0.1:${server.port}`, user: 'ada', password: 'pw', channelId: 'feed', subjects: 'secret.>' }),
    );
    await soon(() => source.end() !== undefined);
    expect(source.end()?.error?.code).toBe('auth_error');
  });

  it('goes to the first of its servers that is there, and waits no longer than it may', async () => {
    verifies('SRC-05');
    const { port, client } = await sharedNats();
    const silent = await silentServer();
    closing.push(() => silent.close());
    const clock = new TestClock();
    const none = started(sourceOf(port, { servers: [`nats://ada:${SECRET}@127.0.0.1:${silent.port}`], subjects: 'x', clock }));
    await soon(() => silent.openConnections() === 1);
    await clock.advance(29_999);
    expect(none.end()).toBeUndefined();
    await clock.advance(1);
    await soon(() => none.end() !== undefined && silent.openConnections() === 0);
    expect(none.end()?.error?.code).toBe('timeout');

    const name = newName();
    const servers = [`127.0.0.1:${silent.port}`, '127.0.0.1:1', `nats://ada:${SECRET}@localhost:${port}`];
    const one = started(sourceOf(port, { servers, subjects: name, clock }));
    await soon(() => silent.openConnections() === 1);
    await clock.advance(30_000);
    await soon(() => one.connected() === 1);
    await publish(client, name, bodies(1));
    await soon(() => one.emitted.length === 1);
    expect([silent.openConnections(), clock.pendingTimers]).toEqual([0, 0]);
  });

  it('is told of without its secrets, in events, logs and health', async () => {
    verifies('SRC-07', 'F60');
    const { port } = await sharedNats();
    const relay = await relayTo(port);
    closing.push(() => relay.close());
    const { kit, events, lines } = await kitWith();
    closing.push(() => kit.close());
    await kit.attachSource('feed', sourceOf(port, { servers: `nats://ada:${SECRET}@127.0.0.1:${relay.port}`, subjects: 'x' }), {
      autoRestart: false,
    });
    await soon(() => events.some(([type]) => type === 'source_connected'));
    relay.cut();
    await soon(() => events.some(([type]) => type === 'source_error'));
    const shown = `${JSON.stringify(events)} ${lines.join()} ${JSON.stringify(await kit.sourceHealth('feed'))}`;
    expect(shown).toContain('connection_lost');
    expect(shown).not.toContain(SECRET);
  });
});
