/**
 * Devices as routes: what Studio's drawer shows beside the web chat. For development, on the machine they run on; nothing is
 * asked for a credential here.
 */
import type { Device, DeviceKind, DeviceMessage } from './device.js';

/** One device as the routes tell it. */
export interface ShownDevice {
  /** What is written on it goes to `POST /devices/{id}`. */
  readonly id: string;
  /** The channel over which it speaks. */
  readonly channelId: string;
  readonly kind: DeviceKind;
  readonly person: string;
  /** Where a room reaches the person. */
  readonly address: string;
  readonly messages: readonly DeviceMessage[];
}

/** What `GET /devices` answers. */
export interface ShownDevices {
  /** Grows with every change. `?after=` waits until it is higher. */
  readonly version: number;
  readonly devices: readonly ShownDevice[];
}

/** Answers what concerns devices; undefined for everything else. */
export type DeviceRoutes = (request: Request) => Promise<Response | undefined>;

const LONGEST_WAIT_MS = 20_000;
const MAX_TEXT = 10_000;

/**
 * `GET /devices`, and `POST /devices/{id}` with `{ text }` or `{ messageId, buttonId }`. Give it to `serve` in front of
 * pages of your own.
 * @example
 * const line = await EMULATED_VENDORS.twilio({ … });
 * const routes = deviceRoutes({ sms: line.device });
 * await serve(kit, { port, studio: true, pages: routes });
 */
export function deviceRoutes(devices: Readonly<Record<string, Device | readonly Device[]>>): DeviceRoutes {
  const all = Object.entries(devices).flatMap(([channelId, own]) =>
    // The first of a channel bears its name.
    [own].flat().map((device: Device, position) => ({ id: position === 0 ? channelId : `${channelId}~${position + 1}`, channelId, device })),
  );
  let version = 1;
  const waiting = new Set<() => void>();
  for (const { device } of all) {
    device.onChange(() => {
      version++;
      for (const wake of waiting) wake();
    });
  }
  const show = (): Response => {
    const shown = all.map(({ id, channelId, device: { kind, person, address, messages } }): ShownDevice => ({
      id,
      channelId,
      kind,
      person,
      address,
      messages,
    }));
    return json(200, { version, devices: shown } satisfies ShownDevices);
  };
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/devices' && request.method === 'GET') {
      if (Number(searchParams.get('after') ?? 0) >= version) await change(waiting, request.signal);
      return show();
    }
    if (!pathname.startsWith('/devices/') || request.method !== 'POST') return undefined;
    const asked = decodeURIComponent(pathname.slice('/devices/'.length));
    const device = all.find(({ id }) => id === asked)?.device;
    if (device === undefined) return json(404, { detail: `There is no device '${asked}'.` });
    const order = (await request.json().catch(() => ({}))) as Readonly<Record<string, unknown>>; // checked field by field
    const { text, messageId, buttonId } = order;
    if (typeof text === 'string' && text.trim() !== '' && text.length <= MAX_TEXT) return json(200, await device.write(text));
    if (typeof messageId === 'string' && typeof buttonId === 'string') {
      const tapped = await device.tap(messageId, buttonId);
      return tapped === undefined ? json(404, { detail: 'There is no such button.' }) : json(200, tapped);
    }
    return json(400, { detail: 'Give { text }, or { messageId, buttonId }.' });
  };
}

/** Resolves with the next change, after a while without one, or when nobody waits any more. */
function change(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      waiting.delete(done);
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, LONGEST_WAIT_MS);
    timer.unref();
    waiting.add(done);
    signal.addEventListener('abort', done);
  });
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } });
}
