/** The other ways to the help desk: vendors on loopback, and the devices of its customers at their other ends. */
import { deviceRoutes, EMULATED_VENDORS, type Device, type DeviceRoutes, type EmulatedLine } from 'roomkit/emulators';
import { ADDRESSES, RELATIVE } from './cast.js';

/** How a vendor is reached, and its customer: what may be told to another process. */
export interface Line extends Pick<EmulatedLine, 'provider' | 'source'> {
  readonly device: Pick<Device, 'address'>;
}

/** By the channel that speaks over them. */
export interface LinesByChannel {
  readonly sms: Line;
  readonly mail: Line;
  readonly telegram: Line;
}

/** The vendors that run. */
export interface Lines {
  readonly sms: EmulatedLine;
  readonly mail: EmulatedLine;
  readonly telegram: EmulatedLine;
  /** The phone at home, which the customer shares. */
  readonly familyPhone: Device;
  /** The mailbox of the other one who writes on it. */
  readonly relativesMail: Device;
  /** For Studio: the customer's phone, mailbox and chat, and the phone at home. */
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
  const all = { sms, mail, telegram };
  const familyPhone = sms.deviceOf(ADDRESSES.familyPhone);
  return {
    ...all,
    familyPhone,
    relativesMail: mail.deviceOf(RELATIVE.mail),
    devices: deviceRoutes({ sms: [sms.device, familyPhone], mail: mail.device, telegram: telegram.device }),
    callAt: (address) => {
      for (const [channelId, line] of Object.entries(all)) line.callAt(`${address}/webhooks/${channelId}`);
    },
    settled: async () => {
      await Promise.all([sms, mail, telegram].map((line) => line.settled()));
    },
    close: async () => {
      await Promise.all([sms, mail, telegram].map((line) => line.close()));
    },
  };
}

/** The same as plain data. */
export function linesAsData({ sms, mail, telegram }: Lines): LinesByChannel {
  const data = ({ provider, source, device: { address } }: EmulatedLine): Line => ({
    provider,
    ...(source !== undefined && { source }),
    device: { address },
  });
  return { sms: data(sms), mail: data(mail), telegram: data(telegram) };
}

function start(vendor: string, person: string): Promise<EmulatedLine> {
  const open = EMULATED_VENDORS[vendor];
  if (open === undefined) throw new Error(`There is no emulator of ${vendor}.`);
  return open({ person });
}
