/** A secret in the address of a webhook, for vendors that sign nothing: `/webhooks/{channelId}/{secret}` (PV-09). */
import type { Secret } from '../../../core/telemetry/secret.js';
import { isSame } from '../http/signature.js';

/** Whether the last part of the address is the secret. */
export function hasPathSecret(url: string, secret: Secret | undefined): boolean {
  if (secret === undefined || !URL.canParse(url)) return false;
  const segment = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return isSame(decodeURIComponent(segment), secret.reveal());
  } catch {
    return false; // no address that anybody was given
  }
}
