/** The other ways to the help desk: vendors on loopback, and the devices of one customer at their other ends. */
import { deviceRoutes, EMULATED_VENDORS, type DeviceRoutes, type EmulatedLine } from 'roomkit/emulators';
import { ADDRESSES } from './cast.js';

/** By the channel that speaks over them. */
export interface LinesByChannel {
  readonly sms: EmulatedLine;
  readonly mail: EmulatedLine;
  readonly telegram: EmulatedLine;
}

/** The vendors that run. */
export interface Lines extends LinesByChannel {
  /** For Studio: the customer's phone, mailbox and chat. */
  readonly devices: DeviceRoutes;
  /** Lets the vendors call this server. */
  callAt(address: string): void;
  /** Resolves when the vendors have told everything. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function openLines(): Promise<Lines> {
  const [sms, mail, telegram] = await Promise.all([
    start('twilio', ADDRESSES.phone),
    start('smtp', ADDRESSES.mail),
    start('telegram', ADDRESSES.chat),
  ]);
  const all: LinesByChannel = { sms, mail, telegram };
  return {
    ...all,
    devices: deviceRoutes({ sms: sms.device, mail: mail.device, telegram: telegram.device }),
    callAt: (address) => {
      for (const [channelId, line] of Object.entries(all) as [string, EmulatedLine][]) line.callAt(`${address}/webhooks/${channelId}`);
    },
    settled: async () => {
      await Promise.all([sms, mail, telegram].map((line) => line.settled()));
    },
    close: async () => {
      await Promise.all([sms, mail, telegram].map((line) => line.close()));
    },
  };
}

function start(vendor: string, person: string): Promise<EmulatedLine> {
  const open = EMULATED_VENDORS[vendor];
  if (open === undefined) throw new Error(`There is no emulator of ${vendor}.`);
  return open({ person });
}
