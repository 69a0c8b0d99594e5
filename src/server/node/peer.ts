/** Who is at the other end of a connection of Node. */
import type { Peer } from '../auth/address.js';

export function peerOf(address: string | undefined): Peer {
  return address === undefined ? {} : { address };
}
