/** The one socket with the host's view (WIRE-15): whether it is up, and who gets its frames. */
import { effect, signal } from '@preact/signals';
import { ApiError, credential, whenUnauthenticated } from '../api.js';
import { Line, type LineState } from '../line.js';
import type { ServerFrame } from '../types.js';

export const connection = signal<LineState>({ kind: 'connecting' });
/** `asking`: the server wants a key; `refused` says why the last one was not taken. */
export const access = signal<{ readonly kind: 'open' } | { readonly kind: 'asking'; readonly refused?: string }>({ kind: 'open' });
/** Grows with every connection: what hangs on the socket asks anew. */
export const generation = signal(0);

type FrameListener = (frame: ServerFrame) => void;
const listeners = new Set<FrameListener>();
let line: Line | undefined;

/** Hears every frame from now on; returns how to stop. */
export function hear(listener: FrameListener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function say(frame: unknown): boolean {
  return line?.send(frame) === true;
}

export function retryNow(): void {
  line?.retryNow();
}

export function openHost(): void {
  line?.close();
  line = new Line({
    token: () => credential.get(),
    onFrame: (frame) => {
      if (frame.type === 'welcome') generation.value++;
      for (const listener of [...listeners]) listener(frame);
    },
    onState: (state) => {
      connection.value = state;
      if (state.kind === 'refused')
        askForKey(state.reason === 'forbidden' ? 'This key may not look into rooms as their host: it needs the scope operate.' : undefined);
    },
  });
}

whenUnauthenticated(() => askForKey());

function askForKey(reason?: string): void {
  if (access.value.kind === 'asking') return;
  const hadKey = credential.get() !== undefined;
  credential.clear();
  line?.close();
  line = undefined;
  access.value = { kind: 'asking', ...(hadKey && { refused: reason ?? 'The server did not take this key.' }) };
}

/** Tries a key; the error says why it was not taken. */
export async function unlock(key: string, check: () => Promise<unknown>): Promise<void> {
  credential.set(key);
  access.value = { kind: 'open' };
  try {
    await check();
    openHost();
  } catch (error) {
    credential.clear();
    access.value = { kind: 'asking', refused: error instanceof ApiError ? error.message : 'The key could not be tried.' };
  }
}

export function leave(): void {
  credential.clear();
  line?.close();
  line = undefined;
  access.value = { kind: 'asking' };
}

/** The present, in whole seconds, for what counts down or says how long ago. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

effect(() => {
  document.documentElement.dataset['line'] = connection.value.kind;
});
