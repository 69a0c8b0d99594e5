/** Implementations that break one thing each: a contract suite is worth what it finds in these. */
import type { ContractCase } from '../../src/testing/index.js';

/** The real thing, but for these methods. What is not named here is called as it is. */
export function withMethods<Target extends object>(target: Target, own: Partial<Target>): Target {
  return new Proxy(target, {
    get(inner, key): unknown {
      const value: unknown = Reflect.get(own, key) ?? Reflect.get(inner, key);
      // The real methods have private fields, which a proxy does not.
      return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
    },
  });
}

/** The names of the cases that fail. With `untilFirst`, of the first one only. */
export async function failures<Open>(suite: readonly ContractCase<Open>[], open: Open, untilFirst = false): Promise<string[]> {
  const failed: string[] = [];
  for (const one of suite) {
    if (untilFirst && failed.length > 0) break;
    try {
      await one.run(open);
    } catch {
      failed.push(one.name);
    }
  }
  return failed;
}
