/** Times and durations as people read them. */

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const exactFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayYearFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** `10:42`. */
export function clock(iso: string): string {
  return clockFormat.format(new Date(iso));
}

/** `10:42:07.123`. */
export function exactTime(iso: string): string {
  return exactFormat.format(new Date(iso));
}

export function dayOf(iso: string): string {
  return new Date(iso).toDateString();
}

/** `Tuesday, 25 November`, with the year when it is not this one. */
export function dayName(iso: string, now: number): string {
  const date = new Date(iso);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return 'Today';
  return (date.getFullYear() === today.getFullYear() ? dayFormat : dayYearFormat).format(date);
}

/** How long something took: `0.4 ms`, `212 ms`, `1.64 s`, `2 min`. */
export function milliseconds(ms: number): string {
  if (ms <= 0) return '0 ms';
  if (ms < 0.05) return '< 0.1 ms';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** The time since the event before: `+0.9 s`, `+4 min`, `+2 h`, `+3 d`. */
export function since(ms: number): string {
  if (ms < 0) return '0.0 s';
  if (ms < 100_000) return `+${(ms / 1000).toFixed(1)} s`;
  if (ms < 5_400_000) return `+${Math.round(ms / 60_000)} min`;
  if (ms < 129_600_000) return `+${Math.round(ms / 3_600_000)} h`;
  return `+${Math.round(ms / 86_400_000)} d`;
}

/** How long ago, for lists: `now`, `4 m`, `2 h`, `3 d`. */
export function ago(iso: string, now: number): string {
  const ms = now - Date.parse(iso);
  if (ms < 60_000) return 'now';
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} m`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}
