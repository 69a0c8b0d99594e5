/** Somebody who says something in a conversation that is played. */
import type { RoomKit } from '../../core/kit.js';
import type { ContentInput } from '../../core/models/content.js';
import type { InboundMessage, InboundResult } from '../../core/models/delivery.js';

/** Where a person is. */
export interface PersonOptions {
  /** The channel he speaks by; made when it does not exist. Default: the customer's. */
  readonly channelId?: string;
}

/** Speaks by one channel. */
export class Person {
  constructor(
    /** Who it is: the sender of what is said. */
    readonly id: string,
    /** By which channel. */
    readonly channelId: string,
    private readonly roomId: string,
    private readonly kit: RoomKit,
    private readonly follow: (saying: Promise<InboundResult>) => void,
  ) {}

  /**
   * Says it, and goes on once it is in the timeline (or was turned away); answers come by themselves. What a message can
   * have besides, `addressedTo` or `metadata`, goes in `more`.
   */
  async says(content: ContentInput, more: Partial<Omit<InboundMessage, 'channelId' | 'senderId' | 'content'>> = {}): Promise<void> {
    const before = (await this.kit.getRoom(this.roomId)).latestIndex;
    const saying = this.kit.processInbound({ ...more, channelId: this.channelId, senderId: this.id, content }, { roomId: this.roomId });
    this.follow(saying);
    let isSettled = false;
    const end = (): void => void (isSettled = true);
    saying.then(end, end);
    while (!isSettled && !(await this.#isThere(before))) await new Promise<void>((resolve) => setImmediate(resolve));
    if (isSettled) await saying; // a call that could not be made is the test's own mistake
  }

  async #isThere(before: number): Promise<boolean> {
    const events = await this.kit.getTimeline(this.roomId, { afterIndex: before, limit: 1000 });
    return events.some(({ source }) => source.channelId === this.channelId && source.participantId === this.id);
  }
}
