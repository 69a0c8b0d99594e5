/** Notices that a call has caused and must wait for once its lock is free (HK-08). */
import type { TaskGroup } from './async/task-group.js';

export class Notices {
  readonly #bySection = new WeakMap<object, Promise<unknown>[]>();

  constructor(private readonly tasks: TaskGroup) {}

  /** Starts a notice of this section. */
  add(section: object, fn: () => Promise<unknown>): void {
    const running = this.tasks.run(fn);
    const list = this.#bySection.get(section);
    if (list === undefined) this.#bySection.set(section, [running]);
    else list.push(running);
  }

  /** Waits for the notices a section has started. */
  async of(section: object): Promise<void> {
    const list = this.#bySection.get(section);
    if (list !== undefined) await Promise.all(list);
  }
}
