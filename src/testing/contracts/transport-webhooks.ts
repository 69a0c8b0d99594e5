/** Webhooks: only the vendor is believed, and whatever is said is read without harm (PV-06, PV-07, PV-09…11). */
import assert from 'node:assert/strict';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { delivered, eventually, printsNoSecret, requestOf, type TransportSetup, type TransportTest } from './transport-case.js';

type Message = Extract<WebhookMeta, { type: 'message' }>['message'];

/** The provider's webhook; undefined for one without. */
export function webhookOf({ provider }: TransportSetup): WebhookProvider | undefined {
  return provider.parse === undefined ? undefined : (provider as WebhookProvider);
}

export async function isBelieved(webhook: WebhookProvider, call: WebhookRequest): Promise<boolean> {
  assert.ok(webhook.verify, 'the provider has verify');
  return webhook.verify(call);
}

/** The call of a person who wrote, and what it was parsed into. */
export async function written(setup: TransportSetup, calls: readonly WebhookRequest[], text: string): Promise<WebhookRequest | undefined> {
  if (setup.write === undefined || webhookOf(setup) === undefined) return undefined;
  const before = calls.length;
  await setup.write(text);
  await eventually(() => calls.length > before, 'the webhook is called');
  return calls[before];
}

function messagesIn(webhook: WebhookProvider, call: WebhookRequest): readonly Message[] {
  return webhook.parse(call).flatMap((meta) => (meta.type === 'message' ? [meta.message] : []));
}

function changed({ body }: WebhookRequest): Uint8Array {
  const copy = new Uint8Array(body);
  const middle = Math.floor(copy.length / 2);
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

export const webhookTests: readonly TransportTest[] = [
  {
    name: 'believes a call of the vendor, and reads who wrote what',
    rules: ['PV-07', 'PV-08', 'PV-09'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const text = 'Où est mon colis ? 📦 a+b=c&d';
      const call = await written(setup, calls, text);
      if (call === undefined || webhook === undefined) return;
      assert.equal(await isBelieved(webhook, call), true, 'the vendor is believed');
      const [message] = messagesIn(webhook, call);
      assert.ok(message, 'there is a message');
      assert.deepEqual(message.content, { type: 'text', body: text });
      for (const name of ['senderId', 'externalId', 'providerMessageId', 'idempotencyKey'] as const) assert.ok(message[name], `it has ${name}`);
      assert.ok(Object.keys(message.rawPayload ?? {}).length > 0, 'it has its own payload');
    },
  },
  {
    name: 'gives the same message the same key, and another one another',
    rules: ['PV-07'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const one = await written(setup, calls, 'same');
      const two = await written(setup, calls, 'same');
      if (one === undefined || two === undefined || webhook === undefined) return;
      const keyOf = (call: WebhookRequest): string | undefined => messagesIn(webhook, call)[0]?.idempotencyKey;
      assert.equal(keyOf(one), keyOf(one));
      assert.notEqual(keyOf(one), keyOf(two));
    },
  },
  {
    name: 'believes nobody whose signature is missing, cut, changed or for other bytes',
    rules: ['PV-09'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const name = setup.webhook?.signatureHeader;
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined || name === undefined) return;
      const given = call.headers.get(name) ?? assert.fail(`the vendor signs in ${name}`);
      for (const [what, value] of [
        ['missing', undefined],
        ['empty', ''],
        ['cut', given.slice(0, -2)],
        ['longer', `${given}AA`],
        ['of another', flipped(given)],
        ['no signature at all', 'not-a-signature'],
      ] as const) {
        const headers: Headers = new Headers(call.headers);
        if (value === undefined) headers.delete(name);
        else headers.set(name, value);
        assert.equal(await isBelieved(webhook, { ...call, headers }), false, `a signature that is ${what}`);
      }
    },
  },
  {
    name: 'believes no call whose bytes were changed on the way',
    rules: ['PV-09'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined || setup.webhook?.signatureHeader === undefined) return;
      if (setup.webhook.signsBody === false) return;
      assert.equal(await isBelieved(webhook, { ...call, body: changed(call) }), false, 'one bit was changed');
      assert.equal(await isBelieved(webhook, { ...call, body: new Uint8Array() }), false, 'the body is gone');
      const twice = new Uint8Array([...call.body, ...call.body]);
      assert.equal(await isBelieved(webhook, { ...call, body: twice }), false, 'the body comes twice');
    },
  },
  {
    name: 'believes no call that was meant for another address, where the address is signed',
    rules: ['PV-09'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined || setup.webhook?.signsUrl !== true) return;
      for (const url of [call.url.replace('127.0.0.1', 'elsewhere.example'), call.url.replace('http:', 'https:'), `${call.url}/x`, `${call.url}?a=1`])
        assert.equal(await isBelieved(webhook, { ...call, url }), false, url);
    },
  },
  {
    name: 'believes no call that is replayed later, where the time is signed',
    rules: ['PV-10'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const tolerance = setup.webhook?.toleranceSeconds;
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined || tolerance === undefined) return;
      for (const seconds of [tolerance - 5, 5 - tolerance])
        assert.equal(await isBelieved(webhook, { ...call, receivedAt: call.receivedAt + seconds * 1000 }), true, `${seconds} s off`);
      for (const seconds of [tolerance + 5, -tolerance - 5])
        assert.equal(await isBelieved(webhook, { ...call, receivedAt: call.receivedAt + seconds * 1000 }), false, `${seconds} s off`);
    },
  },
  {
    name: 'reads what became of a message it sent, and takes it for no message',
    rules: ['PV-11'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      if (webhook === undefined || setup.webhook?.reportsStatus !== true) return;
      const { providerMessageId } = await delivered(setup, requestOf(setup, 'Hello'));
      const statuses = (): readonly string[] =>
        calls.flatMap((call) =>
          webhook.parse(call).flatMap((meta) => {
            assert.notEqual(meta.type, 'message', 'a status is no message');
            return meta.type === 'status' && meta.status.messageId === providerMessageId ? [meta.status.status] : [];
          }),
        );
      await eventually(() => statuses().includes('delivered'), 'the message is reported as delivered');
      for (const call of calls) assert.equal(await isBelieved(webhook, call), true, 'a status is signed, too');
    },
  },
  {
    name: 'reads without harm whatever a stranger sends',
    rules: ['PV-06'],
    listens: true,
    test: async (setup, calls) => {
      const webhook = webhookOf(setup);
      const call = await written(setup, calls, 'Hello');
      if (call === undefined || webhook === undefined) return;
      const whole = new TextDecoder().decode(call.body);
      const bodies = ['', '{}', '[]', 'null', '0', '"x"', '{"a":', '%%%', 'a=b&a=c', '\u0000', whole.slice(0, -1), `${whole}x`, '['.repeat(10_000)];
      for (const body of [...bodies, ...mutations(whole)]) {
        let metas: readonly WebhookMeta[] = [];
        try {
          metas = webhook.parse({ ...call, body: new TextEncoder().encode(body) });
        } catch (error) {
          assert.ok(error instanceof Error, 'an Error is thrown');
          assert.ok(!(error instanceof TypeError) && !(error instanceof RangeError), `it stumbles over ${body.slice(0, 200)}: ${error.stack ?? ''}`);
          printsNoSecret(setup, error);
        }
        for (const meta of metas) {
          if (meta.type !== 'message') continue;
          assert.equal(typeof meta.message.senderId, 'string', `a message without a sender from ${body.slice(0, 200)}`);
          assert.equal(typeof meta.message.idempotencyKey, 'string', `a message without a key from ${body.slice(0, 200)}`);
        }
      }
    },
  },
];

/** The first letter that is one is made another. */
function flipped(signature: string): string {
  const at = Math.max(signature.lastIndexOf('=', signature.length - 3) + 1, 0);
  const letter = signature[at] ?? 'a';
  return `${signature.slice(0, at)}${letter === 'a' ? 'b' : 'a'}${signature.slice(at + 1)}`;
}

const STRANGE: readonly unknown[] = [null, 0, -1, 1e308, true, '', 'x', [], {}, [[]], [null], { a: null }, '\u0000', 'constructor', '__proto__'];

/** The payload with each of its values, one after the other, replaced by something strange. */
function mutations(text: string): string[] {
  let payload: unknown;
  try {
    payload = JSON.parse(text);
  } catch {
    return formMutations(text);
  }
  const out: string[] = [];
  for (const path of pathsIn(payload)) for (const strange of STRANGE) out.push(JSON.stringify(replaced(payload, path, strange)));
  return out.slice(0, 5000);
}

function formMutations(text: string): string[] {
  const names = [...new Set(new URLSearchParams(text).keys())];
  return names.flatMap((name) =>
    ['', '-1', '1e9', 'NaN', '\u0000', 'constructor', 'x'.repeat(100_000)].map((value) => {
      const form = new URLSearchParams(text);
      form.set(name, value);
      return form.toString();
    }),
  );
}

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries: [string | number, unknown][] = Array.isArray(value) ? value.map((entry: unknown, index) => [index, entry]) : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => pathsIn(inner, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((entry: unknown, index) => (index === key ? replaced(entry, rest, by) : entry));
  const fields = value as Record<string, unknown>; // the path was taken from it
  return { ...fields, [key]: replaced(fields[key], rest, by) };
}
