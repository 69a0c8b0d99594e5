/**
 * What became of live deliveries (OUT-15), for the newest events. In two generations: when the younger one is full, the elder
 * one goes as a whole, because taking the oldest entry out of a large map again and again means looking for it.
 */
import type { DeliveryResult } from '../../models/delivery.js';
import { EMPTY_LIST } from '../../models/json.js';
import type { DeliveryOutcome } from '../store.js';

/** At least so many events keep their outcomes, at most twice as many. */
const MAX_EVENTS = 1000;

export class MemoryOutcomes {
  private younger = new Map<string, DeliveryOutcome>();
  private elder = new Map<string, DeliveryOutcome>();

  /** Of one channel, the last one told counts. */
  record(outcome: DeliveryOutcome): void {
    const { roomId, eventId, results } = outcome;
    const known = this.find(eventId);
    if (known !== undefined) {
      this.younger.set(eventId, { roomId, eventId, results: [...known.results, ...results] });
      return;
    }
    if (this.younger.size >= MAX_EVENTS) {
      this.elder = this.younger;
      this.younger = new Map();
    }
    this.younger.set(eventId, outcome);
  }

  of(roomId: string, eventId: string): readonly DeliveryResult[] {
    const outcome = this.find(eventId);
    return outcome?.roomId === roomId ? outcome.results : EMPTY_LIST;
  }

  /** With one result each; of one channel the last. */
  all(): DeliveryOutcome[] {
    const found: DeliveryOutcome[] = [];
    for (const { roomId, eventId, results } of [...this.elder.values(), ...this.younger.values()]) {
      if (this.find(eventId)?.roomId !== roomId) continue;
      const last = new Map(results.map((result) => [result.channelId, result]));
      for (const result of last.values()) found.push({ roomId, eventId, results: [result] });
    }
    return found;
  }

  forget(eventId: string): void {
    this.younger.delete(eventId);
    this.elder.delete(eventId);
  }

  private find(eventId: string): DeliveryOutcome | undefined {
    return this.younger.get(eventId) ?? this.elder.get(eventId);
  }
}
