/** The vendors that can be emulated by hand (`roomkit emulate`, the demo), each with one person's device at the other end. */
import { Device, type DeviceKind } from './device.js';
import { TwilioEmulator } from './twilio/emulator.js';

/** What every emulator is started with. */
export interface LineOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** The program's webhook. May be set later, see {@link EmulatedLine.callAt}. */
  readonly webhookUrl?: string;
  /** Who is at the other end: a number, an address. Default one of each vendor's own. */
  readonly person?: string;
}

/** A vendor that runs, and somebody who writes over it. */
export interface EmulatedLine {
  /** Where it listens. */
  readonly url: string;
  /** The provider to use with it: its class, and the options it is to be made with. */
  readonly provider: { readonly name: string; readonly options: Readonly<Record<string, string>> };
  readonly device: Device;
  /** Reports to this webhook from now on. */
  callAt(webhookUrl: string): void;
  close(): Promise<void>;
}

/** By the name of the subpath. */
export const EMULATED_VENDORS: Readonly<Record<string, (options: LineOptions) => Promise<EmulatedLine>>> = {
  twilio: async ({ person = '+15550123', ...options }) => {
    const vendor = await TwilioEmulator.start(options);
    const phone = vendor.phone(person);
    const device = deviceOf('phone', person, async (text) => {
      const status = await phone.sendSms(text);
      if (status !== 200) throw new Error(status === 0 ? 'The webhook could not be reached.' : `The webhook answered ${status}.`);
    });
    phone.onSms(({ id, text, mediaUrls }) => device.receive({ id, text, mediaUrls }));
    return {
      url: vendor.url,
      provider: {
        name: 'TwilioSMSProvider',
        options: { accountSid: vendor.accountSid, authToken: vendor.authToken, fromNumber: '+15550100', baseUrl: vendor.url },
      },
      device,
      callAt: (webhookUrl) => void (vendor.webhookUrl = webhookUrl),
      close: () => vendor.close(),
    };
  },
};

function deviceOf(kind: DeviceKind, person: string, write: (text: string) => Promise<void>): Device {
  return new Device({ kind, person, write });
}
