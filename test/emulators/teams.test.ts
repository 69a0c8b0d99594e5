/** Microsoft's side of a Teams bot: refuses what Microsoft refuses, in Microsoft's words, and signs so that others can tell. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { EMULATED_VENDORS, TeamsEmulator, type TeamsEmulatorOptions } from '../../src/emulators/index.js';
import { openWebhookPort } from '../support/webhook-port.js';
import { verifies } from '../requirements.js';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function start(options: TeamsEmulatorOptions = {}) {
  const teams = await TeamsEmulator.start(options);
  open.push(() => teams.close());
  const login = async (changes: Readonly<Record<string, string>> = {}, tenant = teams.tenantId): Promise<Answer> => {
    const form = {
      grant_type: 'client_credentials',
      client_id: teams.appId,
      client_secret: teams.appPassword,
      scope: 'https://api.botframework.com/.default',
    };
    const body = new URLSearchParams({ ...form, ...changes });
    const response = await fetch(`${teams.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body });
    return { status: response.status, body: await response.json() };
  };
  const { access_token: token } = (await login()).body as { access_token: string };
  const ada = teams.conversation('Ada');
  const call = async (method: string, path: string, body?: unknown, bearer = token): Promise<Answer> => {
    const response = await fetch(`${teams.serviceUrl}v3/conversations/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { teams, ada, login, call, activities: `${encodeURIComponent(ada.id)}/activities` };
}

describe('the token endpoint', () => {
  it('gives a token to whoever it knows, and says of all others what is wrong', async () => {
    verifies('PV-13');
    const { login } = await start();
    expect(await login()).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3600 } });
    const refused = async (asking: Promise<Answer>): Promise<unknown> => {
      const { status, body } = await asking;
      const { error, error_codes: codes } = body as { error: string; error_codes: number[] };
      return [status, error, ...codes];
    };
    expect(await refused(login({ client_secret: 'wrong' }))).toEqual([401, 'invalid_client', 7000215]);
    expect(await refused(login({ client_id: 'another' }))).toEqual([400, 'unauthorized_client', 700016]);
    expect(await refused(login({ scope: 'https://graph.microsoft.com/.default' }))).toEqual([400, 'invalid_scope', 70011]);
    expect(await refused(login({ grant_type: 'password' }))).toEqual([400, 'unsupported_grant_type', 70003]);
    expect(await refused(login({}, 'common'))).toEqual([400, 'invalid_request', 90002]);
  });
});

describe('the connector', () => {
  it('refuses what the connector refuses', async () => {
    verifies('PV-13');
    const { call, activities, ada } = await start();
    const codeOf = async (calling: Promise<Answer>): Promise<unknown> => {
      const { status, body } = await calling;
      return [status, (body as { error: { code: string } }).error.code];
    };
    const hello = { type: 'message', text: 'Hello' };
    const card = (body: unknown[], version = '1.4'): unknown => ({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard', version, body } }],
    });
    expect(await codeOf(call('POST', activities, hello, 'another-token'))).toEqual([401, 'Unauthorized']);
    expect(await codeOf(call('POST', 'a%3Anobody/activities', hello))).toEqual([404, 'ConversationNotFound']);
    expect(await codeOf(call('PUT', `${activities}/1`, hello))).toEqual([404, 'ActivityNotFoundInConversation']);
    for (const wrong of [
      { type: 'message' },
      { type: 'poem', text: 'x' },
      { ...hello, textFormat: 'html' },
      { ...hello, text: '<blink>x</blink>', textFormat: 'xml' },
      { ...hello, attachments: [{ contentType: 'application/pdf', contentUrl: 'https://example.com/a.pdf' }] },
      { ...hello, attachments: [{ contentType: 'image/png', contentUrl: 'http://example.com/a.png' }] },
      card([{ type: 'TextBlock', text: 'x' }], '2.0'),
      card([{ type: 'ActionSet', actions: [{ type: 'Action.Http', title: 'x' }] }]),
      card([{ type: 'ActionSet', actions: [{ type: 'Action.OpenUrl', title: 'x', url: 'javascript:0' }] }]),
    ])
      expect(await codeOf(call('POST', activities, wrong)), JSON.stringify(wrong)).toEqual([400, 'BadArgument']);
    expect(await codeOf(call('POST', activities, { ...hello, text: 'x'.repeat(52_000) }))).toEqual([413, 'MessageSizeTooBig']);
    expect(ada.messages).toEqual([]);
    const made = await call('POST', activities, hello);
    expect(made.status).toBe(201);
    const { id } = made.body as { id: string };
    expect((await call('PUT', `${activities}/${id}/reactions/like`)).status).toBe(200);
    expect(ada.reactions.get(id)?.has('like')).toBe(true);
    expect((await call('DELETE', `${activities}/${id}`)).status).toBe(200);
    expect(ada.messages).toEqual([]);
    ada.isBlocked = true;
    expect(await codeOf(call('POST', activities, hello))).toEqual([403, 'ConversationBlockedByUser']);
  });
});

describe('its calls', () => {
  it('are signed as its documents say, for this bot and this address', async () => {
    verifies('PV-13');
    const { teams } = await start();
    const { jwks_uri: keys, issuer } = (await (await fetch(teams.openIdUrl)).json()) as { jwks_uri: string; issuer: string };
    const token = teams.bearer().slice('Bearer '.length);
    const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), {
      issuer,
      audience: teams.appId,
      algorithms: ['RS256'],
    });
    expect(payload['serviceurl']).toBe(teams.serviceUrl);
    expect(protectedHeader.alg).toBe('RS256');
    teams.rotateKeys();
    await expect(jwtVerify(token, createRemoteJWKSet(new URL(keys)))).rejects.toThrow();
  });

  it('come from a device of the catalogue too, whose messages change and go', async () => {
    verifies('PV-13');
    const port = await openWebhookPort(() => () => Promise.resolve(new Response(null)));
    open.push(() => port.close());
    const line = await EMULATED_VENDORS['teams']?.({ webhookUrl: port.url, person: 'Ada' });
    if (line === undefined) throw new Error('Teams is not in the catalogue.');
    open.push(() => line.close());
    expect(await line.device.write('Hello')).not.toHaveProperty('failure');
    expect(port.calls[0]?.request.headers.get('authorization')).toMatch(/^Bearer /);
    expect(line.provider.options['allowedServiceHosts']).toEqual([new URL(line.url).host]);
    const { appId, appPassword, tenantId } = line.provider.options;
    const form = {
      grant_type: 'client_credentials',
      client_id: String(appId),
      client_secret: String(appPassword),
      scope: 'https://api.botframework.com/.default',
    };
    const answer = await fetch(`${line.url}/${String(tenantId)}/oauth2/v2.0/token`, { method: 'POST', body: new URLSearchParams(form) });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const send = (method: string, id: string, body: object = {}): Promise<Response> =>
      fetch(`${line.url}/emea/v3/conversations/${encodeURIComponent(line.device.address)}/activities${id}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const { id } = (await (await send('POST', '', { type: 'message', text: 'At nein' })).json()) as { id: string };
    await send('PUT', `/${id}`, { type: 'message', text: 'At nine' });
    expect(line.device.messages.map(({ text }) => text)).toEqual(['Hello', 'At nine']);
    await send('DELETE', `/${id}`);
    expect(line.device.messages.map(({ text }) => text)).toEqual(['Hello']);
  });
});
