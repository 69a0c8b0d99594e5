/** The document of the server: whole, true to what is served, and turned against it. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../../src/server/routes/table.js';
import { faultsOf, valuesOf, type Schema } from '../../support/json-schema.js';
import { verifies } from '../../requirements.js';
import { Served } from './served.js';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let served: Served;
let document: Document;
beforeAll(async () => {
  // Whoever waits for what a message causes waits also for a channel that was given one message an hour, or whose breaker is
  // open: as long as a delivery may take (INB-21).
  served = await Served.open({}, { deliveryTimeoutSeconds: 0.1, drainSeconds: 1 });
  served.sms.isDown = false;
  document = (await served.ask('reader', 'get', '/openapi.json')).json as unknown as Document;
});
afterAll(() => served.close());

function operations(): { path: string; method: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

describe('the document', () => {
  it('describes every route, each once', () => {
    verifies('AUTH-11', 'AUTH-14');
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(
      operations()
        .map(({ method, path, operation }) => `${operation.operationId} ${method} ${path}`)
        .sort(),
    ).toEqual(ROUTES.map(({ id, method, path }) => `${id} ${method} ${path}`).sort());
    const tags = document.tags.map(({ name }) => name);
    for (const { operation } of operations()) {
      expect(operation.summary).toMatch(/^[A-Z].*\.$/);
      expect(tags).toEqual(expect.arrayContaining([...operation.tags]));
    }
  });

  it('holds schemas that are whole, and refers to nothing that is not there', () => {
    const { schemas } = document.components;
    const used = new Set([...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name));
    const faults = [
      ...Object.entries(schemas).flatMap(([name, schema]) => faultsOf(schema, name, schemas)),
      ...Object.keys(schemas).filter((name) => !used.has(name)),
      ...operations().flatMap(({ path, operation }) => [
        ...(operation.parameters ?? []).flatMap(({ name, schema }) => faultsOf(schema, `${operation.operationId}?${name}`, schemas)),
        ...Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) => faultsOf(schema, `${operation.operationId} body`, schemas)),
        ...Object.entries(operation.responses).flatMap(([status, { content }]) =>
          Object.values(content ?? {}).flatMap(({ schema }) => faultsOf(schema, `${operation.operationId} ${status}`, schemas)),
        ),
        ...differences(
          [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''),
          (operation.parameters ?? []).filter((parameter) => parameter.in === 'path' && parameter.required).map(({ name }) => name),
        ),
      ]),
    ];
    expect(faults).toEqual([]);
  });

  it('says of every route how it may be refused, as problem+json', () => {
    for (const { operation } of operations()) {
      const { responses, operationId, requestBody } = operation;
      const refused = Object.keys(responses).filter((status) => Number(status) >= 400);
      expect(refused, operationId).toEqual(expect.arrayContaining(['500', ...(operationId === 'getHealth' ? [] : ['401', '403', '429'])]));
      if (requestBody !== undefined) expect(refused, operationId).toEqual(expect.arrayContaining(['400', '413', '415']));
      for (const status of refused) expect(Object.keys(responses[status]?.content ?? {}), operationId).toEqual(['application/problem+json']);
    }
  });

  it('is for who is known, or of this machine', async () => {
    verifies('AUTH-11');
    const foreign = await served.ask('nobody', 'get', '/openapi.json', { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(foreign.status).toBe(401);
    expect((await served.ask('nobody', 'get', '/openapi.json')).status).toBe(200);
    expect((await served.ask('ada', 'get', '/openapi.json')).status).toBe(200);
  });
});

describe('the server, asked by its own document', () => {
  // What ends the room, or holds the line open, is asked elsewhere.
  const skipped = new Set(['deleteRoom', 'closeRoom', 'archiveRoom', 'streamEvents']);
  const ids = ROUTES.map(({ id }) => id).filter((id) => !skipped.has(id));

  it.each(ids)('never fails at %s, whatever its schemas allow', async (id) => {
    verifies('AUTH-12', 'CON-13');
    const { path, method, operation } = operations().find((one) => one.operation.operationId === id)!;
    await fc.assert(
      fc.asyncProperty(requests(path, operation), async (request) => {
        const reply = await served.ask('root', method, request.path, request);
        judge(operation, reply, `${method} ${request.path} ${JSON.stringify(request.body)}`);
      }),
      { numRuns: 25 },
    );
    expect(await wholeRoom()).toBe(true);
  });

  it.each(ids.filter((id) => ROUTES.some((route) => route.id === id && route.body !== undefined)))(
    'refuses at %s what they do not allow',
    async (id) => {
      verifies('AUTH-12', 'CON-13');
      const { path, method, operation } = operations().find((one) => one.operation.operationId === id)!;
      const anything = fc.oneof(
        fc.jsonValue({ maxDepth: 4 }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
        fc.constant({ __proto__: null }),
      );
      await fc.assert(
        fc.asyncProperty(requests(path, operation), anything, async (request, body) => {
          const reply = await served.ask('root', method, request.path, { body });
          judge(operation, reply, `${method} ${request.path} ${JSON.stringify(body)}`);
        }),
        { numRuns: 15 },
      );
      expect(await wholeRoom()).toBe(true);
    },
  );

  /** An answer that the document knows; never one that says that something broke. */
  function judge(operation: Operation, { status, headers, json }: Awaited<ReturnType<Served['ask']>>, asked: string): void {
    // 501 is an answer: a policy that is still to come, a store that cannot search.
    if (status !== 501) expect(status, asked).toBeLessThan(500);
    expect(Object.keys(operation.responses), `${asked} → ${status}`).toContain(String(status));
    if (status >= 400) {
      expect(headers.get('content-type'), asked).toBe('application/problem+json');
      expect(json, asked).toMatchObject({ status, code: expect.stringMatching(/^[a-z_]+$/), requestId: expect.any(String) });
    }
  }

  function requests(path: string, { parameters = [], requestBody }: Operation) {
    const { event, task, failed, identity, other } = served.things;
    const known = ['acme-1', 'web', 'desk', 'sms', 'helper', 'ada', 'human', event.id, task.id, failed.id, identity.id, other.id];
    const { schemas } = document.components;
    const make = (schema: Schema): fc.Arbitrary<unknown> => valuesOf(schema, schemas, known);
    const inPath = Object.fromEntries(
      parameters.filter((one) => one.in === 'path').map(({ name, schema }) => [name, name === 'roomId' ? fc.constant('acme-1') : make(schema)]),
    );
    const inQuery = parameters.filter((one) => one.in === 'query');
    const query = fc.record(Object.fromEntries(inQuery.map(({ name, schema }) => [name, make(schema)])), {
      requiredKeys: inQuery.filter(({ required }) => required).map(({ name }) => name),
    });
    const schema = requestBody?.content['application/json']?.schema;
    return fc.tuple(fc.record(inPath), query, schema === undefined ? fc.constant(undefined) : make(schema)).map(([names, asked, body]) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(wellFormed(String(names[name]))));
      const search = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, wellFormed(String(value))])).toString();
      return { path: search === '' ? filled : `${filled}?${search}`, body };
    });
  }

  /** The room still takes messages, and its indexes have no holes but for what was deleted. */
  async function wholeRoom(): Promise<boolean> {
    await served.kit.reopenRoom('acme-1');
    await served.kit.attachChannel('acme-1', 'web', { access: 'read_write', muted: false });
    await served.kit.setAccess('acme-1', 'web', 'read_write');
    await served.kit.unmute('acme-1', 'web');
    const { event } = await served.kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'still here' }, { roomId: 'acme-1' });
    const [newest] = await served.kit.getTimeline('acme-1', { newestFirst: true, limit: 1 });
    return event !== undefined && newest !== undefined && newest.index >= event.index;
  }
});

function differences(wanted: readonly string[], given: readonly string[]): string[] {
  return [...wanted.filter((name) => !given.includes(name)), ...given.filter((name) => !wanted.includes(name))];
}

/** Half a surrogate pair has no UTF-8 and so cannot be in an address. */
function wellFormed(text: string): string {
  return [...text].filter((character) => !/^[\ud800-\udfff]$/.test(character)).join('') || 'x';
}
