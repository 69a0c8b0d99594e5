/** Several people's devices at one vendor, and the routes that show them. */
import { describe, expect, it } from 'vitest';
import { Device, deviceRoutes, EMULATED_VENDORS, type ShownDevices } from '../../src/emulators/index.js';

describe('devices', () => {
  it('are one for each person at a vendor', { timeout: 30_000 }, async () => {
    for (const [vendor, open] of Object.entries(EMULATED_VENDORS)) {
      const line = await open({});
      const [first, other] = [
        line.device.person,
        vendor === 'smtp' || vendor.endsWith('mail') || vendor === 'sendgrid' ? 'leo@example.org' : '15550177',
      ];
      expect(line.deviceOf(first), vendor).toBe(line.device);
      expect(line.deviceOf(other), vendor).toBe(line.deviceOf(other));
      expect(line.deviceOf(other).person, vendor).not.toBe(first);
      await line.close();
    }
  });

  it('of one channel are told apart by their ids', async () => {
    const written: string[] = [];
    const device = (person: string): Device => new Device({ kind: 'phone', person, write: async (text) => void written.push(`${person}: ${text}`) });
    const routes = deviceRoutes({ sms: [device('+1'), device('+2')], mail: device('a@b.c') });
    const ask = async (path: string, body?: object): Promise<Response | undefined> =>
      routes(new Request(`http://localhost${path}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }));
    const { devices } = (await (await ask('/devices'))?.json()) as ShownDevices;
    expect(devices.map(({ id, channelId, person }) => [id, channelId, person])).toEqual([
      ['sms', 'sms', '+1'],
      ['sms~2', 'sms', '+2'],
      ['mail', 'mail', 'a@b.c'],
    ]);
    for (const id of ['sms', 'sms~2', 'mail']) expect((await ask(`/devices/${encodeURIComponent(id)}`, { text: 'hello' }))?.status).toBe(200);
    expect(written).toEqual(['+1: hello', '+2: hello', 'a@b.c: hello']);
    expect((await ask('/devices/sms~3', { text: 'hello' }))?.status).toBe(404);
  });
});
