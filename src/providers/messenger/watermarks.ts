/**
 * Who has read what. Meta reports deliveries with ids and a time, and reading with a time alone: everything that was delivered up to then.
 * Both times are Meta's, so that they can be compared. What another process heard is not known here, and stays `delivered`.
 */
import type { WebhookMeta } from '../../core/pipeline/webhook.js';

/** What was reported of one person. */
export interface MessengerReads {
  readonly person: string;
  /** Delivered now; absent when the report is of reading. */
  readonly delivered?: readonly string[];
  /** In milliseconds since 1970. */
  readonly watermark: number;
  readonly raw: Readonly<Record<string, unknown>>;
}

const MAX_PEOPLE = 1000;
const MAX_MESSAGES = 200;

interface Known {
  /** Delivered and not yet known to be read, by the time that was reported with them. */
  readonly delivered: Map<string, number>;
  readUpTo: number;
}

export class Watermarks {
  readonly #people = new Map<string, Known>();

  /** The messages that are known to be read by these reports. */
  statuses(reports: readonly MessengerReads[]): readonly WebhookMeta[] {
    return reports.flatMap((report) => {
      const known = this.#of(report.person);
      if (report.delivered === undefined) known.readUpTo = Math.max(known.readUpTo, report.watermark);
      for (const id of report.delivered ?? []) known.delivered.set(id, report.watermark);
      const read = [...known.delivered].filter(([, at]) => at <= known.readUpTo).map(([id]) => id);
      for (const id of read) known.delivered.delete(id);
      for (const id of [...known.delivered.keys()].slice(0, -MAX_MESSAGES)) known.delivered.delete(id);
      return read.map((messageId): WebhookMeta => ({
        type: 'status',
        status: { provider: 'messenger', messageId, status: 'read', recipient: report.person, raw: { ...report.raw } },
      }));
    });
  }

  #of(person: string): Known {
    const known = this.#people.get(person) ?? { delivered: new Map<string, number>(), readUpTo: 0 };
    this.#people.delete(person);
    this.#people.set(person, known);
    const [oldest] = this.#people.keys();
    if (this.#people.size > MAX_PEOPLE && oldest !== undefined) this.#people.delete(oldest);
    return known;
  }
}
