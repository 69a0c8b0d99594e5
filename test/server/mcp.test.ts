/** An assistant joins rooms: the real MCP client over HTTP, with the credentials of each kind of caller. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/server/routes/table.js';
import { MCP_TOOLS } from '../../src/server/mcp/tools.js';
import { verifies } from '../requirements.js';
import { Served, type Caller } from './routes/served.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(): Promise<Served> {
  const served = await Served.open();
  opened.push(served);
  return served;
}

async function connect(served: Served, caller: Caller): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const credential = served.credential(caller);
  const headers: Record<string, string> = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${served.server.url}/mcp`), { requestInit: { headers } }));
  opened.push(client);
  return client;
}

interface Outcome {
  readonly isError: boolean;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

async function use(client: Client, name: string, given: Record<string, unknown>): Promise<Outcome> {
  const { content, isError } = (await client.callTool({ name, arguments: given })) as { content: { text: string }[]; isError?: boolean };
  const text = content[0]?.text ?? '';
  return { isError: isError === true, text, json: isError === true ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

const ROOM = { roomId: 'acme-1' };

describe('an assistant', () => {
  it('finds a tool for each thing it may do, each with a schema and one route', async () => {
    verifies('MCP-04');
    const served = await start();
    const { tools } = await (await connect(served, 'acme')).listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(MCP_TOOLS.map(({ name }) => name).sort());
    for (const { name, inputSchema, description } of tools) {
      expect(inputSchema, name).toMatchObject({ type: 'object', additionalProperties: false });
      expect(JSON.stringify(inputSchema), name).not.toContain('$ref');
      expect(description, name).toMatch(/\.$/);
    }
    for (const { name, route } of MCP_TOOLS)
      expect(
        ROUTES.some(({ id }) => id === route),
        name,
      ).toBe(true);
  });

  it('reads a room, speaks in it, and leaves work and findings', async () => {
    verifies('MCP-04');
    const served = await start();
    const client = await connect(served, 'acme');
    expect((await use(client, 'list_rooms', {})).json['rooms']).toMatchObject([{ id: 'acme-1' }]);
    const said = await use(client, 'send_message', { ...ROOM, channelId: 'desk', content: 'I am looking into it.', idempotencyKey: 'k' });
    expect(said.json).toMatchObject({ blocked: false, event: { source: { channelId: 'desk' }, content: { body: 'I am looking into it.' } } });
    const again = await use(client, 'send_message', { ...ROOM, channelId: 'desk', content: 'I am looking into it.', idempotencyKey: 'k' });
    expect(again.json).toMatchObject({ duplicate: true });
    const forAda = await use(client, 'send_message', { ...ROOM, channelId: 'web', senderId: 'ada', content: { type: 'rich', body: '*thanks*' } });
    expect(forAda.json).toMatchObject({ event: { source: { participantId: 'ada' } } });
    const { json } = await use(client, 'read_timeline', { ...ROOM, limit: 2 });
    expect((json['events'] as { content: { body: string } }[]).map(({ content }) => content.body)).toEqual(['*thanks*', 'I am looking into it.']);
    expect((await use(client, 'search_messages', { text: 'looking' })).json['events']).toMatchObject([{ roomId: 'acme-1' }]);

    const { task } = (await use(client, 'create_task', { ...ROOM, title: 'Refund' })).json as { task: { id: string } };
    await use(client, 'update_task', { ...ROOM, taskId: task.id, status: 'completed' });
    expect(await served.kit.getTask('acme-1', task.id)).toMatchObject({ status: 'completed' });
    await use(client, 'add_observation', { ...ROOM, content: 'Patient', confidence: 0.7 });
    expect((await served.kit.listObservations('acme-1')).at(-1)).toMatchObject({ content: 'Patient', channelId: 'system' });
    await use(client, 'update_room_metadata', { ...ROOM, metadata: { topic: 'refund' } });
    expect((await served.kit.getRoom('acme-1')).metadata).toMatchObject({ topic: 'refund' });
  });

  it('changes who takes part and what each may do', async () => {
    verifies('MCP-04');
    const served = await start();
    const client = await connect(served, 'acme');
    const bindingOf = async (channelId: string) => (await served.kit.listBindings('acme-1')).find((one) => one.channelId === channelId);
    expect((await use(client, 'attach_channel', { ...ROOM, channelId: 'push', metadata: { device: 'x' } })).isError).toBe(false);
    await use(client, 'mute_channel', { ...ROOM, channelId: 'push' });
    await use(client, 'set_visibility', { ...ROOM, channelId: 'push', visibility: 'internal' });
    await use(client, 'set_access', { ...ROOM, channelId: 'push', access: 'read_only' });
    expect(await bindingOf('push')).toMatchObject({ muted: true, visibility: 'internal', access: 'read_only', metadata: { device: 'x' } });
    await use(client, 'mute_channel', { ...ROOM, channelId: 'push', muted: false });
    expect(await bindingOf('push')).toMatchObject({ muted: false });
    await use(client, 'detach_channel', { ...ROOM, channelId: 'push' });
    expect(await bindingOf('push')).toBeUndefined();
    const { identity } = served.things;
    expect((await use(client, 'find_identity', { channelType: 'sms', address: '+1' })).json['identity']).toMatchObject({ id: identity.id });
    expect((await use(client, 'list_approvals', { state: 'pending' })).json).toMatchObject({ approvals: [{ id: 'approval-1' }] });
    const passedOn = await use(client, 'resolve_approval', { approvalId: 'approval-1', approve: false, by: 'bob', reason: 'It is paid.' });
    expect(passedOn.json).toMatchObject({ status: 'resolved', approval: { state: 'rejected', resolvedBy: 'bob' } });
    const resolved = await use(client, 'resolve_identity', { ...ROOM, participantId: 'ada', identityId: identity.id });
    expect(resolved.json['participant']).toMatchObject({ identityId: identity.id, resolvedBy: 'acme' });
  });

  it('hands a conversation over, and calls a person', async () => {
    verifies('MCP-04', 'HND-04');
    const served = await start();
    const client = await connect(served, 'acme');
    expect((await use(client, 'hand_over', { ...ROOM, target: 'helper', reason: 'knows invoices' })).json).toMatchObject({ accepted: true });
    expect((await use(client, 'hand_over', { ...ROOM, target: 'nobody', reason: 'x' })).json).toMatchObject({ accepted: false });
    expect((await use(client, 'escalate_to_human', { ...ROOM, reason: 'asked for one', summary: 'Invoice 4711' })).json).toMatchObject({
      accepted: true,
      handledByHuman: true,
      state: { phase: 'escalation', context: { handoff_from: 'acme', handoff_summary: 'Invoice 4711' } },
    });
  });

  it('looks at failed deliveries and tries them again; sees rooms, channels and tasks as lists; closes a room', async () => {
    verifies('MCP-04');
    const served = await start();
    const client = await connect(served, 'acme');
    const { deliveries } = (await use(client, 'list_deliveries', { ...ROOM, state: 'failed' })).json as { deliveries: { id: string }[] };
    served.sms.isDown = false;
    expect((await use(client, 'retry_delivery', { ...ROOM, deliveryId: deliveries[0]?.id })).isError).toBe(false);
    expect((await use(client, 'get_room', ROOM)).json).toMatchObject({ room: { id: 'acme-1' } });
    expect((await use(client, 'list_participants', ROOM)).json['participants']).toMatchObject([{ id: 'ada' }]);
    expect(((await use(client, 'list_channels', {})).json['channels'] as unknown[]).length).toBe(5);
    expect(((await use(client, 'list_channels', ROOM)).json['bindings'] as unknown[]).length).toBe(4);
    expect((await use(client, 'list_tasks', { ...ROOM, status: 'pending' })).json['tasks']).toMatchObject([{ title: 'Call back' }]);
    await use(client, 'close_room', ROOM);
    expect((await served.kit.getRoom('acme-1')).status).toBe('closed');
  });

  it('is told in words what it did wrong', async () => {
    verifies('MCP-05');
    const served = await start();
    const client = await connect(served, 'acme');
    expect(await use(client, 'get_room', { roomId: 'nowhere' })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^room_not_found: Room 'nowhere'/),
    });
    expect(await use(client, 'send_message', { ...ROOM, content: 'hi' })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^invalid: channelId/),
    });
    expect(await use(client, 'update_room_metadata', { ...ROOM, metadata: { _x: 1 } })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^invalid: /),
    });
    await expect(use(client, 'set_access', { ...ROOM, channelId: 'web', access: 'all' })).resolves.toMatchObject({ isError: true });
    served.kit.store.listTasks = () => Promise.reject(new Error('password is hunter2'));
    const broken = await use(client, 'list_tasks', ROOM);
    expect([broken.isError, broken.text.startsWith('internal: '), broken.text.includes('hunter2')]).toEqual([true, true, false]);
  });
});

describe('resources', () => {
  it('are the rooms there are for the caller, and what is in them', async () => {
    verifies('MCP-06');
    const served = await start();
    await served.kit.createRoom({ roomId: 'a/b ü', organizationId: 'acme' });
    const client = await connect(served, 'acme');
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri).sort()).toEqual(
      ['acme-1', 'a%2Fb%20%C3%BC']
        .flatMap((room) => ['', '/channels', '/participants', '/tasks', '/timeline'].map((path) => `room://${room}${path}`))
        .sort(),
    );
    for (const { uri } of resources) {
      const { contents } = (await client.readResource({ uri })) as { contents: { uri: string; mimeType: string; text: string }[] };
      expect(contents[0], uri).toMatchObject({ uri, mimeType: 'application/json', text: expect.stringMatching(/^\{"/) });
    }
    const read = async (uri: string) =>
      JSON.parse(((await client.readResource({ uri })).contents[0] as { text: string }).text) as Record<string, unknown>;
    expect(await read('room://a%2Fb%20%C3%BC')).toMatchObject({ room: { id: 'a/b ü' } });
    expect(await read('room://acme-1/timeline')).toMatchObject({ latestIndex: expect.any(Number) });
    await expect(client.readResource({ uri: 'room://globex-1/timeline' })).rejects.toThrow(/room_not_found/);
    await expect(client.readResource({ uri: 'room://acme-1/secrets' })).rejects.toThrow();
  });
});

describe('callers', () => {
  it('are let in as everywhere else: nobody without a credential, nobody into other rooms', async () => {
    verifies('MCP-05', 'AUTH-01', 'AUTH-09');
    const served = await start();
    await expect(connect(served, 'nobody')).rejects.toThrow();
    expect((await served.ask('nobody', 'post', '/mcp', { body: {} })).json).toMatchObject({ status: 401, code: 'unauthenticated' });
    const foreign = await connect(served, 'globex');
    expect(await use(foreign, 'get_room', ROOM)).toMatchObject({ isError: true, text: expect.stringContaining('room_not_found') });
    expect((await foreign.listResources()).resources.map(({ uri }) => uri)).toContain('room://globex-1');
    expect((await foreign.listResources()).resources.map(({ uri }) => uri)).not.toContain('room://acme-1');
  });

  it('see the tools of their scopes, and can call no other', async () => {
    verifies('MCP-05', 'AUTH-02');
    const served = await start();
    const names = async (caller: Caller) => (await (await connect(served, caller)).listTools()).tools.map(({ name }) => name).sort();
    expect(await names('reader')).toEqual(['get_room', 'list_participants', 'list_rooms', 'read_timeline']);
    expect(await names('ada')).toEqual(['get_room', 'list_participants', 'list_rooms', 'read_timeline', 'send_message']);
    const reader = await connect(served, 'reader');
    await expect(use(reader, 'close_room', ROOM)).rejects.toThrow(/close_room/);
    expect((await served.kit.getRoom('acme-1')).status).toBe('active');
  });

  it('with a client token speak as that person, whatever they name', async () => {
    verifies('MCP-05', 'PERM-08', 'AUTH-03');
    const served = await start();
    const ada = await connect(served, 'ada');
    expect((await use(ada, 'send_message', { ...ROOM, content: 'it is me' })).json).toMatchObject({
      event: { source: { channelId: 'web', participantId: 'ada' } },
    });
    for (const more of [{ senderId: 'bob' }, { channelId: 'desk' }, { visibility: 'internal' }])
      expect(await use(ada, 'send_message', { ...ROOM, content: 'x', ...more }), JSON.stringify(more)).toMatchObject({ isError: true });
    await served.kit.sendEvent('acme-1', 'desk', 'secret note', { visibility: 'internal' });
    expect((await use(ada, 'read_timeline', ROOM)).text).not.toContain('secret note');
  });

  it('cannot send what is too large, too deep or no JSON', async () => {
    verifies('MCP-05', 'AUTH-13');
    const served = await start();
    const raw = async (text: string) => (await served.ask('acme', 'post', '/mcp', { raw: text })).json;
    expect(await raw('{"a":')).toMatchObject({ status: 400, code: 'invalid' });
    expect(await raw(`${'['.repeat(70)}${']'.repeat(70)}`)).toMatchObject({ status: 400, code: 'invalid' });
    expect(await raw(JSON.stringify('x'.repeat(1024 * 1024 + 1)))).toMatchObject({ status: 413, code: 'too_large' });
    expect((await served.ask('acme', 'get', '/mcp')).status).toBeLessThan(500);
    expect((await served.ask('acme', 'delete', '/mcp')).status).toBeLessThan(500);
  });
});
