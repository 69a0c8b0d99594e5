/** Who is behind an address: known people, a phone that two of them share, and an account that may be somebody twice. */
import { createTransport } from 'nodemailer';
import { CodeChallenge, type CodeDelivery, type ConversationStore, type Identity, type IdentityResolver, type RoomKit } from 'roomkit';
import { ADDRESSES, CUSTOMER, OLD_ACCOUNT, RELATIVE, ROOM_ID } from './cast.js';
import type { LinesByChannel } from './lines.js';

/** Kinds of channels whose senders are looked up. */
export const LOOKED_UP = ['sms', 'email', 'telegram'] as const;

/** Who has which number, by what the shop knows of its customers. An address that two share is nobody's own. */
const SHARED: Readonly<Record<string, readonly string[]>> = { [ADDRESSES.familyPhone]: [CUSTOMER.participantId, RELATIVE.id] };

/** The same person on every line; from a shared phone, whose code comes back. */
export function whoWrites(store: ConversationStore, lines: LinesByChannel | undefined): IdentityResolver {
  const byAddress: IdentityResolver = {
    resolve: async ({ senderId, channelId }) => {
      const people = Object.hasOwn(SHARED, senderId) ? SHARED[senderId] : undefined;
      if (people !== undefined) return { status: 'ambiguous', candidates: await readAll(store, people) };
      const channelType = channelId === 'mail' ? 'email' : channelId === 'telegram' ? 'telegram' : 'sms';
      const identity = await store.resolveIdentity({ channelType, address: senderId });
      return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
    },
  };
  return new CodeChallenge({
    store,
    resolver: byAddress,
    words: { ask: 'Hello! Who is writing? We have mailed you a code: please answer with it.' },
    sendCode: async (delivery) => lines !== undefined && mailCode(lines, delivery),
  });
}

/** A mail of its own, beside every room: a code is for the eyes of one person, and no part of a conversation. */
async function mailCode({ mail }: LinesByChannel, { code, identity, validForSeconds }: CodeDelivery): Promise<boolean> {
  const to = identity.channelAddresses?.email?.[0];
  if (to === undefined) return false;
  const { host, port, user, password, fromAddress } = mail.provider.options;
  const post = createTransport({ host: String(host), port: Number(port), ignoreTLS: true, auth: { user: String(user), pass: String(password) } });
  const text = `${code} is your code for the help desk. It holds for ${validForSeconds / 60} minutes. Somebody else wrote? Then do nothing.`;
  try {
    await post.sendMail({ from: String(fromAddress), to, subject: 'Your code', text });
  } finally {
    post.close();
  }
  return true;
}

/** The customers, as the shop knows them; one of them has an older account, too, under which she is somebody else as yet. */
export async function rememberPeople(kit: RoomKit, { sms, mail, telegram }: LinesByChannel): Promise<void> {
  const { participantId: ada, displayName } = CUSTOMER;
  const people: readonly Identity[] = [
    { id: ada, displayName, channelAddresses: { sms: [sms.device.address], email: [mail.device.address], telegram: [telegram.device.address] } },
    { id: RELATIVE.id, displayName: RELATIVE.displayName, channelAddresses: { email: [RELATIVE.mail] } },
    { id: OLD_ACCOUNT.id, displayName: OLD_ACCOUNT.displayName, channelAddresses: { email: [OLD_ACCOUNT.mail] }, externalIds: { shop: '4711' } },
  ];
  for (const person of people) if ((await kit.store.getIdentity(person.id)) === null) await kit.store.createIdentity(person);
  await kit.ensureParticipant(ROOM_ID, 'mail', OLD_ACCOUNT.id, { displayName: OLD_ACCOUNT.displayName });
  for (const id of [ada, OLD_ACCOUNT.id]) {
    if ((await kit.store.getParticipant(ROOM_ID, id))?.identityId === undefined) await kit.resolveParticipant(ROOM_ID, id, id, 'the shop');
  }
}

async function readAll(store: ConversationStore, ids: readonly string[]): Promise<Identity[]> {
  const found = await Promise.all(ids.map(async (id) => store.getIdentity(id)));
  return found.filter((identity) => identity !== null);
}
