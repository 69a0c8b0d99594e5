/** What the address holds: room, event, inspector and reader, so that a link can be sent to a colleague. */
import { signal } from '@preact/signals';
import { HOME, readRoute, writeRoute, type Route } from '../logic/address.js';

export const route = signal<Route>(readRoute(location.hash));

/** Another room is a step to come back from; what is selected in it is not. */
export function go(change: Partial<Route>): void {
  const before = route.value;
  const isOther = change.roomId !== undefined && change.roomId !== before.roomId;
  const next: Route = isOther ? { ...HOME, devices: before.devices, ...change } : { ...before, ...change };
  const address = writeRoute(next);
  if (address === writeRoute(before)) return;
  const isScreen = isOther || ('roomId' in change && change.roomId !== before.roomId) || (isNarrow() && next.inspect !== before.inspect);
  history[isScreen ? 'pushState' : 'replaceState'](null, '', address);
  route.value = next;
}

/** Below it the columns become screens. */
export function isNarrow(): boolean {
  return window.innerWidth < 1024;
}

for (const change of ['popstate', 'hashchange']) window.addEventListener(change, () => (route.value = readRoute(location.hash)));
