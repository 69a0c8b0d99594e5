/** The headless run's checks of who is who: a phone that two people share, and two accounts that are one person. */
import type { Identity, IdentityMerge } from 'roomkit';
import type { WireEvent } from 'roomkit/client';
import type { Device } from 'roomkit/emulators';
import { ADDRESSES, CUSTOMER, FAMILY_ROOM_ID, OLD_ACCOUNT, RELATIVE } from './cast.js';
import { essence, readTimeline, soon, type Checks } from './checks.js';
import type { RunningServer } from './server.js';

/** Two people write on one phone: who does is asked by codes in their mailboxes, and what was written waits. */
export async function playFamilyPhone({ address, lines }: RunningServer, checks: Checks): Promise<void> {
  const { familyPhone: phone, relativesMail } = lines;
  const heard = (words: string): boolean => phone.messages.some(({ isOwn, text }) => !isOwn && text.includes(words));
  const codeIn = ({ messages }: Device): string =>
    /\b\d{6}\b/.exec(messages.findLast(({ subject }) => subject === 'Your code')?.text ?? '')?.[0] ?? '';
  const said = async (): Promise<WireEvent[]> =>
    (await readTimeline(address, FAMILY_ROOM_ID)).filter(({ type, source }) => type === 'message' && source.channelId === 'sms');

  await phone.write('Where is order 20817?');
  await soon(() => heard('Who is writing?') && codeIn(relativesMail) !== '' && codeIn(lines.mail.device) !== '');
  checks.that('the phone at home is asked who is writing, and what it wrote waits', heard('Who is writing?') && (await said()).length === 0);
  const codes = [codeIn(lines.mail.device), codeIn(relativesMail)];
  checks.that('each of the two who share it has a code of their own', codes.every((code) => code.length === 6) && codes[0] !== codes[1]);
  await phone.write(codes[0] === '000000' || codes[1] === '000000' ? '000001' : '000000');
  await soon(() => heard('That is not the code'));
  checks.that('a wrong code is refused', heard('That is not the code') && (await said()).length === 0);
  await phone.write(codes[1] ?? '');
  await soon(() => heard('20817'));
  const messages = await said();
  checks.that(
    'his code makes it Leo who asked, and Mia answers him there',
    heard('20817') && messages.map(({ source }) => source.participantId).join() === RELATIVE.id,
  );
  const everything = JSON.stringify([await readTimeline(address), await readTimeline(address, FAMILY_ROOM_ID)]);
  checks.that(
    'no code is in any conversation',
    codes.every((code) => !everything.includes(code)),
  );
}

/** Two accounts turn out to be one person, and then they do not: nothing that was said changes. */
export async function playMerge({ address }: RunningServer, checks: Checks): Promise<void> {
  const ask = async <Answer>(path: string, body?: object): Promise<Answer> => {
    const order = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await (await fetch(`${address}/api/identities/${path}`, order)).json()) as Answer;
  };
  const read = (id: string): Promise<{ identity: Identity }> => ask(id);
  const merges = async (): Promise<readonly IdentityMerge[]> => (await ask<{ merges: readonly IdentityMerge[] }>(`${ada}/merges`)).merges;
  const timeline = async (): Promise<string> => JSON.stringify((await readTimeline(address)).map(essence));
  const { participantId: ada } = CUSTOMER;
  const before = [await timeline(), JSON.stringify([await read(ada), await read(OLD_ACCOUNT.id)])];
  await ask(`${ada}/merge`, { fromId: OLD_ACCOUNT.id, reason: 'the same person' });
  const { identity } = await read(OLD_ACCOUNT.id);
  const [merge] = await merges();
  checks.that(
    'two accounts are merged: one person with the addresses of both, and it is known who said so',
    identity.id === ada &&
      identity.channelAddresses?.email?.join() === `${ADDRESSES.mail},${OLD_ACCOUNT.mail}` &&
      merge?.reason === 'the same person',
  );
  await ask(`${OLD_ACCOUNT.id}/unmerge`, {});
  const after = [await timeline(), JSON.stringify([await read(ada), await read(OLD_ACCOUNT.id)])];
  checks.that('and parted again exactly; what was said stayed as it was', after.join() === before.join() && (await merges()).length === 0);
}
