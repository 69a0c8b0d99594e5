/** A model's thoughts go to the ephemeral bus alone, in handfuls (STR-07): never to a transport, never into the timeline. */
import type { Deadlines } from '../core/async/deadlines.js';
import type { ChannelServices } from '../core/channel.js';
import { isoTime } from '../core/clock.js';

const MAX_WAIT_MS = 80;
const MAX_CHARS = 256;

export class ThinkingPublisher {
  #waiting = '';
  #count = 0;
  #deadline: { cancel(): void } | undefined;

  constructor(
    private readonly services: ChannelServices,
    private readonly deadlines: Deadlines,
    private readonly roomId: string,
    private readonly channelId: string,
    private readonly turnId: string,
  ) {}

  add(text: string): void {
    if (text === '') return;
    this.#waiting += text;
    if (this.#waiting.length >= MAX_CHARS) this.flush();
    else this.#deadline ??= this.deadlines.add(MAX_WAIT_MS, () => this.flush());
  }

  flush(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
    if (this.#waiting === '') return;
    const text = this.#waiting;
    this.#waiting = '';
    void this.#publish(text);
  }

  async #publish(text: string): Promise<void> {
    const { services, roomId, channelId, turnId } = this;
    try {
      await services.publish({
        id: `${turnId}:thinking:${this.#count++}`,
        roomId,
        type: 'custom',
        userId: channelId,
        channelId,
        data: { kind: 'thinking', turn_id: turnId, text },
        timestamp: isoTime(services.clock.now()),
      });
    } catch (error) {
      services.logger.warn('Thoughts of a model could not be published.', { channelId, error });
    }
  }
}
