/** Who is who in the help desk. It imports nothing: the program and its page both use it. */
export const ROOM_ID = 'help-desk';
export const CUSTOMER = { channelId: 'web', participantId: 'ada', displayName: 'Ada Park' };
/** Under which addresses she is known beside the page. */
export const ADDRESSES = { phone: '+15550123', mail: 'ada@example.org', chat: 'Ada' };
/** Every way over which the customer writes. */
export const CUSTOMER_CHANNELS: readonly string[] = ['web', 'sms', 'mail', 'telegram'];
export const COLLEAGUE = { channelId: 'desk', participantId: 'sam', displayName: 'Sam Okafor' };

const NAMES: Readonly<Record<string, string>> = {
  [CUSTOMER.channelId]: CUSTOMER.displayName,
  [CUSTOMER.participantId]: CUSTOMER.displayName,
  [COLLEAGUE.channelId]: COLLEAGUE.displayName,
  [COLLEAGUE.participantId]: COLLEAGUE.displayName,
  mia: 'Mia',
  ben: 'Ben',
  tara: 'Tara',
  human: 'a person',
};

/** What people call a channel, an agent or somebody who speaks; undefined: nobody of the help desk. */
export function knownName(id: string): string | undefined {
  return Object.hasOwn(NAMES, id) ? NAMES[id] : undefined;
}
