/** A list whose places are kept and written over: what is filled again and again then leaves nothing to be collected. */

export interface Place<Content> {
  write(content: Content): void;
}

/** More of one list tell nothing new. */
const MOST = 500;
/** So many places are kept for the next time; of the few long lists, the others go. */
const KEPT = 4;

export class RewrittenList<Content, P extends Place<Content>> {
  private readonly places: P[] = [];
  private length = 0;

  constructor(private readonly make: () => P) {}

  clear(): void {
    this.length = 0;
    if (this.places.length > KEPT) this.places.length = KEPT;
  }

  add(content: Content): void {
    if (this.length === MOST) return;
    if (this.length === this.places.length) this.places.push(this.make());
    this.places[this.length++]?.write(content);
  }

  map<T>(inWords: (place: P) => T): T[] {
    return this.places.slice(0, this.length).map(inWords);
  }
}
