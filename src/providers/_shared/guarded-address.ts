/**
 * Where a server may go when somebody else names the address (PV-14): to public addresses, and to those only that were
 * checked. A name is looked up once, every answer is judged, and the connection is made to what was judged.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { RoomKitError } from '../../core/index.js';

/** One address of a name. */
export interface ResolvedAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

/** All addresses of a name; `dns.promises.lookup(name, { all: true })` unless given. */
export type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** Which addresses are gone to. */
export interface AddressGuard {
  /** Takes loopback, private and shared networks as well: for tests and intranets. What is link-local, with the metadata of clouds, never. */
  readonly allowPrivate?: boolean;
  /** Default: the machine's. */
  readonly lookup?: Lookup;
}

/** The addresses a URL leads to, each of them allowed. Rejects with `media_url_refused`, or `media_unavailable` for an unknown name. */
export async function checkedAddresses(url: URL, guard: AddressGuard = {}): Promise<readonly ResolvedAddress[]> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(url, `Its scheme is '${url.protocol}'; only http: and https: are fetched.`);
  if (url.username !== '' || url.password !== '') throw refused(url, 'It carries a user name or a password.');
  const allowPrivate = guard.allowPrivate === true;
  const hostname = hostOf(url);
  const family = isIP(hostname);
  if (family === 0 && !allowPrivate && isLocalName(hostname)) throw refused(url, 'The name means this machine.');
  const found = family === 0 ? await lookUp(url, hostname, guard.lookup ?? everyAddress) : [{ address: hostname, family }];
  for (const { address } of found) {
    // One that is not allowed among others that are is no accident.
    if (!isAllowedAddress(address, allowPrivate)) throw refused(url, 'It leads to an address that is not public.');
  }
  return found;
}

/** A URL in a message: scheme and host, because paths and queries carry tokens. */
export function nameOfUrl(url: URL): string {
  return `${url.protocol}//${url.host}/…`;
}

/** Whether a server may connect there. What is no address at all may not. */
export function isAllowedAddress(address: string, allowPrivate = false): boolean {
  const plain = address.replace(/%.*$/, '');
  switch (isIP(plain)) {
    case 4:
      return !NEVER.check(plain) && (allowPrivate ? !RESERVED.check(plain) || PRIVATE.check(plain) : !RESERVED.check(plain));
    case 6: {
      const embedded = embeddedIpv4(plain);
      if (embedded !== undefined) return isAllowedAddress(embedded, allowPrivate);
      if (NEVER.check(plain, 'ipv6')) return false;
      if (allowPrivate && PRIVATE.check(plain, 'ipv6')) return true;
      return GLOBAL.check(plain, 'ipv6') && !RESERVED.check(plain, 'ipv6');
    }
    default:
      return false;
  }
}

/** The host as it is connected to: without brackets, and without the dot that ends an absolute name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function isLocalName(hostname: string): boolean {
  return hostname === '' || hostname === 'localhost' || hostname.endsWith('.localhost');
}

async function lookUp(url: URL, hostname: string, lookup: Lookup): Promise<readonly ResolvedAddress[]> {
  let found: readonly ResolvedAddress[];
  try {
    found = await lookup(hostname);
  } catch (error) {
    throw new RoomKitError('media_unavailable', `${nameOfUrl(url)} cannot be reached: nobody knows an address of that name.`, {
      retryable: true,
      cause: error,
    });
  }
  if (found.length === 0) throw refused(url, 'The name has no address.');
  return found;
}

const everyAddress: Lookup = (hostname) => systemLookup(hostname, { all: true, verbatim: true });

function refused(url: URL, why: string): RoomKitError {
  return new RoomKitError(
    'media_url_refused',
    `${nameOfUrl(url)} is not fetched. ${why} For tests and intranets there is guardedFetch({ allowPrivate: true }).`,
  );
}

// --- the networks, by the special-purpose registries of IANA -----------------------------------------------------------

/** Link-local, where clouds keep their metadata, and the addresses some of them use instead. */
const NEVER = networks(
  ['169.254.0.0/16', '168.63.129.16/32', '100.100.100.200/32', '0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'],
  ['fe80::/10', 'fec0::/10', 'ff00::/8', 'fd00:ec2::/32', '::/128'],
);

const PRIVATE = networks(['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'], ['::1/128', 'fc00::/7']);

const RESERVED = networks(
  [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  // Within 2000::/3; everything outside of it is not global. 2002::/16 and 2001::/32 carry IPv4 addresses of anybody's choice.
  ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
);

const GLOBAL = networks([], ['2000::/3']);

function networks(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [family, entries] of [['ipv4', ipv4] as const, ['ipv6', ipv6] as const]) {
    for (const entry of entries) {
      const [network = '', bits] = entry.split('/');
      list.addSubnet(network, Number(bits), family);
    }
  }
  return list;
}

/** IPv4 in IPv6: mapped (`::ffff:a.b.c.d`) and by the well-known prefix of NAT64 (`64:ff9b::a.b.c.d`). It is judged as IPv4. */
function embeddedIpv4(address: string): string | undefined {
  // A URL writes an IPv6 address in its one normal form, with groups of hexadecimal digits only.
  const normal = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const groups = /^(?:::ffff|64:ff9b:):([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(normal);
  if (groups === null) return /^(?:::ffff|64:ff9b:):([0-9a-f]{1,4})$/.test(normal) || normal === '64:ff9b::' ? '0.0.0.0' : undefined;
  const bytes = [groups[1], groups[2]].flatMap((group) => {
    const value = parseInt(group ?? '', 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join('.');
}
