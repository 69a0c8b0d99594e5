/** Webhooks through a kit's route: behind a proxy, twice, changed without being changed, with what a vendor adds some day (PV-06…10). */
import assert from 'node:assert/strict';
import { TransportChannel } from '../../channels/transport.js';
import { createWebhookHandler, type WebhookHandlerOptions, type WebhookProvider, type WebhookRequest } from '../../channels/webhook.js';
import { RoomKit } from '../../core/kit.js';
import { silentLogger } from '../../core/logger.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { delivered, eventually, requestOf, type TransportSetup, type TransportTest } from './transport-case.js';
import { isBelieved, webhookOf, written } from './transport-webhooks.js';

/** Where the route runs; the vendor knows the address that a proxy has. */
const INSIDE = 'http://10.0.0.7:8080';

/** A kit whose route takes calls as a proxy passes them on. */
function routeOf(setup: TransportSetup, provider: WebhookProvider) {
  const kit = new RoomKit({ logger: silentLogger });
  const { provider: client, channelType, defaults = {} } = setup;
  kit.registerChannel(new TransportChannel('channel', { channelType, provider: client, recipientKey: 'recipient', defaults }));
  const post = async ({ method, url, headers, body }: WebhookRequest, more: Partial<WebhookHandlerOptions> = {}): Promise<number> => {
    const { pathname, search } = new URL(url);
    const handle = createWebhookHandler({ kit, provider, channelId: 'channel', ...more });
    return (await handle(new Request(`${INSIDE}${pathname}${search}`, { method, headers, ...(method !== 'GET' && { body: Uint8Array.from(body) }) })))
      .status;
  };
  const messages = async (): Promise<number> => {
    const timelines = await Promise.all((await kit.listRooms()).map(({ id }) => kit.getTimeline(id)));
    return timelines.flat().filter(({ type }) => type === 'message').length;
  };
  return { kit, post, messages };
}

export const routeTests: readonly TransportTest[] = [
  {
    name: 'is believed behind a proxy by its public address, and by no other where the address is signed',
    rules: ['PV-09', 'WHK-03', 'WHK-04'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined) return;
      const { kit, post, messages } = routeOf(setup, webhook);
      try {
        const { host, origin } = new URL(call.url);
        if (setup.webhook?.signsUrl === true) {
          for (const publicUrl of [undefined, `https://${host}`, `http://elsewhere.example`, `${origin}/more`])
            assert.equal(await post(call, publicUrl === undefined ? {} : { publicUrl }), 401, `the public address is ${publicUrl ?? 'not told'}`);
          assert.equal(await messages(), 0, 'nothing of it is read');
        }
        assert.equal(await post(call, { publicUrl: origin }), 200);
        assert.equal(await messages(), 1);
      } finally {
        await kit.close();
      }
    },
  },
  {
    name: 'makes one event of a call that comes twice, also when both come at once',
    rules: ['PV-10', 'INB-08', 'WHK-03'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined) return;
      const { kit, post, messages } = routeOf(setup, webhook);
      try {
        const publicUrl = new URL(call.url).origin;
        assert.deepEqual(await Promise.all([post(call, { publicUrl }), post(call, { publicUrl })]), [200, 200]);
        assert.equal(await post(call, { publicUrl }), 200);
        assert.equal(await messages(), 1);
      } finally {
        await kit.close();
      }
    },
  },
  {
    name: 'moves a delivery forward only, in whatever order and however often its reports come',
    rules: ['PV-11', 'F25', 'OUT-07'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      if (webhook === undefined || setup.webhook?.reportsStatus !== true) return;
      const { kit, post } = routeOf(setup, webhook);
      try {
        kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
        await kit.createRoom({ roomId: 'room' });
        await kit.attachChannel('room', 'desk');
        await kit.attachChannel('room', 'channel', { metadata: { recipient: setup.to } });
        const heard: string[] = [];
        kit.onDeliveryStatus(({ status }) => void heard.push(status));
        await kit.sendEvent('room', 'desk', 'Hello');
        const row = async () => (await kit.listDeliveries({ roomId: 'room' })).find(({ channelId }) => channelId === 'channel');
        const { providerMessageId } = (await row()) ?? assert.fail('there is a delivery');
        const told = (call: WebhookRequest): readonly string[] =>
          webhook.parse(call).flatMap((meta) => (meta.type === 'status' && meta.status.messageId === providerMessageId ? [meta.status.status] : []));
        await eventually(() => calls.flatMap(told).includes('delivered'), 'the message is reported as delivered');
        // The newest first, and then all of them as they came.
        for (const call of [...calls].reverse().concat(calls)) assert.equal(await post(call, { publicUrl: new URL(call.url).origin }), 200);
        assert.equal((await row())?.state, 'delivered');
        assert.deepEqual(heard, ['delivered'], 'it is heard of once');
      } finally {
        await kit.close();
      }
    },
  },
  {
    name: 'believes no call whose words are the same in other bytes, where the bytes are signed',
    rules: ['PV-09'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Où est mon colis ?');
      if (call === undefined || webhook === undefined || setup.webhook?.signatureHeader === undefined) return;
      // What is signed of a form is its names and values, and they are the same in whatever bytes.
      const payload = jsonOf(call);
      if (payload === undefined || setup.webhook.signsBody === false) return;
      const text = new TextDecoder().decode(call.body);
      for (const other of [JSON.stringify(payload, null, 1), JSON.stringify(reversed(payload)), ` ${text}`, `${text}\n`]) {
        if (other === text) continue;
        assert.equal(await isBelieved(webhook, { ...call, body: new TextEncoder().encode(other) }), false, other.slice(0, 60));
      }
    },
  },
  {
    name: 'believes no call to a path with another secret or none, where the secret is in the path',
    rules: ['PV-09'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined || setup.webhook?.signatureHeader !== undefined) return;
      assert.equal(await isBelieved(webhook, call), true, 'the vendor is believed');
      const { origin, pathname, search } = new URL(call.url);
      const parts = pathname.split('/');
      const secret = parts.pop() ?? '';
      const above = parts.join('/');
      for (const path of [
        above,
        `${above}/`,
        `${above}/${secret}x`,
        `${above}/${secret.slice(0, -1)}`,
        `${above}/${swapped(secret)}`,
        `${pathname}/x`,
        '/',
      ])
        assert.equal(await isBelieved(webhook, { ...call, url: `${origin}${path}${search}` }), false, path);
      assert.equal(await isBelieved(webhook, { ...call, url: `${origin}${above}?${secret}` }), false, 'the secret in the query');
    },
  },
  {
    name: 'reads the same from the same call however often, and whatever the vendor adds to it some day',
    rules: ['PV-06', 'PV-15'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined) return;
      readsAlike(webhook, call);
      if (setup.webhook?.reportsStatus !== true) return;
      const before = calls.length;
      const { providerMessageId } = await delivered(setup, requestOf(setup, 'Hello yourself'));
      const aboutIt = (each: WebhookRequest): boolean =>
        webhook
          .parse(each)
          .some((meta) => meta.type === 'status' && meta.status.messageId === providerMessageId && meta.status.status === 'delivered');
      await eventually(() => calls.slice(before).some(aboutIt), 'the message is reported as delivered');
      for (const status of calls.slice(before)) readsAlike(webhook, status);
    },
  },
];

/** Reading is pure, and what is not known is left aside. */
function readsAlike(webhook: WebhookProvider, call: WebhookRequest): void {
  const bytes = Uint8Array.from(call.body);
  const first = withoutPayload(webhook.parse(call));
  assert.deepEqual(withoutPayload(webhook.parse(call)), first, 'the second reading is the first');
  assert.deepEqual(Uint8Array.from(call.body), bytes, 'reading changes no byte');
  const more = withMore(call);
  if (more !== undefined) assert.deepEqual(withoutPayload(webhook.parse(more)), first, 'what is added changes nothing');
}

function withoutPayload(metas: readonly WebhookMeta[]): readonly unknown[] {
  return metas.map((meta) => {
    if (meta.type === 'message') return { ...meta, message: { ...meta.message, rawPayload: undefined } };
    return meta.type === 'status' ? { ...meta, status: { ...meta.status, raw: undefined } } : meta;
  });
}

const ADDED = { name: 'a_field_of_tomorrow', value: { type: 'nobody knows', list: [null, { id: 1 }] } } as const;

/** The call with a field that no vendor has in each of its objects; undefined when its body is neither JSON nor a plain form. */
function withMore(call: WebhookRequest): WebhookRequest | undefined {
  const payload = jsonOf(call);
  if (payload !== undefined) return { ...call, body: new TextEncoder().encode(JSON.stringify(added(payload))) };
  if (call.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') !== true) return undefined;
  const text = new TextDecoder().decode(call.body);
  return { ...call, body: new TextEncoder().encode(`${text}&${ADDED.name}=x&${ADDED.name}%5B%5D=y`) };
}

function jsonOf({ body }: WebhookRequest): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function added(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(added);
  if (typeof value !== 'object' || value === null) return value;
  return { ...Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, added(inner)])), [ADDED.name]: ADDED.value };
}

/** The same with its names in the other order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  );
}

function swapped(secret: string): string {
  return `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`;
}
