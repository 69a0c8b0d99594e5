/** Whether a channel says that it can take something now. One that fails to say is asked to deliver, and then says so itself. */
import type { Channel } from '../channel.js';

export function isReady(channel: Channel): boolean {
  try {
    return channel.ready?.() !== false;
  } catch {
    return true;
  }
}
