/** Posting to an address that was looked at (PV-14): the connection is made to what was checked, and no redirect is followed. */
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { checkedAddresses, hostOf, type AddressGuard, type ResolvedAddress } from '../_shared/guarded-address.js';

/** Where to connect to. Rejects with RoomKitError: the address is refused, or nobody knows it. */
export function checkedTarget(url: URL, guard: AddressGuard): Promise<readonly ResolvedAddress[]> {
  return checkedAddresses(url, guard);
}

/** A fetch that connects to these addresses, whatever the name would mean by then. Takes what {@link HttpClient} gives it: a text. */
export function fetchAt(addresses: readonly ResolvedAddress[]): typeof fetch {
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const body = typeof init.body === 'string' ? init.body : '';
      const options: RequestOptions = {
        method: init.method ?? 'GET',
        host: hostOf(url),
        port: url.port === '' ? undefined : Number(url.port),
        path: `${url.pathname}${url.search}`,
        headers: { ...Object.fromEntries(new Headers(init.headers)), 'content-length': String(Buffer.byteLength(body)), host: url.host },
        // No pool: a connection that somebody else has opened was checked by nobody.
        agent: false,
        lookup: pinned(addresses),
        signal: init.signal ?? undefined,
      };
      const sent = url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
      sent.on('error', reject); // also one that comes behind the answer
      sent.once('response', (answer) => {
        const { statusCode: status = 502, rawHeaders } = answer;
        const headers: Headers = new Headers();
        for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
        const isBare = status === 204 || status === 205 || status === 304;
        if (isBare) answer.resume();
        resolve(new Response(isBare ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>), { status, headers })); // bytes, by any name
      });
      sent.end(body);
    });
}

/** The name is not looked up again: between the check and the connection it could come to mean another machine. */
function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 0);
  };
}
