/** Whose address counts: the socket's, or what a trusted proxy says of it (AUTH-10). */
import { ValidationError } from '../../core/index.js';
import type { HeaderReader } from './bearer.js';

/** What the transport knows of the other side; a handler that is mounted somewhere may know nothing. */
export interface Peer {
  /** The socket's remote address. */
  readonly address?: string;
}

/** Four or sixteen bytes. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export function parseAddress(text: string): readonly number[] | undefined {
  const address = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (!address.includes(':')) return parseIpv4(address);
  const bytes = parseIpv6(address.replace(/%.*$/, ''));
  const isMapped = bytes?.slice(0, 10).every((byte) => byte === 0) === true && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}

export function isLoopbackAddress(text: string): boolean {
  const bytes = parseAddress(text);
  if (bytes === undefined) return false;
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

/** Whether a host name, as in a Host header or a `host` option, can only mean this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(name);
}

/** What limits count by: the address, of IPv6 its network, because one machine has a whole one. */
export function limitKey(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const bytes = parseAddress(address);
  if (bytes === undefined) return 'unknown';
  return bytes.length === 4 ? bytes.join('.') : bytes.slice(0, 8).join('.');
}

/** Proxies whose forwarded headers are believed: addresses, or networks such as `10.0.0.0/8`. */
export class TrustedProxies {
  readonly #networks: readonly { readonly bytes: readonly number[]; readonly bits: number }[];

  /** Throws ValidationError for what is neither. */
  constructor(entries: readonly string[]) {
    this.#networks = entries.map((entry) => {
      const [address = '', bits] = entry.split('/');
      const bytes = parseAddress(address);
      const length = bits === undefined ? (bytes?.length ?? 0) * 8 : Number(bits);
      if (bytes === undefined || !Number.isInteger(length) || bits === '' || length < 0 || length > bytes.length * 8) {
        throw new ValidationError(`trustedProxies names '${entry}', which is no address and no network. Write 10.1.2.3, 10.0.0.0/8 or fd00::/8.`);
      }
      return { bytes, bits: length };
    });
  }

  includes(address: string | undefined): boolean {
    if (this.#networks.length === 0) return false;
    const bytes = address === undefined ? undefined : parseAddress(address);
    return bytes !== undefined && this.#networks.some((network) => isWithin(bytes, network.bytes, network.bits));
  }

  /** The address a request came from: the last hop of `X-Forwarded-For` that is no proxy of ours. */
  clientAddress(peer: Peer | undefined, headers: HeaderReader): string | undefined {
    const socket = peer?.address;
    if (this.#networks.length === 0 || !this.includes(socket)) return socket;
    const hops = (headers.get('x-forwarded-for') ?? '')
      .split(',')
      .map((hop) => withoutPort(hop.trim()))
      .filter((hop) => hop !== '');
    return hops.reverse().find((hop) => !this.includes(hop)) ?? socket;
  }

  /** `https:` when a trusted proxy says that the browser came that way. */
  protocol(peer: Peer | undefined, headers: HeaderReader): string | undefined {
    if (!this.includes(peer?.address)) return undefined;
    const forwarded = headers.get('x-forwarded-proto')?.split(',').at(-1)?.trim();
    return forwarded === 'https' || forwarded === 'http' ? `${forwarded}:` : undefined;
  }
}

/** Headers by which proxies name those they speak for. */
export function isForwarded(headers: HeaderReader): boolean {
  return headers.has('x-forwarded-for') || headers.has('forwarded') || headers.has('x-real-ip') || headers.has('via');
}

function withoutPort(hop: string): string {
  if (hop.startsWith('[')) return hop.replace(/\]:\d+$/, ']');
  return /^[\d.]+:\d+$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop;
}

function isWithin(bytes: readonly number[], network: readonly number[], bits: number): boolean {
  if (bytes.length !== network.length) return false;
  for (let at = 0; at * 8 < bits; at++) {
    const mask = bits - at * 8 >= 8 ? 0xff : (0xff << (8 - (bits - at * 8))) & 0xff;
    if (((bytes[at] ?? 0) & mask) !== ((network[at] ?? 0) & mask)) return false;
  }
  return true;
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return undefined;
  return parts.map(Number);
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [position, group] of groups.entries()) {
    if (position === groups.length - 1 && group.includes('.')) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
