/** The real package `baileys`, whose socket alone is replaced: WhatsApp's wire cannot be had. Its events go through baileys' own buffer. */
import { readFileSync } from 'node:fs';
import * as baileys from 'baileys';
import type { BaileysEvent, BaileysEventMap, UserFacingSocketConfig } from 'baileys';
import { expect } from 'vitest';
import {
  baileysDriver,
  type BaileysDriverOptions,
  type BaileysModule,
  type BaileysSocket,
  type WhatsAppPersonalDriver,
  type WhatsAppPersonalEvent,
  type WhatsAppSessionStore,
} from '../../src/providers/baileys/index.js';
import { soon } from '../sources/soon.js';

interface Fixture {
  readonly event: BaileysEvent;
  readonly data: never; // recorded: each of its own event's type
}

/** Events as baileys tells them, by what they say. */
export const FIXTURES = JSON.parse(
  readFileSync(new URL('../../src/providers/baileys/fixtures/events.json', import.meta.url), 'utf8'),
  baileys.BufferJSON.reviver,
) as Readonly<Record<string, Fixture>>;

/** When the messages of the fixtures were written. */
export const WRITTEN_AT = Date.parse('2026-11-26T09:00:00Z');
export const ME = { id: '15550100:7@s.whatsapp.net', lid: '222222222222222:7@lid', name: 'Desk' };

/** A store that forgets everything at the end, and fails when told to. */
export class MapSession implements WhatsAppSessionStore {
  readonly entries = new Map<string, Uint8Array>();
  /** Called before each save. */
  onSave: (key: string) => unknown = () => undefined;

  load(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.entries.get(key));
  }

  async save(key: string, bytes: Uint8Array): Promise<void> {
    await this.onSave(key);
    this.entries.set(key, bytes);
  }

  remove(key: string): Promise<void> {
    this.entries.delete(key);
    return Promise.resolve();
  }

  clear(): Promise<void> {
    this.entries.clear();
    return Promise.resolve();
  }

  /** As if an account had been linked. */
  link(): this {
    const creds = { ...baileys.initAuthCreds(), me: ME, account: {}, registered: true };
    this.entries.set('creds', new TextEncoder().encode(JSON.stringify(creds, baileys.BufferJSON.replacer)));
    return this;
  }
}

/** One socket that was made, and what was asked of it. */
export class StandInSocket implements BaileysSocket {
  readonly ev: ReturnType<typeof baileys.makeEventBuffer>;
  readonly asked: unknown[][] = [];
  readonly numbers = new Map<string, string>();
  ended = 0;
  /** What sending rejects with. */
  failure: unknown;

  constructor(readonly config: UserFacingSocketConfig) {
    this.ev = baileys.makeEventBuffer(config.logger as never); // given by the adapter
    // As the real one does, before anybody else listens.
    this.ev.on('creds.update', (update) => void Object.assign(config.auth.creds, update));
  }

  readonly signalRepository = { lidMapping: { getPNForLID: (lid: string) => Promise.resolve(this.numbers.get(lid) ?? null) } };

  get user(): BaileysSocket['user'] {
    return this.config.auth.creds.me;
  }

  readonly sendMessage: BaileysSocket['sendMessage'] = (jid, content, options) => {
    this.asked.push(['sendMessage', jid, content, options]);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve({ key: { remoteJid: jid, fromMe: true, id: options?.messageId ?? 'none' } });
  };

  readonly sendPresenceUpdate: BaileysSocket['sendPresenceUpdate'] = (...given) => this.#ask('sendPresenceUpdate', ...given);
  readonly presenceSubscribe: BaileysSocket['presenceSubscribe'] = (...given) => this.#ask('presenceSubscribe', ...given);
  readonly readMessages: BaileysSocket['readMessages'] = (...given) => this.#ask('readMessages', ...given);

  readonly requestPairingCode: BaileysSocket['requestPairingCode'] = async (...given) => {
    await this.#ask('requestPairingCode', ...given);
    if (this.failure !== undefined) throw this.failure as Error;
    return 'ABCD1234';
  };

  /** Called while it ends. */
  onEnd: () => void = () => undefined;

  readonly end: BaileysSocket['end'] = () => {
    this.onEnd();
    this.ended++;
    this.ev.destroy();
    return Promise.resolve();
  };

  tell<Name extends BaileysEvent>(name: Name, data: BaileysEventMap[Name]): void {
    this.ev.emit(name, data);
  }

  /** Tells what stands in the fixtures, as baileys would: anew, for it is changed on its way. */
  recorded(...names: readonly string[]): void {
    for (const name of names) {
      const fixture = FIXTURES[name];
      if (fixture?.event === undefined) throw new Error(`There is no fixture '${name}'.`);
      this.tell(fixture.event, structuredClone(fixture.data));
    }
  }

  open(): void {
    this.tell('connection.update', { connection: 'open' });
  }

  /** The connection ends, with this number of WhatsApp's. */
  close(statusCode?: number): void {
    const error = statusCode === undefined ? undefined : Object.assign(new Error('closed'), { output: { statusCode } });
    this.tell('connection.update', { connection: 'close', lastDisconnect: { error, date: new Date(WRITTEN_AT) } });
  }

  #ask(...asked: unknown[]): Promise<void> {
    this.asked.push(asked);
    return Promise.resolve();
  }
}

export interface Adapter {
  readonly driver: WhatsAppPersonalDriver;
  readonly session: WhatsAppSessionStore;
  readonly sockets: StandInSocket[];
  /** The socket that was made last. */
  readonly socket: () => StandInSocket;
}

/** The bundled driver over stand-in sockets. */
export function adapterWith(options: Partial<BaileysDriverOptions> & { readonly onSocket?: (socket: StandInSocket) => void } = {}): Adapter {
  const { onSocket, ...given } = options;
  const sockets: StandInSocket[] = [];
  const module: BaileysModule = {
    ...baileys,
    makeWASocket: (config) => {
      const socket = new StandInSocket(config);
      sockets.push(socket);
      onSocket?.(socket);
      return socket;
    },
  };
  const session = given.session ?? new MapSession().link();
  return {
    driver: baileysDriver({ session, baileys: module, ...given }),
    session,
    sockets,
    socket: () => sockets.at(-1) ?? expect.unreachable('no socket was made'),
  };
}

export interface Heard {
  readonly events: WhatsAppPersonalEvent[];
  readonly over: Promise<unknown>;
  readonly stop: () => void;
}

/** Connects, and gathers what is told. */
export async function listen({ driver, sockets }: Adapter): Promise<Heard> {
  const stopping = new AbortController();
  const events: WhatsAppPersonalEvent[] = [];
  const before = sockets.length;
  let end: { error?: unknown } | undefined;
  const over = (async () => {
    try {
      for await (const event of driver.connect({ signal: stopping.signal })) events.push(event);
      end = {};
    } catch (error) {
      end = { error };
    }
    return end.error;
  })();
  await soon(() => sockets.length > before || end !== undefined);
  return { events, over, stop: () => stopping.abort() };
}
