/**
 * Processes that share a store tell each other that there is work in a lane: whoever holds it hears of it at once, and finds it by
 * itself a second later if it does not (COL-09, OUT-08).
 */
import type { KitParts } from '../parts.js';
import type { RealtimeMessage } from '../realtime/backend.js';
import { catchUp } from './backlog.js';

/** Which lane. */
export interface LaneName {
  readonly kind: 'deliveries' | 'turns';
  readonly roomId: string;
  readonly channelId: string;
}

export class Elsewhere {
  #subscriptions: readonly Promise<string>[] = [];

  constructor(private readonly parts: KitParts) {}

  /** Listens for what others leave to this process. */
  start(): void {
    const { store, realtime, owner, logger } = this.parts;
    if (!store.shared || !realtime.distributed) return;
    this.#subscriptions = [(async () => realtime.subscribe(ownerChannel(owner), (message) => this.#hear(message)))(), this.#listenToAll()];
    for (const subscription of this.#subscriptions)
      subscription.catch((error: unknown) =>
        logger.warn('What other processes leave to this one is found a second later: nothing can be heard.', { error }),
      );
  }

  /** Who follows what is asked once the answer can be heard. */
  async #listenToAll(): Promise<string> {
    const subscription = await this.parts.realtime.subscribe(EVERY_KIT, (message) => this.#hearAll(message));
    this.parts.news.start();
    return subscription;
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) {
      const id = await subscription.catch(() => undefined);
      if (id !== undefined) await this.parts.realtime.unsubscribe(id);
    }
  }

  /** There is work in a lane that this owner holds; without one, whoever looks first takes it. */
  wake(owner: string | undefined, lane: LaneName): void {
    const { parts } = this;
    if (owner === undefined) {
      parts.lookForWork();
      return;
    }
    if (!parts.realtime.distributed) return;
    void parts.tasks.run(async () => {
      try {
        await parts.realtime.publish(ownerChannel(owner), { type: 'work', ...lane });
      } catch (error) {
        parts.logger.debug('The holder of a lane could not be told of new work; it looks by itself.', { ...lane, error });
      }
    });
  }

  /** This process has ended leases before their time: whoever looks first goes on with what is left (OPS-07). */
  async handedOver(): Promise<void> {
    const { store, realtime, logger } = this.parts;
    if (!store.shared || !realtime.distributed) return;
    try {
      await realtime.publish(EVERY_KIT, { type: 'work' });
    } catch (error) {
      logger.debug('Other processes could not be told of what is left to them; they look by themselves.', { error });
    }
  }

  async #hearTurns({ roomId, channelId }: LaneName): Promise<void> {
    const { parts } = this;
    try {
      await parts.rooms.get(roomId).turnLane(channelId).hear(parts, roomId, channelId);
    } catch (error) {
      if (!parts.stopping.aborted)
        parts.logger.warn('What other processes left to a turn lane could not be read; it is found later.', { roomId, channelId, error });
    }
  }

  #hearAll(message: RealtimeMessage): void {
    if ((message as Readonly<Record<string, unknown>>)['type'] === 'work') this.parts.lookForWork();
    else this.parts.news.hear(message);
  }

  #hear(message: RealtimeMessage): void {
    const lane = laneOf(message);
    if (lane === undefined || this.parts.stopping.aborted) return;
    // What others have put behind something of ours cannot pass it: until we have handed over it is sent here. Turns are begun no more.
    if (this.parts.draining.aborted && lane.kind === 'turns') return;
    const runtime = this.parts.rooms.get(lane.roomId);
    if (lane.kind === 'deliveries') catchUp(this.parts, runtime.lane(lane.channelId), lane.roomId, lane.channelId, Infinity);
    else void this.parts.tasks.run(() => this.#hearTurns(lane));
  }
}

/** Heard by all that share the store. */
export const EVERY_KIT = 'kits';

function ownerChannel(owner: string): string {
  return `kit:${owner}`;
}

function laneOf(message: RealtimeMessage): LaneName | undefined {
  const { kind, roomId, channelId } = message as Readonly<Record<string, unknown>>;
  if ((kind !== 'deliveries' && kind !== 'turns') || typeof roomId !== 'string' || typeof channelId !== 'string') return undefined;
  return { kind, roomId, channelId };
}
