/**
 * Values that travel with the call (CON-09): the open section, the running turn, the cause's depth and the current span.
 * They live here and never in fields of a channel, router or handler.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Section } from './pipeline/section.js';
import type { CallScope } from './turn-scope.js';

export const callScope = new AsyncLocalStorage<CallScope>();

const CLEAN: CallScope = Object.freeze({});

/**
 * Runs what is no part of its caller (CON-10). A scope of its own, for `AsyncLocalStorage.exit` lasts on Node 20 only until
 * something inside runs in a scope: what follows would be in the caller's again.
 */
export function inCleanScope<T>(fn: () => T): T {
  return callScope.run(CLEAN, fn);
}

/** The section this call may join, if it is still open. */
export function openSection(): Section | undefined {
  const section = callScope.getStore()?.section;
  return section?.open === true ? section : undefined;
}

/** The turn this call runs in, if it does. */
export function openTurn(): CallScope['turn'] {
  return callScope.getStore()?.turn;
}

/** Inside a gate, a turn or a tool nothing waits for its own cause (INB-28). */
export function isInsideCause(): boolean {
  const scope = callScope.getStore();
  return scope !== undefined && (scope.turn !== undefined || scope.section?.open === true);
}
