/** Times and texts, short enough for a row. */

export function milliseconds(ms: number): string {
  // With a space that does not break.
  return ms < 10 ? `${ms.toFixed(1)}\u00a0ms` : ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${(ms / 1000).toFixed(2)}\u00a0s`;
}

export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** The time since the event before. */
export function elapsed(ms: number): string {
  if (ms < 60_000) return `+${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `+${Math.round(ms / 60_000)} m`;
  return `+${Math.round(ms / 3_600_000)} h`;
}

/** Cuts long text at a word, for places that have one line. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), length - 16))}…`;
}
