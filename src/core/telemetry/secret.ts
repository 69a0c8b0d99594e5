/** A value that never prints (TEL-06): not in logs, errors, JSON, string templates or an inspector. */

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Holds a key or password. Only {@link Secret.reveal} gives it out; everything that prints shows `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one place that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** `***`. */
  toString(): string {
    return '***';
  }

  /** `***`. */
  toJSON(): string {
    return '***';
  }

  /** What `util.inspect`, and so `console.log`, shows. */
  [inspect](): string {
    return 'Secret(***)';
  }
}
