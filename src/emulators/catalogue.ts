/** The vendors that can be emulated by hand (`roomkit emulate`), each with one person at the other end. */
import { TwilioEmulator } from './twilio/emulator.js';

/** What every emulator is started with. */
export interface LineOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** The program's webhook, or with vendors that are asked for messages nothing. */
  readonly webhookUrl?: string;
}

/** A vendor that runs, and somebody who writes over it. */
export interface EmulatedLine {
  /** Where it listens. */
  readonly url: string;
  /** The provider to use with it, as it is written in a program. */
  readonly provider: string;
  /** Who writes: a number, an address. */
  readonly person: string;
  /** Writes to the program; resolves with the status of the webhook's answer, where there is one. */
  write(text: string): Promise<number | undefined>;
  /** The next message that reaches the person. */
  next(): Promise<string>;
  close(): Promise<void>;
}

/** By the name of the subpath. */
export const EMULATED_VENDORS: Readonly<Record<string, (options: LineOptions) => Promise<EmulatedLine>>> = {
  twilio: async (options) => {
    const vendor = await TwilioEmulator.start(options);
    const phone = vendor.phone('+15550123');
    return {
      url: vendor.url,
      provider: `new TwilioSMSProvider({ accountSid: '${vendor.accountSid}', authToken: '${vendor.authToken}', fromNumber: '+15550100', baseUrl: '${vendor.url}' })`,
      person: phone.number,
      write: (text) => phone.sendSms(text),
      next: async () => (await phone.waitForSms('', FOREVER)).text,
      close: () => vendor.close(),
    };
  },
};

const FOREVER = { timeoutMs: 2 ** 31 - 1 };
