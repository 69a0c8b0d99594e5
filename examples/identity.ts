/** Who writes? A resolver that knows some numbers, a challenge for one it does not, two people at one number, and a merge. */
// #region resolver
import { extractText, IdentityHookResult, InMemoryStore, RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';
import type { ConversationStore, IdentityResolver } from 'roomkit';

// #endregion
import { MockTransportProvider } from 'roomkit/testing';

// #region resolver
const store: ConversationStore = new InMemoryStore();
await store.createIdentity({ id: 'ada', displayName: 'Ada', channelAddresses: { sms: ['+15550123'] }, metadata: { pin: '4711' } });
await store.createIdentity({ id: 'bob', displayName: 'Bob' });
const household = [await store.getIdentity('ada'), await store.getIdentity('bob')].filter((identity) => identity !== null);

const resolver: IdentityResolver = {
  resolve: async ({ senderId, content }) => {
    if (senderId === '+15550199') return { status: 'ambiguous', candidates: household };
    const [, pin] = /PIN is (\d{4})/.exec(typeof content === 'string' ? content : '') ?? [];
    const identity = pin === '4711' ? await store.getIdentity('ada') : await store.resolveIdentity({ channelType: 'sms', address: senderId });
    return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
  },
};
const kit = new RoomKit({ store, identityResolver: resolver, identityChannelTypes: ['sms'] });
// #endregion
const gateway = new MockTransportProvider('gateway');
gateway.onSend = ({ to, content }) => console.log(`  to ${to}: ${extractText(content)}`);
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: gateway, recipientKey: 'phone_number' }));
kit.registerChannel(new WebSocketChannel('clerk'));

// #region hooks
kit.hook('on_identity_unknown', { name: 'ask_who' }, ({ source }) => {
  if (source.participantId === '+15550666') return IdentityHookResult.reject('number_is_barred');
  if (source.participantId === '+15550777') return IdentityHookResult.pending({ displayName: 'Somebody new' });
  return IdentityHookResult.challenge('Who is this? Please send your name and PIN.');
});
kit.hook('on_identity_ambiguous', { name: 'first_of_house' }, (_event, _context, result) => {
  const [first] = result.candidates ?? [];
  return first === undefined ? null : IdentityHookResult.resolved(first);
});
// #endregion

async function text(senderId: string, content: string): Promise<string> {
  const { blocked, reason, event } = await kit.processInbound({ channelId: 'texts', senderId, content });
  const people = event === undefined ? [] : await kit.listParticipants(event.roomId);
  const who = people.map(({ id, displayName, identification }) => `${displayName ?? id} (${identification})`).join(', ');
  console.log(`${senderId} “${content}”: ${blocked ? `held or refused: ${reason}` : `from ${event?.source.participantId}; in the room: ${who}`}`);
  return event?.roomId ?? '';
}
await text('+15550123', 'Hi, Ada here');
await text('+15550199', 'Hi from the house');
await text('+15550666', 'Win a cruise');
const roomId = await text('+15550777', 'Good morning');

// #region challenge
await text('+15550142', 'It is me, I lost my phone'); // asked; the message waits
const adasRoom = await text('+15550142', 'My PIN is 4711'); // the resolver reads it: what waited goes first, then this
// #endregion
const lines = (await kit.getTimeline(adasRoom)).filter(({ type }) => type === 'message');
console.log(`the room: ${lines.map((event) => extractText(event)).join(' | ')}`);

await text('+15550143', 'I have a new phone');
// #region complete
// Or the answer comes another way: a link that was clicked, a clerk who called back.
const [processed] = await kit.completeChallenge({ channelId: 'texts', senderId: '+15550143' }, await store.getIdentity('bob')); // null: discard
// #endregion
console.log(`processed now: “${processed?.event === undefined ? '' : extractText(processed.event)}” from ${processed?.event?.source.participantId}`);

// #region manual
await kit.resolveParticipant(roomId, '+15550777', 'bob', 'clerk'); // a person knew who it was
// #endregion
console.log(
  `now: ${(await kit.listParticipants(roomId)).map(({ id, displayName, resolvedBy }) => `${id} is ${displayName}, says ${resolvedBy}`).join()}`,
);

// #region merge
await store.createIdentity({ id: 'ada-old', displayName: 'A. Lovelace', channelAddresses: { email: ['ada@example.com'] } });
await kit.mergeIdentities('ada', 'ada-old', { by: 'clerk', reason: 'same person' });
console.log(`merged: ${JSON.stringify((await store.getIdentity('ada-old'))?.channelAddresses)}`);
await kit.unmergeIdentity('ada-old');
console.log(`undone: ${JSON.stringify((await store.getIdentity('ada-old'))?.channelAddresses)}`);
// #endregion
await kit.close();

// prints:
// +15550123 “Hi, Ada here”: from ada; in the room: Ada (identified)
// +15550199 “Hi from the house”: from ada; in the room: Ada (identified)
// +15550666 “Win a cruise”: held or refused: number_is_barred
// +15550777 “Good morning”: from +15550777; in the room: Somebody new (pending)
//   to +15550142: Who is this? Please send your name and PIN.
// +15550142 “It is me, I lost my phone”: held or refused: identity_challenge_sent
// +15550142 “My PIN is 4711”: from ada; in the room: Ada (identified)
// the room: Who is this? Please send your name and PIN. | It is me, I lost my phone | My PIN is 4711
//   to +15550143: Who is this? Please send your name and PIN.
// +15550143 “I have a new phone”: held or refused: identity_challenge_sent
// processed now: “I have a new phone” from bob
// now: +15550777 is Bob, says clerk
// merged: {"sms":["+15550123"],"email":["ada@example.com"]}
// undone: {"email":["ada@example.com"]}
