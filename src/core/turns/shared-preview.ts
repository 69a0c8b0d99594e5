/** A reply that is written here, told to processes whose connections are shown it: now and then, and not word by word. */
import type { Clock, Timer } from '../clock.js';
import type { ReplyOpening } from './reply-watcher.js';

/** How long words wait for further ones. */
const GAP_MS = 100;
/** How often all is told that was written so far: for those who have come later, or have missed something. */
const WHOLE_MS = 5000;
/** Who hears nothing for so long takes it for lost. */
export const SILENCE_MS = 3 * WHOLE_MS;

/** What is told of a reply. */
export type PreviewMessage =
  | { readonly kind: 'stream'; readonly opening: ReplyOpening; readonly text: string }
  | { readonly kind: 'stream_chunk'; readonly streamId: string; readonly offset: number; readonly delta: string }
  | { readonly kind: 'stream_end'; readonly streamId: string; readonly code?: string; readonly eventId?: string };

export class SharedPreview {
  #text = '';
  #told = 0;
  #wholeAt = -Infinity;
  #timer: Timer | undefined;
  #isPending = false;

  constructor(
    private readonly clock: Clock,
    private readonly opening: ReplyOpening,
    private readonly tell: (message: PreviewMessage) => void,
  ) {}

  write(text: string): void {
    this.#text = text;
    if (this.#isPending) return;
    this.#isPending = true;
    this.#later(GAP_MS);
  }

  /** `code` says why there is no event. */
  end(code: string | undefined, eventId: string | undefined): void {
    this.#timer?.cancel();
    const { streamId } = this.opening;
    this.tell({ kind: 'stream_end', streamId, ...(code !== undefined && { code }), ...(eventId !== undefined && { eventId }) });
  }

  #later(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(ms, () => this.#flush());
  }

  #flush(): void {
    this.#isPending = false;
    const now = this.clock.monotonic();
    if (now - this.#wholeAt >= WHOLE_MS) {
      this.#wholeAt = now;
      this.tell({ kind: 'stream', opening: this.opening, text: this.#text });
    } else if (this.#told < this.#text.length) {
      this.tell({ kind: 'stream_chunk', streamId: this.opening.streamId, offset: this.#told, delta: this.#text.slice(this.#told) });
    }
    this.#told = this.#text.length;
    this.#later(WHOLE_MS); // also while its agent only works: whoever watches knows that it goes on
  }
}
