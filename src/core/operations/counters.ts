/**
 * What has happened in this process since its kit was made (OPS-03). Counting is an addition to a number: the way of a message
 * does it without reading a clock, making an object or looking anything up.
 */
import type { TurnState } from '../models/vocabulary.js';
import { Histogram, type HistogramSnapshot } from './histogram.js';

/** Deliveries of one type of channel, by what became of them. */
export interface DeliveryCounts {
  /** The vendor, or the connection, took it. */
  sent: number;
  /** Given up: refused, or no attempt was left. */
  failed: number;
  /** Given up because its time was over. */
  expired: number;
  /** There was nothing to send with. */
  skipped: number;
  /** Attempts that failed and are made again. */
  retried: number;
}

/** What has happened since the kit was made, as `kit.stats()` tells it. All numbers only grow. */
export interface KitCounters {
  /** Events that were added to timelines, whatever their origin. */
  readonly committedEvents: number;
  /** Calls of `processInbound` (webhooks, sockets and sources included), by what became of the message. */
  readonly inbound: {
    readonly accepted: number;
    readonly blocked: number;
    readonly duplicate: number;
    /** The call threw, so that nothing is stored. */
    readonly failed: number;
  };
  /** Type of channel → counts. */
  readonly deliveries: Readonly<Record<string, Readonly<DeliveryCounts>>>;
  /** How long attempts of durable deliveries took, whatever came of them. In seconds. */
  readonly deliverySeconds: HistogramSnapshot;
  /** Turns by how they ended; `queued` are those that closing left to another process, `waiting` those that wait for people. */
  readonly turns: Readonly<Partial<Record<TurnState, number>>>;
  /** Handlers of hooks that threw. */
  readonly hookFailures: number;
  /** Handlers of hooks that took too long. */
  readonly hookTimeouts: number;
  /** Commits that were refused because the room's lock had been lost (LOCK-03). */
  readonly fencedCommits: number;
  /** How long calls waited for a room's lock. In seconds. */
  readonly lockWaitSeconds: HistogramSnapshot;
  /** Deliveries and turns that recovery has put into lanes of this process (OUT-08). */
  readonly recovered: { readonly deliveries: number; readonly turns: number };
}

/** Types of channels are few; what programs without types make up does not grow without end. */
const MAX_TYPES = 32;
const OTHER = 'other';

export class Counters {
  committedEvents = 0;
  readonly inbound = { accepted: 0, blocked: 0, duplicate: 0, failed: 0 };
  readonly turns: Partial<Record<TurnState, number>> = {};
  hookFailures = 0;
  hookTimeouts = 0;
  fencedCommits = 0;
  readonly recovered = { deliveries: 0, turns: 0 };
  /** Calls that wait for a room's lock now. */
  locksWaited = 0;
  readonly lockWait = new Histogram([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]);
  readonly delivery = new Histogram([0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]);
  readonly #deliveries = new Map<string, DeliveryCounts>();

  /** The counts of a type of channel; always the same object, so that a plan keeps it. */
  deliveriesOf(channelType: string): DeliveryCounts {
    const known = this.#deliveries.get(channelType);
    if (known !== undefined) return known;
    if (this.#deliveries.size >= MAX_TYPES && channelType !== OTHER) return this.deliveriesOf(OTHER);
    const counts: DeliveryCounts = { sent: 0, failed: 0, expired: 0, skipped: 0, retried: 0 };
    this.#deliveries.set(channelType, counts);
    return counts;
  }

  turnEnded(state: TurnState): void {
    this.turns[state] = (this.turns[state] ?? 0) + 1;
  }

  snapshot(): KitCounters {
    const { committedEvents, inbound, turns, hookFailures, hookTimeouts, fencedCommits, recovered } = this;
    return {
      committedEvents,
      inbound: { ...inbound },
      deliveries: Object.fromEntries([...this.#deliveries].map(([type, counts]) => [type, { ...counts }])),
      deliverySeconds: this.delivery.snapshot(),
      turns: { ...turns },
      hookFailures,
      hookTimeouts,
      fencedCommits,
      lockWaitSeconds: this.lockWait.snapshot(),
      recovered: { ...recovered },
    };
  }
}
