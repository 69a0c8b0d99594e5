/**
 * The words of MMS that wait for their picture: VoiceMeUp tells of both in calls of their own. What was put together is
 * remembered for a while, so that a call that comes again is known for what it is.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { textOf, type Fields } from '../_shared/http/reading.js';
import { hasAttachment, isWrapper, mergedMessage, messageKeyOf, parseVoicemeupWebhook } from './webhook.js';

/** Of each: waiting words, and messages that are remembered. */
const MAX_ENTRIES = 1000;

interface Waiting {
  readonly first: Fields;
  readonly timer: Timer;
}

export interface MmsPartsOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Words whose picture has not come: they go by themselves. */
  readonly onTimeout: (meta: WebhookMeta) => void;
}

export class MmsParts {
  readonly #waiting = new Map<string, Waiting>();
  readonly #merged = new Map<string, WebhookMeta>();

  constructor(private readonly options: MmsPartsOptions) {}

  /** What this call says now; nothing while words wait for their picture. */
  take(fields: Fields): WebhookMeta {
    const id = textOf(fields['sms_hash']) ?? '';
    const known = this.#merged.get(id);
    if (known !== undefined) return known;
    const key = messageKeyOf(fields);
    const waiting = this.#waiting.get(key);
    if (isWrapper(fields)) return parseVoicemeupWebhook(fields).type === 'message' ? this.#wait(key, fields, waiting) : parseVoicemeupWebhook(fields);
    if (waiting === undefined || !hasAttachment(fields)) return parseVoicemeupWebhook(fields);
    waiting.timer.cancel();
    this.#waiting.delete(key);
    const merged = mergedMessage(waiting.first, fields);
    for (const part of [textOf(waiting.first['sms_hash']), id]) if (part !== undefined && part !== '') this.#remember(part, merged);
    return merged;
  }

  /** Whatever waits goes now. */
  close(): void {
    for (const key of [...this.#waiting.keys()]) this.#release(key);
  }

  #wait(key: string, first: Fields, earlier: Waiting | undefined): WebhookMeta {
    const isRepeated = earlier !== undefined && textOf(earlier.first['sms_hash']) === textOf(first['sms_hash']);
    if (isRepeated) return { type: 'ignored', reason: 'waits for its picture' };
    if (earlier !== undefined) this.#release(key);
    this.#waiting.set(key, { first, timer: this.options.clock.setTimer(this.options.timeoutMs, () => this.#release(key)) });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_ENTRIES && oldest !== undefined) this.#release(oldest);
    return { type: 'ignored', reason: 'waits for its picture' };
  }

  #release(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    waiting.timer.cancel();
    this.#waiting.delete(key);
    const alone = parseVoicemeupWebhook(waiting.first);
    const id = textOf(waiting.first['sms_hash']);
    if (id !== undefined) this.#remember(id, alone);
    this.options.onTimeout(alone);
  }

  #remember(id: string, meta: WebhookMeta): void {
    this.#merged.set(id, meta);
    const [oldest] = this.#merged.keys();
    if (this.#merged.size > MAX_ENTRIES && oldest !== undefined) this.#merged.delete(oldest);
  }
}
