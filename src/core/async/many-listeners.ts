/** Lets everything that waits listen to one signal. Node takes more than ten listeners for a leak and says so on stderr. */

interface NodeProcess {
  readonly process?: { getBuiltinModule?(name: 'node:events'): { setMaxListeners?(most: number, ...targets: EventTarget[]): void } | undefined };
}

export function allowManyListeners(signal: AbortSignal): AbortSignal {
  // Asked of the runtime and not imported: elsewhere there is neither the module nor the warning.
  (globalThis as NodeProcess).process?.getBuiltinModule?.('node:events')?.setMaxListeners?.(0, signal);
  return signal;
}
