/** The contract of event-driven sources (behaviour §22). */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { RoomKitError, ValidationError } from '../../core/errors.js';
import { turnsOfTheLoop } from './settling.js';
import { connected, said, soon, sourceCases, stopped, TAKEN, textsOf, type SourceCase } from './source-case.js';

const never = new Promise<never>(() => undefined);
const asCalled = (senderId: string): string => senderId;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * What every SourceProvider promises, as cases that any test runner can run on a source of yours and the other end of its
 * connection.
 * @example
 * import { sourceContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * describe('MySource', () => {
 *   for (const c of sourceContract) it(c.name, () => c.run(openMySource));
 * });
 */
export const sourceContract: readonly SourceCase[] = sourceCases([
  {
    name: 'is stopped at first, and says once when it is connected',
    rules: ['SRC-04'],
    test: async ({ source, openConnections }, start) => {
      assert.equal(source.status, 'stopped');
      assert.equal(openConnections(), 0, 'making it connects nothing');
      const started = start();
      await connected(started);
      await soon(() => openConnections() === 1, 'the other end has its connection');
      assert.equal(source.status, 'connected');
      await turnsOfTheLoop();
      assert.equal(started.connections(), 1, 'one start is one connection');
    },
  },
  {
    name: 'brings what is said, in order, with its sender, its channel and its key',
    rules: ['SRC-02', 'SRC-06'],
    test: async ({ say, channelId, keyOf = ({ externalId = '' }) => externalId, senderOf = asCalled }, start) => {
      const started = start({ maxConcurrentEmits: 1 });
      await connected(started);
      await say(...said(20));
      await say({ senderId: 'bob', text: 'ü 🙂\n"{}"' });
      await soon(() => started.emitted.length === 21, 'all has come');
      assert.deepEqual(textsOf(started), [...said(20).map(({ text }) => text), 'ü 🙂\n"{}"']);
      for (const [n, message] of started.emitted.slice(0, 20).entries()) {
        assert.deepEqual([message.senderId, message.channelId], [senderOf('ada'), channelId]);
        const key = keyOf(said(20)[n] ?? assert.fail());
        assert.equal(message.externalId, key);
        assert.equal(message.idempotencyKey, key, 'the other side’s id is the key by which a repetition is known');
      }
      assert.equal(started.emitted[20]?.senderId, senderOf('bob'));
    },
  },
  {
    name: 'has no more under way than it was told, and loses nothing of what waits',
    rules: ['SRC-02'],
    test: async ({ say }, start) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const started = start({ maxConcurrentEmits: 3, take: () => held.then(() => TAKEN) });
      await connected(started);
      await say(...said(200));
      await soon(() => started.underWay().now === 3, 'as many as it was told are under way');
      await turnsOfTheLoop(50);
      assert.equal(started.emitted.length, 3, 'the others wait');
      release();
      await soon(() => started.emitted.length === 200, 'all has come');
      assert.deepEqual(
        textsOf(started),
        said(200).map(({ text }) => text),
      );
      assert.equal(started.underWay().most, 3);
    },
  },
  {
    name: 'ignores what is no message, and goes on',
    rules: ['SRC-06'],
    test: async ({ say, babble, senderOf = asCalled }, start) => {
      const started = start();
      await connected(started);
      await say(...said(1));
      await babble();
      await say(...said(1, 'bob'));
      await soon(() => started.emitted.length === 2, 'what is a message comes');
      await turnsOfTheLoop();
      assert.deepEqual(
        started.emitted.map(({ senderId }) => senderId),
        ['ada', 'bob'].map(senderOf),
      );
      assert.equal(started.end(), undefined);
    },
  },
  {
    name: 'goes on after a message was refused',
    rules: ['SRC-02'],
    test: async ({ say }, start) => {
      const started = start({
        maxConcurrentEmits: 1,
        take: ({ content }) => (content === 'm2' ? Promise.reject(new ValidationError('That is no message for this kit.')) : Promise.resolve(TAKEN)),
      });
      await connected(started);
      await say(...said(3));
      await soon(() => textsOf(started).includes('m3'), 'the next one comes');
      assert.deepEqual(textsOf(started), ['m1', 'm2', 'm3'], 'what was refused for good is not brought again');
      assert.equal(started.end(), undefined);
    },
  },
  {
    name: 'fails when its connection breaks, and begins anew',
    rules: ['SRC-03', 'SRC-04'],
    test: async ({ source, say, cut, senderOf = asCalled }, start) => {
      const first = start();
      await connected(first);
      await say(...said(1));
      await soon(() => first.emitted.length === 1, 'the first comes');
      await cut();
      await soon(() => first.end() !== undefined, 'it is over');
      checkError(first.end()?.error);
      assert.equal(source.status, 'error');
      assert.ok((await source.healthcheck()).error, 'its health says what went wrong');
      const second = start();
      await connected(second);
      assert.equal(source.status, 'connected');
      assert.equal((await source.healthcheck()).error, undefined, 'it is well again');
      await say(...said(1, 'bob'));
      await soon(() => second.emitted.some(({ senderId }) => senderId === senderOf('bob')), 'what is said then comes');
      assert.equal(first.emitted.length, 1, 'what is over brings nothing');
    },
  },
  {
    name: 'fails when nobody is there, and is not connected',
    rules: ['SRC-03', 'SRC-04'],
    options: { isUnreachable: true },
    test: async ({ source }, start) => {
      const started = start();
      await soon(() => started.end() !== undefined, 'it gives up');
      checkError(started.end()?.error);
      assert.equal(started.connections(), 0);
      assert.equal(source.status, 'error');
    },
  },
  {
    name: 'ends when it is stopped, and leaves no connection',
    rules: ['SRC-04'],
    test: async ({ source, openConnections }, start) => {
      const started = start();
      await connected(started);
      await stopped(source);
      await soon(() => started.end() !== undefined, 'it is over');
      assert.deepEqual(started.end(), {}, 'being stopped is no failure');
      assert.equal(source.status, 'stopped');
      await soon(() => openConnections() === 0, 'the other end sees it go');
    },
  },
  {
    name: 'ends when its signal aborts, also while the kit is busy',
    rules: ['SRC-04'],
    test: async ({ say, openConnections }, start) => {
      const started = start({ take: () => never, maxConcurrentEmits: 2 });
      await connected(started);
      await say(...said(10));
      await soon(() => started.underWay().now === 2, 'the kit is busy');
      started.abort();
      await soon(() => started.end() !== undefined, 'it is over');
      await soon(() => openConnections() === 0, 'the other end sees it go');
    },
  },
  {
    name: 'ends when it is stopped while it connects',
    rules: ['SRC-04'],
    options: { isSilent: true },
    test: async ({ source, openConnections }, start) => {
      const started = start();
      await soon(() => openConnections() === 1, 'it tries');
      assert.deepEqual([started.connections(), source.status], [0, 'connecting']);
      await stopped(source);
      await soon(() => started.end() !== undefined, 'it is over');
      assert.deepEqual([started.end(), started.connections(), source.status], [{}, 0, 'stopped']);
      await soon(() => openConnections() === 0, 'the other end sees it go');
    },
  },
  {
    name: 'waits for what it has handed over, and brings nothing once it is over',
    rules: ['SRC-02', 'SRC-04'],
    test: async ({ source, say }, start) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const started = start({ take: () => held.then(() => TAKEN) });
      await connected(started);
      await say(...said(1));
      await soon(() => started.underWay().now === 1, 'the kit is busy');
      const stopping = stopped(source);
      await turnsOfTheLoop(50);
      assert.equal(started.end(), undefined, 'a message is still under way');
      release();
      await stopping;
      await soon(() => started.end() !== undefined, 'it is over');
      await say(...said(1, 'eve'));
      await turnsOfTheLoop(50);
      assert.equal(started.emitted.length, 1);
    },
  },
  {
    name: 'is stopped again, and before it begins, without harm',
    rules: ['SRC-04'],
    test: async ({ source, say }, start) => {
      await stopped(source);
      const started = start();
      await connected(started);
      await say(...said(1));
      await soon(() => started.emitted.length === 1, 'it works');
      await Promise.all([stopped(source), stopped(source)]);
      await stopped(source);
      assert.equal(source.status, 'stopped');
    },
  },
  {
    name: 'tells how it is doing',
    rules: ['SRC-01', 'SRC-06'],
    test: async ({ source, say, babble }, start) => {
      const before = await source.healthcheck();
      assert.deepEqual([before.status, before.messagesReceived, before.lastMessageAt], ['stopped', 0, undefined]);
      const started = start();
      await connected(started);
      await babble();
      await say(...said(2));
      await soon(() => started.emitted.length === 2, 'both come');
      const health = await source.healthcheck();
      assert.deepEqual([health.status, health.messagesReceived, health.error], ['connected', 2, undefined]);
      assert.match(health.connectedAt ?? 'absent', ISO);
      assert.match(health.lastMessageAt ?? 'absent', ISO);
      assert.deepEqual(JSON.parse(JSON.stringify(health)), health, 'it is JSON');
      assert.notEqual(await source.healthcheck(), health, 'it is the reader’s own');
    },
  },
  ...([false, true].map((isUnreachable) => ({
    name: `never shows its secret, ${isUnreachable ? 'also when it fails' : 'nor where it connects to'}`,
    rules: ['SRC-07', 'F60', 'TEL-06'],
    options: { isUnreachable },
    test: async ({ source, secret, cut }, start) => {
      const started = start();
      if (!isUnreachable) {
        await connected(started);
        await cut();
      }
      await soon(() => started.end() !== undefined, 'it fails');
      const error = checkError(started.end()?.error);
      const shown = [source, error, await source.healthcheck()].flatMap((one) => [
        inspect(one, { depth: 12, showHidden: true }),
        JSON.stringify(one),
      ]);
      for (const text of [source.name, error.message, String(error.stack), ...shown])
        assert.ok(!text.includes(secret), `the secret shows in: ${text.slice(0, 400).replaceAll(secret, '(the secret)')}`);
    },
  })) satisfies Parameters<typeof sourceCases>[0]),
]);

/** A failure has a code, which is all that is logged, and says what to do. */
function checkError(error: unknown): RoomKitError {
  assert.ok(error instanceof RoomKitError, `it fails with an error that has a code, not with ${String(error)}`);
  assert.match(error.code, /^[a-z]+(_[a-z0-9]+)*$/);
  assert.ok(error.message.length > 20, 'its message says what is wrong');
  return error;
}
