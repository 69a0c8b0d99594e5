/** Conditions of a query that depend on what is asked for. */
import type { Value } from './text.js';

export class Filter {
  readonly values: Value[] = [];
  readonly #conditions: string[] = [];

  /** `?` in the condition is the value's place. Nothing is added for what is not asked for. */
  add(condition: string, value: Value | undefined): this {
    if (value === undefined) return this;
    this.#conditions.push(condition.replaceAll('?', this.place(value)));
    return this;
  }

  /** A value that belongs to no condition; gives its place. */
  place(value: Value): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  also(condition: string): this {
    this.#conditions.push(condition);
    return this;
  }

  /** `WHERE …`, or nothing. */
  get where(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}
