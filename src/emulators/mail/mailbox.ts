/** One IMAP mailbox in memory: mails under ascending numbers, with flags. */
import { Changes } from '../changes.js';

export interface StoredMail {
  readonly uid: number;
  readonly source: Buffer;
  readonly arrivedAt: Date;
  readonly flags: Set<string>;
}

export class Mailbox {
  /** Changes when the numbers begin anew. */
  uidValidity = 1;
  uidNext = 1;
  mails: StoredMail[] = [];
  readonly #changes = new Changes();

  add(source: Buffer): StoredMail {
    const mail = { uid: this.uidNext++, source, arrivedAt: new Date(), flags: new Set<string>() };
    this.mails.push(mail);
    this.#changes.tell();
    return mail;
  }

  /** As after a server was set up anew from a backup: the same mails with their flags under other numbers. */
  renumber(): void {
    this.uidValidity++;
    const offset = 1000 * this.uidValidity;
    this.mails = this.mails.map((mail, index) => ({ ...mail, uid: offset + index }));
    this.uidNext = offset + this.mails.length;
  }

  /** Calls back at each arrival until the returned function is called. */
  watch(told: () => void): () => void {
    return this.#changes.listen(told);
  }

  /** The mails a set such as `1:3,7,9:*` names, by their UIDs or by their places. */
  named(set: string, byUid: boolean): readonly { readonly mail: StoredMail; readonly place: number }[] {
    const places = this.mails.map((mail, index) => ({ mail, place: index + 1 }));
    const last = byUid ? (this.mails.at(-1)?.uid ?? 0) : this.mails.length;
    const ranges = set.split(',').map((part) => {
      const [from = last, to = from] = part.split(':').map((number) => (number === '*' ? last : Number(number)));
      return [Math.min(from, to), Math.max(from, to)] as const;
    });
    return places.filter(({ mail, place }) => {
      const number = byUid ? mail.uid : place;
      return ranges.some(([from, to]) => number >= from && number <= to);
    });
  }
}
