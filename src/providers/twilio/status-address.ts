/**
 * The key of a message in the address to which Twilio reports what became of it. Twilio has no other place for one: its
 * Messages resource takes no idempotency key, and its signature covers the whole address.
 */
const NAME = 'roomkit_key';

/** The address with the key, put before a fragment, where Twilio keeps settings of the connection. */
export function withKey(address: string, key: string): string {
  const [, before = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(address) ?? [];
  return `${before}${before.includes('?') ? '&' : '?'}${NAME}=${encodeURIComponent(key)}${fragment}`;
}

/** The key in an address that was called; undefined where there is none. */
export function keyIn(address: string): string | undefined {
  const key = URL.canParse(address) ? new URL(address).searchParams.get(NAME) : null;
  return key === null || key === '' ? undefined : key;
}
