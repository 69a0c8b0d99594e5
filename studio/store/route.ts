/** What the address holds: room, event, inspector and reader, so that a link can be sent to a colleague. */
import { signal } from '@preact/signals';
import { HOME, readRoute, writeRoute, type Route } from '../logic/address.js';

export const route = signal<Route>(readRoute(location.hash));

/** Another room is a step to come back from; what is selected in it is not. */
export function go(change: Partial<Route>): void {
  const before = route.value;
  const isOther = change.roomId !== undefined && change.roomId !== before.roomId;
  const next: Route = isOther ? { ...HOME, devices: before.devices, ...change } : { ...before, ...change };
  if (writeRoute(next) === writeRoute(before)) return;
  const isScreen = isOther || ('roomId' in change && change.roomId !== before.roomId) || (isNarrow() && next.inspect !== before.inspect);
  if (isScreen) {
    settleAddress();
    history.pushState(null, '', writeRoute(next));
  } else {
    // Browsers take few changes of the address a second: a held key makes many.
    settling ??= setTimeout(settleAddress, SETTLE_MS);
  }
  route.value = next;
}

let settling: ReturnType<typeof setTimeout> | undefined;
const SETTLE_MS = 120;

/** The address says what is shown, from now on and not a moment later. */
export function settleAddress(): void {
  if (settling === undefined) return;
  clearTimeout(settling);
  settling = undefined;
  history.replaceState(null, '', writeRoute(route.value));
}

/** Below it the columns become screens. */
export function isNarrow(): boolean {
  return window.innerWidth < 1024;
}

for (const change of ['popstate', 'hashchange'])
  window.addEventListener(change, () => {
    clearTimeout(settling);
    settling = undefined;
    route.value = readRoute(location.hash);
  });
