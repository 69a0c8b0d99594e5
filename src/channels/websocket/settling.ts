/**
 * A second look at sends a moment after they began. Most promises a send returns are settled already; they need no time limit.
 * All sends of one moment share one look.
 */
export interface Unsettled {
  /** Called once, when everything that had settled at the time of {@link lookLater} has reported. */
  look(): void;
}

const SETTLED = Promise.resolve();
let fresh: Unsettled[] = [];

export function lookLater(one: Unsettled): void {
  fresh.push(one);
  if (fresh.length === 1) void SETTLED.then(afterReports);
}

/** Reports of sends that began in the same moment are in the queue before this; one more turn lets them through. */
function afterReports(): void {
  void SETTLED.then(lookAtAll);
}

function lookAtAll(): void {
  const all = fresh;
  fresh = [];
  for (let position = 0; position < all.length; position++) all[position]?.look();
}
