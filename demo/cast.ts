/** Who is who in the help desk. It imports nothing: the program and its page both use it. */
export const ROOM_ID = 'help-desk';
/** Where the phone at home is heard: a number of its own is a conversation of its own. */
export const FAMILY_ROOM_ID = 'family-phone';
export const CUSTOMER = { channelId: 'web', participantId: 'ada', displayName: 'Ada Park' };
/** Under which addresses she is known beside the page. */
export const ADDRESSES = { phone: '+15550123', mail: 'ada@example.org', chat: 'Ada', familyPhone: '+15550177' };
/** Who writes on the phone at home, too. */
export const RELATIVE = { id: 'leo', displayName: 'Leo Park', mail: 'leo@example.org' };
/** What the old shop knew of her: nobody has said yet that it is her. */
export const OLD_ACCOUNT = { id: 'shop-4711', displayName: 'A. Park', mail: 'a.park@work.example' };
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
