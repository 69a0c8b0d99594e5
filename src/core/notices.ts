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

  /** Resolves when the notices a section has started are over; undefined when it has started none. */
  of(section: object): Promise<unknown> | undefined {
    const list = this.#bySection.get(section);
    return list === undefined ? undefined : Promise.all(list);
  }
}
