/** A kit with one room and a channel for a source, which remembers what it is told and what it logs. */
import { inspect } from 'node:util';
import { RoomKit, TransportChannel, type Logger, type RoomKitOptions } from '../../src/index.js';
import { TestClock } from '../../src/testing/index.js';

export interface Scene {
  readonly kit: RoomKit;
  readonly clock: TestClock;
  /** Framework events about sources. */
  readonly events: readonly (readonly [string, Readonly<Record<string, unknown>>])[];
  readonly lines: readonly string[];
  readonly textsIn: () => Promise<string[]>;
}

const TYPES = ['source_attached', 'source_connected', 'source_disconnected', 'source_error', 'source_exhausted', 'source_detached'] as const;

export async function kitWith(options: RoomKitOptions = {}): Promise<Scene> {
  const clock = new TestClock();
  const lines: string[] = [];
  const log = (message: string, fields?: unknown): void => void lines.push(`${message} ${inspect(fields, { depth: 12 })}`);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const kit = new RoomKit({ clock, logger, ...options });
  const events: [string, Readonly<Record<string, unknown>>][] = [];
  for (const type of TYPES) kit.on(type, ({ data }) => void events.push([type, data]));
  kit.registerChannel(new TransportChannel('feed', { channelType: 'webhook' }));
  await kit.createRoom({ roomId: 'room' });
  await kit.attachChannel('room', 'feed');
  const textsIn = async (): Promise<string[]> =>
    (await kit.getTimeline('room', { limit: 1000 })).flatMap(({ type, content }) =>
      type === 'message' && content.type === 'text' ? [content.body] : [],
    );
  return { kit, clock, events, lines, textsIn };
}
