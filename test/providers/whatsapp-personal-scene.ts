/** A kit with a linked WhatsApp, a desk, and people who write to it. */
import { afterEach } from 'vitest';
import { FakeWhatsAppDriver, type FakeWhatsAppOptions } from '../../src/emulators/index.js';
import {
  RoomKit,
  WhatsAppPersonalChannel,
  type EphemeralEvent,
  type FrameworkEvent,
  type OutboxRow,
  type RoomEvent,
  type RoomKitOptions,
} from '../../src/index.js';
import {
  WhatsAppPersonalProvider,
  WhatsAppPersonalSource,
  type WhatsAppPersonalProviderOptions,
  type WhatsAppPersonalSourceOptions,
} from '../../src/providers/baileys/index.js';
import { TestClock, type TransportSetup } from '../../src/testing/index.js';
import { TestTransport } from '../support/harness.js';
import { soon } from '../sources/soon.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

export interface PersonalScene {
  readonly whatsapp: FakeWhatsAppDriver;
  readonly kit: RoomKit;
  readonly clock: TestClock;
  readonly source: WhatsAppPersonalSource;
  readonly provider: WhatsAppPersonalProvider;
  /** For `requestOf`: a message to +15550123. */
  readonly setup: TransportSetup;
  readonly lines: readonly string[];
  /** Framework events about the source. */
  readonly told: readonly FrameworkEvent[];
  readonly ephemeral: readonly EphemeralEvent[];
  /** Messages and what changed them, of all rooms. */
  events(): Promise<readonly RoomEvent[]>;
  texts(): Promise<readonly string[]>;
  /** The room of the newest conversation, with the desk in it; waits until it is there. */
  room(): Promise<string>;
  say(roomId: string, content: Parameters<RoomKit['sendEvent']>[2], options?: Parameters<RoomKit['sendEvent']>[3]): Promise<RoomEvent>;
  rows(roomId: string): Promise<readonly OutboxRow[]>;
}

interface SceneOptions {
  readonly fake?: FakeWhatsAppOptions;
  readonly source?: Partial<WhatsAppPersonalSourceOptions>;
  readonly provider?: WhatsAppPersonalProviderOptions;
  readonly kit?: RoomKitOptions;
  readonly isDetached?: boolean;
}

export async function personalScene(options: SceneOptions = {}): Promise<PersonalScene> {
  const clock = new TestClock(Date.parse('2026-11-26T09:00:00Z'));
  const lines: string[] = [];
  const log = (message: string, fields?: unknown): void => void lines.push(`${message} ${JSON.stringify(fields) ?? ''}`);
  const kit = new RoomKit({ clock, logger: { debug: log, info: log, warn: log, error: log }, ...options.kit });
  const whatsapp = new FakeWhatsAppDriver({ now: () => clock.now(), ...options.fake });
  const source = new WhatsAppPersonalSource(whatsapp, { channelId: 'personal', clock, ...options.source });
  const provider = new WhatsAppPersonalProvider(source, options.provider);
  kit.registerChannel(new WhatsAppPersonalChannel('personal', { provider }));
  kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false }));
  const told: FrameworkEvent[] = [];
  for (const type of ['source_connected', 'source_disconnected', 'source_error', 'source_pairing', 'source_waiting'] as const)
    kit.on(type, (event) => void told.push(event));
  const ephemeral: EphemeralEvent[] = [];
  open.push(() => kit.close());
  if (options.isDetached !== true) {
    await kit.attachSource('personal', source);
    if (options.fake?.isUnlinked !== true) await soon(() => source.isConnected);
  }
  const events = async (): Promise<readonly RoomEvent[]> => {
    const rooms = await kit.listRooms();
    const timelines = await Promise.all(rooms.map(({ id }) => kit.getTimeline(id)));
    return timelines.flat().filter(({ type }) => type === 'message' || type === 'edit' || type === 'delete');
  };
  const listened = new Set<string>();
  return {
    whatsapp,
    kit,
    clock,
    source,
    provider,
    setup: { to: '+15550123', channelType: 'whatsapp_personal', mediaTypes: ['text'] } as unknown as TransportSetup, // all that it reads
    lines,
    told,
    ephemeral,
    events,
    texts: async () => (await events()).flatMap(({ type, content }) => (type === 'message' && content.type === 'text' ? [content.body] : [])),
    room: async () => {
      await soon(async () => (await kit.listRooms()).length > 0);
      const [room] = await kit.listRooms();
      if (room === undefined) throw new Error('There is no room.');
      await kit.attachChannel(room.id, 'desk');
      if (!listened.has(room.id)) {
        listened.add(room.id);
        await kit.subscribeRoom(room.id, (event: EphemeralEvent) => void ephemeral.push(event));
      }
      return room.id;
    },
    say: (roomId, content, given) => kit.sendEvent(roomId, 'desk', content, { wait: 'commit', ...given }),
    rows: async (roomId) => (await kit.listDeliveries({ roomId })).filter(({ channelId }) => channelId === 'personal'),
  };
}
