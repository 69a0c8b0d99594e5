/** Twilio in front of the webhook of a host of others: it calls through a proxy, and what it is asked can be held back. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { TwilioEmulator } from 'roomkit/emulators';

/** Hands every request on to another address, as a proxy does: under the name of its own host, no sooner than released. */
export class Relay {
  /** Where it hands on to. */
  target = '';
  readonly #server: Server;
  #isFree: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
        await this.#isFree;
        const { host: _host, connection: _connection, 'content-length': _length, ...headers } = incoming.headers as Record<string, string>;
        const response = await fetch(`${this.target}${incoming.url}`, {
          method: incoming.method ?? 'GET',
          headers,
          ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
        });
        outgoing.writeHead(response.status, { 'content-type': response.headers.get('content-type') ?? '' });
        outgoing.end(Buffer.from(await response.arrayBuffer()));
      })().catch(() => outgoing.destroy());
    });
  }

  static async open(target = ''): Promise<Relay> {
    const relay = new Relay();
    relay.target = target;
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  hold(): void {
    this.#isFree = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
  }

  async close(): Promise<void> {
    this.#release();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Twilio, what is before it, and what is before the host. */
export interface HostScene {
  readonly twilio: TwilioEmulator;
  /** The program asks Twilio through it. */
  readonly api: Relay;
  /** Twilio calls through it: its address is the public one. Set its target to where the host listens. */
  readonly proxy: Relay;
  /** What the examples read from the environment. */
  readonly environment: Readonly<Record<'TWILIO_ACCOUNT_SID' | 'TWILIO_AUTH_TOKEN' | 'TWILIO_URL' | 'PUBLIC_URL', string>>;
  close(): Promise<void>;
}

export async function openHostScene(): Promise<HostScene> {
  const twilio = await TwilioEmulator.start();
  const api = await Relay.open(twilio.url);
  const proxy = await Relay.open();
  twilio.webhookUrl = `${proxy.url}/webhooks/sms`;
  return {
    twilio,
    api,
    proxy,
    environment: { TWILIO_ACCOUNT_SID: twilio.accountSid, TWILIO_AUTH_TOKEN: twilio.authToken, TWILIO_URL: api.url, PUBLIC_URL: proxy.url },
    close: async () => {
      await proxy.close();
      await api.close();
      await twilio.close();
    },
  };
}

/** What no parser on the way may change: letters that need escapes, and a line's end. */
const WORDS = 'Größe & Maß = 100 % + 🐕?\r\nDanke; "bis bald"';

/**
 * What every host has to do: it answers before the agent's words are sent, sends them then, takes the reports of what became of
 * them, and refuses who is not the vendor. `remembers`: whether its next call finds the room of the one before.
 */
export async function judgeHost({ twilio, api }: HostScene, { remembers = true, whileHeld = () => Promise.resolve() } = {}): Promise<void> {
  const phone = twilio.phone('+15550123');
  api.hold();
  expect(await phone.sendSms(WORDS)).toBe(200);
  expect(phone.messages, 'the vendor was answered first').toEqual([]);
  await whileHeld();
  api.release();
  expect((await phone.waitForSms()).text).toBe(`We have read “${WORDS}”, your message 1.`);
  expect(await phone.sendSms('And then?')).toBe(200);
  expect((await phone.waitForSms()).text).toBe(`We have read “And then?”, your message ${remembers ? 2 : 1}.`);
  await twilio.settled();
  expect(twilio.webhookCalls.map(({ status, answer }) => [status, answer])).toEqual(
    Array.from({ length: 6 }, () => [200, '<?xml version="1.0" encoding="UTF-8"?><Response></Response>']),
  );
  const forged = await TwilioEmulator.start({ authToken: 'another-token', webhookUrl: twilio.webhookUrl ?? '' });
  expect(await forged.phone('+15550124').sendSms('Let me in')).toBe(401);
  await forged.close();
}
