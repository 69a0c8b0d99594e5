/**
 * People at WhatsApp: by their number, or, where they hide it behind a username, by an id that only this business knows.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
 */

/** A business-scoped user id: a country, a point, and Meta's own letters and digits. */
const USER_ID = /^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$/;

/** A number in E.164 as everywhere in the kit: Meta leaves the + out. Undefined for what is neither number nor id. */
export function addressOf(phone: string | undefined, userId: string | undefined): string | undefined {
  if (phone !== undefined && /^\+?\d{5,15}$/.test(phone)) return `+${phone.replace(/^\+/, '')}`;
  return userId !== undefined && USER_ID.test(userId) ? userId : undefined;
}

/** Whom a message goes to, in the API's fields. */
export function recipientOf(address: string): Readonly<Record<string, string>> {
  return USER_ID.test(address) ? { recipient: address } : { to: address.replace(/^\+/, '').replace(/[\s()-]/g, '') };
}
