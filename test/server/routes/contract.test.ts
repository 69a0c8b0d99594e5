/** Every route over real HTTP: right, by nobody, by the wrong ones, malformed, oversized, at once. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../../src/server/routes/table.js';
import { VERSION } from '../../../src/server/version.js';
import { verifies } from '../../requirements.js';
import { Served, type Asked, type Reply } from './served.js';

type Things = Served['things'];

interface Right extends Asked {
  /** Behind the path: `?limit=1`. */
  readonly query?: string;
  /** Values of the path's parameters, besides roomId, which is `acme-1`. */
  readonly params?: Readonly<Record<string, string>>;
  readonly status: number;
  /** What it did, as far as it does something. */
  readonly sees?: (reply: Reply, served: Served) => unknown;
}

/** One right request per route, in an order in which each finds what it needs. */
const RIGHT: Readonly<Record<string, (things: Things) => Right>> = {
  listRooms: () => ({ status: 200, query: '?summary=true&status=active,paused&metadata=%7B%7D' }),
  createRoom: () => ({ status: 201, body: { roomId: 'acme-2', channels: ['web'], metadata: { a: 1 }, timers: { inactiveAfterSeconds: 60 } } }),
  getRoom: () => ({ status: 200 }),
  changeRoom: () => ({
    status: 200,
    body: { metadata: { topic: 'invoice', gone: null }, timers: { closedAfterSeconds: 5 } },
    sees: ({ json }) => expect(json['room']).toMatchObject({ metadata: { topic: 'invoice' }, timers: { closedAfterSeconds: 5 } }),
  }),
  sendMessage: () => ({
    status: 201,
    body: { channelId: 'web', senderId: 'ada', content: { type: 'rich', body: '**Hi**', buttons: [{ id: 'a', label: 'A', kind: 'reply' }] } },
    sees: ({ json }) =>
      expect(json).toMatchObject({ blocked: false, duplicate: false, event: { source: { participantId: 'ada', displayName: 'Ada' } } }),
  }),
  sendEvent: () => ({
    status: 201,
    body: { channelId: 'desk', content: 'psst', visibility: 'internal', wait: 'cascade' },
    sees: ({ json }) => expect(json).toMatchObject({ event: { visibility: 'internal', source: { channelId: 'desk' } } }),
  }),
  listEvents: () => ({ status: 200, query: '?limit=1000', sees: ({ json }) => expect((json['events'] as unknown[]).length).toBeGreaterThan(5) }),
  getEvent: ({ event }) => ({ status: 200, params: { eventId: event.id } }),
  changeEvent: ({ event }) => ({
    status: 200,
    params: { eventId: event.id },
    body: { content: 'Where is invoice 4712?', metadata: { seen: true } },
    sees: ({ json }) => expect(json['event']).toMatchObject({ content: { body: 'Where is invoice 4712?' }, metadata: { seen: true } }),
  }),
  getTrace: ({ event }) => ({
    status: 200,
    params: { eventId: event.id },
    sees: ({ json }) => expect(json['trace']).toMatchObject({ eventId: event.id }),
  }),
  searchEvents: () => ({ status: 200, query: '?text=invoice', sees: ({ json }) => expect((json['events'] as unknown[]).length).toBeGreaterThan(0) }),
  streamEvents: () => ({ status: 200, query: '?afterIndex=-1', headers: { 'last-event-id': '2' } }),
  listChannels: () => ({
    status: 200,
    sees: ({ json }) =>
      expect((json['channels'] as { channelId: string; breaker?: string }[]).map(({ channelId, breaker }) => [channelId, breaker])).toEqual([
        ['web', 'closed'],
        ['desk', 'closed'],
        ['sms', 'closed'],
        ['push', 'closed'],
        ['helper', 'closed'],
      ]),
  }),
  listBindings: () => ({ status: 200 }),
  attachChannel: () => ({ status: 201, params: { channelId: 'push' }, body: { access: 'read_only', metadata: { device: 'x' } } }),
  changeBinding: () => ({
    status: 200,
    params: { channelId: 'push' },
    body: { muted: true, visibility: 'internal', access: 'none', metadata: { device: null } },
    sees: ({ json }) => expect(json['binding']).toMatchObject({ muted: true, visibility: 'internal', access: 'none', metadata: {} }),
  }),
  detachChannel: () => ({ status: 204, params: { channelId: 'push' } }),
  listParticipants: () => ({ status: 200 }),
  ensureParticipant: () => ({ status: 201, params: { participantId: 'bob' }, body: { channelId: 'desk', displayName: 'Bob', role: 'agent' } }),
  changeParticipant: () => ({
    status: 200,
    params: { participantId: 'bob' },
    body: { role: 'observer', status: 'inactive', metadata: { a: 1 } },
    sees: ({ json }) => expect(json['participant']).toMatchObject({ role: 'observer', status: 'inactive' }),
  }),
  resolveParticipant: ({ identity }) => ({
    status: 200,
    params: { participantId: 'bob' },
    body: { identityId: identity.id },
    sees: ({ json }) => expect(json['participant']).toMatchObject({ identityId: identity.id, identification: 'identified' }),
  }),
  createIdentity: () => ({ status: 201, body: { displayName: 'Eve', channelAddresses: { email: ['eve@example.com'] } } }),
  findIdentity: ({ identity }) => ({
    status: 200,
    query: '?channelType=sms&address=%2B1',
    sees: ({ json }) => expect(json['identity']).toMatchObject({ id: identity.id }),
  }),
  getIdentity: ({ identity }) => ({ status: 200, params: { identityId: identity.id } }),
  linkAddress: ({ identity }) => ({ status: 200, params: { identityId: identity.id }, body: { channelType: 'email', address: 'ada@example.com' } }),
  mergeIdentities: ({ identity, other }) => ({
    status: 200,
    params: { identityId: identity.id },
    body: { fromId: other.id, reason: 'same person' },
    sees: ({ json }) => expect(json['merge']).toMatchObject({ by: 'acme', movedExternalIds: { crm: '7' } }),
  }),
  listMerges: ({ identity, other }) => ({
    status: 200,
    params: { identityId: identity.id },
    sees: ({ json }) => expect(json['merges']).toMatchObject([{ fromId: other.id, by: 'acme', reason: 'same person' }]),
  }),
  unmergeIdentity: ({ other }) => ({
    status: 200,
    params: { identityId: other.id },
    sees: ({ json }) => expect(json['merge']).toMatchObject({ fromId: other.id }),
  }),
  listApprovals: () => ({
    status: 200,
    query: '?state=pending',
    sees: ({ json }) => expect(json['approvals']).toMatchObject([{ id: 'approval-1', roomId: 'acme-1', tool: 'refund', askedBy: ['ada'] }]),
  }),
  resolveApproval: () => ({
    status: 200,
    params: { approvalId: 'approval-1' },
    body: { approve: false, by: 'the-desk', reason: 'It is paid.' },
    sees: ({ json }) => expect(json).toMatchObject({ status: 'resolved', approval: { state: 'rejected', resolvedBy: 'the-desk' } }),
  }),
  getConversation: () => ({ status: 200 }),
  setActiveAgent: () => ({
    status: 200,
    body: { agentId: null, phase: 'escalation', reason: 'asked for a person' },
    sees: ({ json }) => expect(json).toMatchObject({ handledByHuman: true, state: { phase: 'escalation' } }),
  }),
  handOver: () => ({
    status: 200,
    body: { target: 'helper', reason: 'solved', summary: 'All is well.' },
    sees: ({ json }) =>
      expect(json).toMatchObject({ accepted: true, newAgentId: 'helper', handledByHuman: false, state: { activeAgentId: 'helper' } }),
  }),
  listTasks: () => ({ status: 200, query: '?status=pending' }),
  createTask: () => ({ status: 201, body: { title: 'Refund', assignedTo: 'bob' } }),
  getTask: ({ task }) => ({ status: 200, params: { taskId: task.id } }),
  changeTask: ({ task }) => ({
    status: 200,
    params: { taskId: task.id },
    body: { status: 'completed' },
    sees: ({ json }) => expect(json['task']).toMatchObject({ status: 'completed', title: 'Call back' }),
  }),
  listObservations: () => ({ status: 200 }),
  addObservation: () => ({ status: 201, body: { content: 'Calmer now', category: 'mood', confidence: 0.9 } }),
  completeTask: ({ later }) => ({
    status: 200,
    params: { taskId: later.id },
    body: { result: { parcel: 7 } },
    sees: ({ json }) => expect(json).toMatchObject({ status: 'completed', task: { status: 'completed', metadata: { result: { parcel: 7 } } } }),
  }),
  listDeliveries: () => ({
    status: 200,
    query: '?state=failed',
    sees: ({ json }) => expect((json['deliveries'] as unknown[]).length).toBeGreaterThan(0),
  }),
  listAllDeliveries: () => ({ status: 200 }),
  getUsage: () => ({ status: 200, sees: ({ json }) => expect(json).toMatchObject({ generations: expect.any(Number), rows: expect.any(Array) }) }),
  getDelivery: ({ failed }) => ({
    status: 200,
    params: { deliveryId: failed.id },
    sees: ({ json }) => expect(json).toMatchObject({ delivery: { state: 'failed' }, attempts: [{ channelId: 'sms', attempt: 1 }] }),
  }),
  retryDelivery: ({ failed }) => ({ status: 200, params: { deliveryId: failed.id } }),
  // It fails again at once: there is nothing left to cancel.
  cancelDelivery: ({ failed }) => ({ status: 409, params: { deliveryId: failed.id } }),
  listTurns: () => ({ status: 200 }),
  listReadMarkers: () => ({ status: 200 }),
  markRead: ({ event }) => ({
    status: 200,
    params: { channelId: 'desk' },
    body: { eventId: event.id },
    sees: ({ json }) => expect(json['marker']).toMatchObject({ channelId: 'desk', index: event.index }),
  }),
  getKit: () => ({ status: 200, sees: ({ json }) => expect(json).toMatchObject({ name: 'roomkit', store: { name: 'sqlite' }, search: true }) }),
  getStatistics: () => ({ status: 200, sees: ({ json }) => expect(json).toMatchObject({ state: 'open', deliveries: { queued: 0 } }) }),
  getRoomStatistics: () => ({
    status: 200,
    sees: ({ json }) => expect(json).toMatchObject({ status: 'active', channels: 4, openTasks: 1, handoffs: 1 }),
  }),
  createClientToken: () => ({ status: 201, body: { rooms: ['acme-1'], channelId: 'web', participantId: 'eve', displayName: 'Eve', ttlSeconds: 60 } }),
  getHealth: () => ({ status: 200 }),
  getReadiness: () => ({ status: 200 }),
  getMetrics: () => ({ status: 200, sees: ({ text }) => expect(text).toMatch(/# EOF\n$/) }),
  getOpenApi: () => ({ status: 200 }),
  deleteEvent: ({ event }) => ({
    status: 200,
    params: { eventId: event.id },
    sees: ({ json }) => expect(json['deleted']).toBe(1),
  }),
  exportPerson: ({ identity }) => ({
    status: 200,
    body: { channelType: 'sms', address: '+1', organizationId: 'acme' },
    sees: ({ json }) => expect(json['person']).toMatchObject({ identity: { id: identity.id } }),
  }),
  erasePerson: () => ({
    status: 200,
    body: { channelType: 'sms', address: '+4999000111', whereAlone: 'own', keepOptOuts: false },
    sees: ({ json }) => expect(json['report']).toMatchObject({ events: 0, identities: 0 }),
  }),
  eraseIdentity: ({ identity }) => ({
    status: 200,
    params: { identityId: identity.id },
    body: {},
    sees: ({ json }) => expect(json['report']).toMatchObject({ identities: 1 }),
  }),
  closeRoom: () => ({ status: 200, sees: ({ json }) => expect(json['room']).toMatchObject({ status: 'closed' }) }),
  archiveRoom: () => ({ status: 200, sees: ({ json }) => expect(json['room']).toMatchObject({ status: 'archived' }) }),
  reopenRoom: () => ({ status: 200, sees: ({ json }) => expect(json['room']).toMatchObject({ status: 'active' }) }),
  deleteRoom: () => ({ status: 204, sees: (_reply, { kit }) => expect(kit.getRoom('acme-1')).rejects.toMatchObject({ code: 'room_not_found' }) }),
};

/** For admins, or for who is bound to no organization: an operator's key is not enough. */
const OF_ROOT = new Set(['deleteRoom', 'exportPerson', 'erasePerson', 'eraseIdentity', 'getMetrics']);
const OPEN = new Set(['getHealth']);

let served: Served;
beforeAll(async () => {
  served = await Served.open({ limits: { maxBodyBytes: 20_000 } });
});
afterAll(() => served.close());

function routeOf(id: string): (typeof ROUTES)[number] {
  const found = ROUTES.find((route) => route.id === id);
  if (found === undefined) throw new Error(`There is no route '${id}'.`);
  return found;
}

function pathOf(path: string, { params = {}, query = '' }: Pick<Right, 'params' | 'query'>, roomId = 'acme-1'): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(name === 'roomId' ? roomId : (params[name] ?? 'missing')));
  return filled + query;
}

function problem({ status, headers, json }: Reply): [number, unknown, string | null] {
  expect(json).toMatchObject({ status, title: expect.any(String), requestId: expect.any(String) });
  return [status, json['code'], headers.get('content-type')];
}

const PROBLEM = 'application/problem+json';
const everyRoute = ROUTES.map(({ id }) => id);

describe('the table of routes', () => {
  it('has a right request for each, and gives each its own name and place', () => {
    expect(Object.keys(RIGHT).sort()).toEqual([...everyRoute].sort());
    expect(new Set(everyRoute).size).toBe(ROUTES.length);
    expect(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size).toBe(ROUTES.length);
  });

  it('says the version of the package', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(VERSION).toBe(manifest.version);
  });
});

describe('the guide', () => {
  it('lists every route with its scope, and no other', () => {
    const guide = readFileSync(new URL('../../../docs/guides/server.md', import.meta.url), 'utf8');
    const rows = [...guide.matchAll(/^\| `([A-Z]+ \/\S*)` \| (\w+) \| (.*) \|$/gm)].map(
      ([, route, scope, summary]) => `${route} ${scope} ${summary}`,
    );
    expect(rows).toEqual(ROUTES.map(({ method, path, scope, summary }) => `${method.toUpperCase()} ${path} ${scope} ${summary}`));
  });
});

describe('nobody', () => {
  it.each(everyRoute.filter((id) => !OPEN.has(id)))('reaches %s only with a credential', async (id) => {
    verifies('AUTH-01', 'AUTH-12');
    const { method, path } = routeOf(id);
    const right = RIGHT[id]!(served.things);
    // On loopback readiness and the document are open (AUTH-11).
    if (['getReadiness', 'getMetrics', 'getOpenApi'].includes(id)) expect((await served.ask('nobody', method, path)).status).toBe(200);
    else expect(problem(await served.ask('nobody', method, pathOf(path, right), right))).toEqual([401, 'unauthenticated', PROBLEM]);
  });
});

describe('a caller without the scope', () => {
  it.each(everyRoute.filter((id) => routeOf(id).scope !== 'open' && routeOf(id).scope !== 'principal'))('does not reach %s', async (id) => {
    verifies('AUTH-02');
    const { method, path, scope } = routeOf(id);
    const right = RIGHT[id]!(served.things);
    expect(problem(await served.ask('none', method, pathOf(path, right), right))).toEqual([403, 'forbidden', PROBLEM]);
    const nearly = scope === 'read' ? 'writer' : scope === 'admin' ? 'acme' : 'reader';
    expect(problem(await served.ask(nearly, method, pathOf(path, right), right))).toEqual([403, 'forbidden', PROBLEM]);
    if (scope === 'operate' || scope === 'admin') expect((await served.ask('ada', method, pathOf(path, right), right)).status).toBe(403);
  });
});

describe('another organization', () => {
  const ofRooms = everyRoute.filter((id) => routeOf(id).path.includes('{roomId}'));
  it.each(ofRooms)('finds nothing at %s, in the words for what is not there', async (id) => {
    verifies('AUTH-09', 'PERM-09');
    const { method, path } = routeOf(id);
    const right = RIGHT[id]!(served.things);
    const foreign = await served.ask('globex', method, pathOf(path, right, 'acme-1'), right);
    const missing = await served.ask('globex', method, pathOf(path, right, 'nowhere'), right);
    expect(problem(foreign)).toEqual([404, 'room_not_found', PROBLEM]);
    const words = ({ json }: Reply): string => JSON.stringify({ ...json, requestId: '' }).replaceAll(/acme-1|nowhere/g, 'ID');
    expect(words(foreign)).toBe(words(missing));
  });

  it.each(['getIdentity', 'eraseIdentity', 'linkAddress', 'mergeIdentities', 'listMerges', 'unmergeIdentity'])('finds nothing at %s', async (id) => {
    verifies('AUTH-09');
    const { method, path } = routeOf(id);
    const right = RIGHT[id]!(served.things);
    expect(problem(await served.ask('globex', method, pathOf(path, right), right))).toEqual([404, 'identity_not_found', PROBLEM]);
  });

  it('cannot put its people into ours, nor ours into its own', async () => {
    verifies('AUTH-09');
    const { identity } = served.things;
    await served.kit.ensureParticipant('globex-1', 'web', 'gus');
    const taken = await served.ask('globex', 'post', '/api/rooms/globex-1/participants/gus/resolve', { body: { identityId: identity.id } });
    expect(problem(taken)).toEqual([404, 'identity_not_found', PROBLEM]);
    expect((await served.ask('globex', 'get', '/api/identities?channelType=sms&address=%2B1')).json).toEqual({ identity: null });
    expect(problem(await served.ask('globex', 'post', '/api/identities', { body: { organizationId: 'acme' } }))).toEqual([403, 'forbidden', PROBLEM]);
    expect((await served.ask('globex', 'get', '/api/search?text=invoice')).json).toEqual({ events: [] });
  });

  it('finds no approval of ours, and no task to complete', async () => {
    verifies('AUTH-09', 'APR-03');
    expect((await served.ask('globex', 'get', '/api/approvals')).json).toEqual({ approvals: [] });
    const answer = { body: { approve: true, by: 'gus' } };
    for (const [caller, path, asked, code] of [
      ['globex', '/api/approvals/approval-1/resolve', answer, 'approval_not_found'],
      ['root', '/api/approvals/unknown/resolve', answer, 'approval_not_found'],
      ['globex', `/api/tasks/${served.things.later.id}/complete`, { body: { result: 1 } }, 'task_not_found'],
      ['root', '/api/tasks/unknown/complete', { body: { result: 1 } }, 'task_not_found'],
    ] as const)
      expect(problem(await served.ask(caller, 'post', path, asked)), path).toEqual([404, code, PROBLEM]);
  });

  it('erases and exports nobody of ours by an address', async () => {
    verifies('ERA-11', 'AUTH-09');
    const before = await served.kit.getTimeline('acme-1', { limit: 1000 });
    const person = { body: { channelType: 'sms', address: '+1' } };
    const erased = await served.ask('globex', 'post', '/api/people/erase', person);
    expect(Object.values(erased.json['report'] as object).every((count) => count === 0)).toBe(true);
    expect((await served.ask('globex', 'post', '/api/people/export', person)).json).toEqual({ person: { merges: [], rooms: [] } });
    expect(await served.kit.getTimeline('acme-1', { limit: 1000 })).toEqual(before);
  });

  it('finds no delivery, task or event of ours through a room of its own', async () => {
    verifies('AUTH-09');
    const { failed, task, event } = served.things;
    for (const [method, path, code] of [
      ['get', `deliveries/${failed.id}`, 'delivery_not_found'],
      ['post', `deliveries/${failed.id}/retry`, 'delivery_not_found'],
      ['post', `deliveries/${failed.id}/cancel`, 'delivery_not_found'],
      ['get', `tasks/${task.id}`, 'task_not_found'],
      ['get', `events/${event.id}`, 'event_not_found'],
      ['get', `events/${event.id}/trace`, 'trace_not_found'],
      ['delete', `events/${event.id}`, 'event_not_found'],
    ] as const)
      expect(problem(await served.ask('globex', method, `/api/rooms/globex-1/${path}`)), path).toEqual([404, code, PROBLEM]);
  });
});

describe('a malformed request', () => {
  it.each(everyRoute.filter((id) => routeOf(id).body !== undefined))('with a body is refused by %s, and changes nothing', async (id) => {
    verifies('AUTH-12', 'AUTH-13', 'CON-13');
    const { method, path } = routeOf(id);
    const right = RIGHT[id]!(served.things);
    const before = await served.kit.getTimeline('acme-1', { limit: 1000 });
    const at = pathOf(path, right);
    const deep = `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`;
    expect(problem(await served.ask('root', method, at, { raw: '{"a":' }))).toEqual([400, 'invalid', PROBLEM]);
    expect(problem(await served.ask('root', method, at, { raw: deep }))).toEqual([400, 'invalid', PROBLEM]);
    expect(problem(await served.ask('root', method, at, { body: [] }))).toEqual([400, 'invalid', PROBLEM]);
    expect(problem(await served.ask('root', method, at, { body: { ...(right.body as object), surplus: true } }))).toEqual([400, 'invalid', PROBLEM]);
    expect(problem(await served.ask('root', method, at, { body: right.body, headers: { 'content-type': 'text/plain' } }))).toEqual([
      415,
      'unsupported_media_type',
      PROBLEM,
    ]);
    expect(problem(await served.ask('root', method, at, { body: { surplus: 'x'.repeat(30_000) } }))).toEqual([413, 'too_large', PROBLEM]);
    expect(await served.kit.getTimeline('acme-1', { limit: 1000 })).toEqual(before);
  });

  it.each(everyRoute.filter((id) => routeOf(id).query !== undefined))('with a query is refused by %s', async (id) => {
    const { method, path } = routeOf(id);
    const wrong: Readonly<Record<string, string>> = {
      listRooms: '?status=open',
      searchEvents: '?text=',
      findIdentity: '?channelType=pigeon&address=x',
      getEvent: `?as=${'x'.repeat(300)}`,
      deleteEvent: '?cascadeReplies=perhaps',
      listTasks: '?status=lost',
      listApprovals: '?state=lost',
      streamEvents: '?afterIndex=-2',
      getUsage: '?agentId=',
    };
    const { params } = RIGHT[id]!(served.things);
    const reply = await served.ask('root', method, pathOf(path, { ...(params && { params }), query: wrong[id] ?? '?limit=-1' }));
    expect(problem(reply)).toEqual([400, 'invalid', PROBLEM]);
    expect(reply.json['errors']).toEqual([{ path: expect.stringMatching(/./), message: expect.any(String) }]);
  });

  it('names the parameter of an address that no id can be', async () => {
    const reply = await served.ask('root', 'get', `/api/rooms/${'x'.repeat(256)}`);
    expect(reply.json).toMatchObject({ status: 400, errors: [{ path: 'roomId' }] });
    expect((await served.ask('root', 'get', '/api/rooms/a%00b')).status).toBe(400);
  });
});

describe('a right request', () => {
  // In the order of RIGHT: what a route needs was made by one before it, and the last one removes the room.
  it.each(Object.keys(RIGHT))('is answered by %s as its schema says', async (id) => {
    verifies('AUTH-02');
    const { method, path, answers } = routeOf(id);
    const right = RIGHT[id]!(served.things);
    const reply = await served.ask(OF_ROOT.has(id) ? 'root' : 'acme', method, pathOf(path, right), right);
    expect([reply.status, reply.status === right.status ? '' : reply.text]).toEqual([right.status, '']);
    expect(reply.headers.get('x-request-id')).toMatch(/./);
    if (right.status < 400) {
      const described = answers[right.status];
      expect(described, `${id} does not describe ${right.status}`).toBeDefined();
      // What the schema does not name would be taken away: an answer that holds more is not described.
      const body = described?.mediaType === undefined ? reply.json : reply.text;
      if (described?.schema !== undefined) expect(described.schema.parse(body)).toEqual(body);
      else expect(reply.text).toBe('');
    } else expect(reply.headers.get('content-type')).toBe(PROBLEM);
    await right.sees?.(reply, served);
  });
});

describe('requests at once', () => {
  it('are all answered, and leave the room whole', async () => {
    verifies('INV-01');
    await using other = await Served.open();
    const order = Object.keys(RIGHT).filter((id) => !['deleteRoom', 'closeRoom', 'archiveRoom', 'streamEvents'].includes(id));
    const ask = (id: string): Promise<Reply> => {
      const { method, path } = routeOf(id);
      const right = RIGHT[id]!(other.things);
      return other.ask('root', method, pathOf(path, right), right);
    };
    const replies = await Promise.all([...order, ...[...order].reverse(), ...order].map(async (id) => [id, await ask(id)] as const));
    const failed = replies.filter(([, { status }]) => status >= 500);
    expect(failed.map(([id, { text }]) => `${id}: ${text}`)).toEqual([]);
    const events = await other.kit.getTimeline('acme-1', { limit: 1000 });
    const indexes = events.map(({ index }) => index);
    expect(indexes).toEqual([...indexes].sort((one, two) => one - two));
    expect(new Set(indexes).size).toBe(indexes.length);
    // One event was deleted; every other index is there.
    expect(events.length).toBe((await other.kit.getRoom('acme-1')).latestIndex);
  });
});
