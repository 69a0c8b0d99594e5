/** Editing and deleting: by the author, by an owner, by the host; what others see of it, and what an agent no longer sees. */
// #region setup
import { Agent, extractText, MockAIProvider, RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';

// #endregion
import { messageText } from 'roomkit';
import { MockTransportProvider } from 'roomkit/testing';

const texts = new MockTransportProvider('texts');
const model = new MockAIProvider({ responses: ['Noted.'] });
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: texts })); // cannot edit: gets a correction
kit.registerChannel(new Agent('helper', { provider: model }));
await kit.createRoom({ roomId: 'room' });
for (const channelId of ['web', 'texts', 'helper']) await kit.attachChannel('room', channelId);
await kit.connectWebsocket('web', 'tab', () => undefined, {
  roomIds: ['room'],
  changed: (event, change) => console.log(`  browser: ${change} → ${change === 'updated' ? extractText(event) : 'gone'}`),
});

// #region setup
const sent = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'We meet at 3' }, { roomId: 'room' });
const targetEventId = sent.event?.id ?? '';
// #endregion

const show = (what: string, { blocked, reason }: { blocked: boolean; reason?: string }): void =>
  console.log(`${what}: ${blocked ? `refused, ${reason}` : 'done'}`);

// #region edit
const edit = (senderId: string, body: string, editSource?: string) =>
  kit.processInbound(
    {
      channelId: 'web',
      senderId,
      content: { type: 'edit', targetEventId, newContent: { type: 'text', body }, ...(editSource !== undefined && { editSource }) },
    },
    { roomId: 'room' },
  );
show('the author edits', await edit('ada', 'We meet at 4'));
show('somebody else edits', await edit('bob', 'We meet at midnight'));
// #endregion
const stored = await kit.getEvent('room', targetEventId);
console.log(`  stored: ${stored === null ? '' : extractText(stored)} (edited: ${String(stored?.metadata['edited'])})`);
console.log(`  texts got: ${texts.sent.map(({ content }) => extractText(content)).join(' | ')}`);

// #region owner
await kit.ensureParticipant('room', 'web', 'olga', { role: 'owner' });
await kit.store.createIdentity({ id: 'olga-id', displayName: 'Olga' });
show('an owner nobody has identified', await edit('olga', 'We meet at 5', 'admin'));
await kit.resolveParticipant('room', 'olga', 'olga-id');
show('an identified owner', await edit('olga', 'We meet at 5', 'admin'));
// #endregion

// #region delete
const deletion = await kit.processInbound(
  { channelId: 'web', senderId: 'ada', content: { type: 'delete', targetEventId, reason: 'wrong day' } },
  { roomId: 'room' },
);
show('the author deletes', deletion);
// #endregion
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'When do we meet?', addressedTo: ['helper'] }, { roomId: 'room' });
console.log(
  `  the agent reads: ${model.calls
    .at(-1)
    ?.messages.map((message) => messageText(message))
    .join(' / ')}`,
);

// #region host
const spam = await kit.sendEvent('room', 'texts', 'Buy now', { addressedTo: [] });
await kit.updateEvent('room', spam.id, { visibility: 'internal', metadata: { moderated: true } }); // hide
await kit.deleteEvent('room', spam.id); // or remove for good, answers included
// #endregion
await kit.sendEvent('room', 'texts', 'Sorry', { addressedTo: [] });
console.log(`indexes: ${(await kit.getTimeline('room')).map(({ index }) => index).join(' ')}`);

// prints:
//   browser: updated → We meet at 4
// the author edits: done
// somebody else edits: refused, not_original_author
//   stored: We meet at 4 (edited: true)
//   texts got: We meet at 3 | Noted. | Correction: We meet at 4
// an owner nobody has identified: refused, not_original_author
//   browser: updated → We meet at 5
// an identified owner: done
//   browser: deleted → gone
// the author deletes: done
//   the agent reads: Noted. / When do we meet?
//   browser: deleted → gone
//   browser: deleted → gone
// indexes: 0 1 2 3 4 5 6 7 8 9 10 12
