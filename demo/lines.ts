/** The other ways to the help desk: vendors on loopback, and the devices of one customer at their other ends. */
import { deviceRoutes, EMULATED_VENDORS, type DeviceRoutes, type EmulatedLine } from 'roomkit/emulators';
import { ADDRESSES } from './cast.js';

/** The vendors that run, by the channel that speaks over them. */
export interface Lines {
  readonly sms: EmulatedLine;
  /** For Studio: the customer's phone. */
  readonly devices: DeviceRoutes;
  /** Lets the vendors call this server. */
  callAt(address: string): void;
  close(): Promise<void>;
}

export async function openLines(): Promise<Lines> {
  const sms = await start('twilio', ADDRESSES.phone);
  const all = { sms };
  return {
    ...all,
    devices: deviceRoutes({ sms: sms.device }),
    callAt: (address) => {
      for (const [channelId, line] of Object.entries(all)) line.callAt(`${address}/webhooks/${channelId}`);
    },
    close: async () => {
      await Promise.all(Object.values(all).map((line) => line.close()));
    },
  };
}

function start(vendor: string, person: string): Promise<EmulatedLine> {
  const open = EMULATED_VENDORS[vendor];
  if (open === undefined) throw new Error(`There is no emulator of ${vendor}.`);
  return open({ person });
}
