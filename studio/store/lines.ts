/** Devices that speak over emulated vendors: phones, mailboxes, chats. What they say goes the whole way, webhook and signature included. */
import { signal } from '@preact/signals';
import { api, ApiError } from '../api.js';
import type { LineDevice } from '../types.js';

/** All there are, whatever room they belong to. */
export const lineDevices = signal<readonly LineDevice[]>([]);

const AGAIN_MS = 2000;
let following: Promise<void> | undefined;

/** Follows the devices from now on, where the server has any. Calling it again changes nothing. */
export function followLines(): void {
  following ??= follow();
}

async function follow(): Promise<void> {
  const { devices } = await api.kit().catch(() => ({ devices: false }));
  if (!devices) {
    following = undefined;
    return;
  }
  let version = 0;
  for (;;) {
    try {
      const answer = await api.readDevices(version);
      version = answer.version;
      lineDevices.value = answer.devices;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      version = 0; // a server that was started anew counts from the beginning
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
