/** What the emulator of Sinch refuses, and reports when it is told to. Sinch's own package is not among the development dependencies. */
import { describe, expect, it } from 'vitest';
import { SinchEmulator } from '../../src/emulators/index.js';
import { openWebhookPort, until } from '../support/webhook-port.js';

const order = { to: ['+15550123'], from: '+15550100', body: 'x', delivery_report: 'per_recipient' };

describe('the emulator of Sinch', () => {
  it('refuses what Sinch refuses', async () => {
    await using vendor = await SinchEmulator.start();
    const post = (body: unknown, token = vendor.apiToken): Promise<Response> =>
      fetch(`${vendor.url}/xms/v1/${vendor.servicePlanId}/batches`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    expect((await post(order)).status).toBe(201);
    for (const [body, status, code] of [
      ['{', 400, 'syntax_invalid_json'],
      [{ ...order, to: [] }, 400, 'syntax_constraint_violation'],
      [{ ...order, to: ['0123'] }, 400, 'syntax_invalid_parameter_format'],
      [{ ...order, from: '+15550999' }, 403, 'unauthorized_originator'],
      [{ ...order, body: '' }, 400, 'syntax_constraint_violation'],
      [{ ...order, body: 'x'.repeat(2001) }, 400, 'syntax_constraint_violation'],
      [{ ...order, type: 'mt_media', body: { url: 'data:image/png;base64,AA' } }, 400, 'syntax_invalid_parameter_format'],
      [{ ...order, delivery_report: 'sometimes' }, 400, 'syntax_constraint_violation'],
      [{ ...order, callback_url: 'nowhere' }, 400, 'syntax_invalid_parameter_format'],
    ] as const) {
      const response = await post(body);
      expect([response.status, ((await response.json()) as { code: string }).code], JSON.stringify(body).slice(0, 80)).toEqual([status, code]);
    }
    expect((await post(order, 'wrong')).status).toBe(401);
  });

  it('reports the fate it is told, step by step', async () => {
    const port = await openWebhookPort(() => () => Promise.resolve(new Response('')));
    await using vendor = await SinchEmulator.start({ webhookUrl: port.url });
    vendor.setFate('+15550123', 'Expired', 406);
    await fetch(`${vendor.url}/xms/v1/${vendor.servicePlanId}/batches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${vendor.apiToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...order, client_reference: 'r' }),
    });
    await until(() => port.calls.length === 3, 'three reports');
    const reports = await Promise.all(port.calls.map(({ request }) => request.clone().json() as Promise<Record<string, unknown>>));
    expect(reports.map(({ status, code, client_reference: reference }) => [status, code, reference])).toEqual([
      ['Queued', 400, 'r'],
      ['Dispatched', 401, 'r'],
      ['Expired', 406, 'r'],
    ]);
    expect(vendor.phone('+15550123').messages).toEqual([]);
    await port.close();
  });
});
