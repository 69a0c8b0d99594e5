import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { isLoopbackAddress, isLoopbackHost, limitKey, parseAddress, TrustedProxies } from './address.js';

describe('addresses', () => {
  it('reads IPv4, IPv6 and IPv4 inside IPv6', () => {
    expect(parseAddress('10.1.2.3')).toEqual([10, 1, 2, 3]);
    expect(parseAddress('::ffff:10.1.2.3')).toEqual([10, 1, 2, 3]);
    expect(parseAddress('[::1]')).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(parseAddress('fe80::1%eth0')?.slice(0, 2)).toEqual([0xfe, 0x80]);
    expect(parseAddress('1:2:3:4:5:6:7:8')?.length).toBe(16);
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1::2::3', '1:2:3', '12345::', 'g::1', '1:2:3:4:5:6:7:8:9', 'localhost', '::1.2.3'])(
    'does not take %j for an address',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  it('knows what can only be this machine', () => {
    for (const address of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1']) expect(isLoopbackAddress(address), address).toBe(true);
    for (const address of ['128.0.0.1', '::2', '0.0.0.0', '::', '', '127.0.0.1.evil.example'])
      expect(isLoopbackAddress(address), address).toBe(false);
    for (const host of ['localhost', 'LOCALHOST', 'app.localhost', '127.0.0.1', '[::1]']) expect(isLoopbackHost(host), host).toBe(true);
    for (const host of ['localhost.evil.example', '127.0.0.1.nip.io', 'evil.example', '0.0.0.0']) expect(isLoopbackHost(host), host).toBe(false);
  });

  it('counts the networks of IPv6 as one caller', () => {
    expect(limitKey('2001:db8:1:2::1')).toBe(limitKey('2001:db8:1:2:ffff::9'));
    expect(limitKey('2001:db8:1:2::1')).not.toBe(limitKey('2001:db8:1:3::1'));
    expect(limitKey('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(limitKey(undefined)).toBe('unknown');
  });
});

describe('trusted proxies', () => {
  const forwarded = (value: string): Headers => new Headers({ 'x-forwarded-for': value });

  it('believe nobody by default', () => {
    verifies('AUTH-10');
    expect(new TrustedProxies([]).clientAddress({ address: '203.0.113.9' }, forwarded('1.1.1.1'))).toBe('203.0.113.9');
  });

  it('are believed for the last hop that is none of them', () => {
    verifies('AUTH-10');
    const proxies = new TrustedProxies(['10.0.0.0/8', '::1']);
    expect(proxies.clientAddress({ address: '10.0.0.1' }, forwarded('6.6.6.6, 198.51.100.7, 10.2.0.1'))).toBe('198.51.100.7');
    expect(proxies.clientAddress({ address: '::ffff:10.0.0.1' }, forwarded('198.51.100.7:5123'))).toBe('198.51.100.7');
    expect(proxies.clientAddress({ address: '10.0.0.1' }, new Headers())).toBe('10.0.0.1');
    // Not one of ours: what it claims counts for nothing.
    expect(proxies.clientAddress({ address: '11.0.0.1' }, forwarded('198.51.100.7'))).toBe('11.0.0.1');
    expect(proxies.clientAddress(undefined, forwarded('198.51.100.7'))).toBeUndefined();
  });

  it('say which protocol the browser used', () => {
    const proxies = new TrustedProxies(['10.0.0.1']);
    const https = new Headers({ 'x-forwarded-proto': 'https' });
    expect(proxies.protocol({ address: '10.0.0.1' }, https)).toBe('https:');
    expect(proxies.protocol({ address: '10.0.0.2' }, https)).toBeUndefined();
    expect(proxies.protocol({ address: '10.0.0.1' }, new Headers({ 'x-forwarded-proto': 'gopher' }))).toBeUndefined();
  });

  it.each(['', 'proxy.example', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/', '::/129'])('refuse %j at start', (entry) => {
    expect(() => new TrustedProxies([entry])).toThrow(/no address and no network/);
  });
});
