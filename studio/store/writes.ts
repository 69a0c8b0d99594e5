/** What Studio changes. Each is one call; what came of it shows in the timeline, and what cannot be undone is asked first. */
import { api, ApiError } from '../api.js';
import type { Access, Identity, OutboxRow, WireEvent } from '../types.js';
import { confirm } from '../view/confirm.js';
import { complain, tell } from '../view/notices.js';
import { current } from './current.js';

/** Runs a write; a refusal is told. True when it was done. */
async function write(work: () => Promise<unknown>, done: string | (() => string | undefined)): Promise<boolean> {
  try {
    await work();
    const words = typeof done === 'string' ? done : done();
    if (words !== undefined) tell(words);
    return true;
  } catch (error) {
    complain(error instanceof ApiError ? error : new Error('It could not be done. Try again.'));
    return false;
  } finally {
    void current.value?.readDetail().catch(() => undefined);
  }
}

export function setMuted(roomId: string, channelId: string, muted: boolean): Promise<boolean> {
  return write(() => api.changeBinding(roomId, channelId, { muted }), muted ? `${channelId} is muted` : `${channelId} is heard again`);
}

export function setAccess(roomId: string, channelId: string, access: Access): Promise<boolean> {
  return write(() => api.changeBinding(roomId, channelId, { access }), `${channelId}: ${access.replace('_', ' ')}`);
}

export function setVisibility(roomId: string, channelId: string, visibility: string): Promise<boolean> {
  return write(() => api.changeBinding(roomId, channelId, { visibility }), `What ${channelId} says reaches: ${visibility}`);
}

export function takeOver(roomId: string): Promise<boolean> {
  return write(() => api.setActiveAgent(roomId, null, 'Taken over in Studio'), 'A person has the conversation now');
}

export async function handOver(roomId: string, agentId: string, name: string): Promise<boolean> {
  let isAgainstPhases = false;
  const hand = async (override: boolean): Promise<void> => {
    const { accepted, reason } = await api.handOver(roomId, agentId, 'Handed over in Studio', override);
    isAgainstPhases = !accepted && !override && reason.startsWith('Transition from phase');
    if (!accepted && !isAgainstPhases) throw new ApiError(409, 'refused', `It was refused: ${reason}`);
  };
  const told = `${name} has the conversation now`;
  const done = await write(
    () => hand(false),
    () => (isAgainstPhases ? undefined : told),
  );
  if (!isAgainstPhases) return done;
  const sure = await confirm({
    title: `Hand over to ${name} all the same?`,
    text: 'The phases of this conversation do not lead there from here. Agents could not do it; a person may.',
    action: 'Hand over',
  });
  return (
    sure &&
    write(
      () => hand(true),
      () => told,
    )
  );
}

/** Puts other words in the place of a text. Whoever shows the event is told that it was edited, as after an edit by its author. */
export function editEvent(roomId: string, event: WireEvent, body: string): Promise<boolean> {
  const metadata = { edited: true, edited_at: new Date().toISOString() };
  return write(() => api.changeEvent(roomId, event.id, { content: { type: 'text', body }, metadata }), `Event ${event.index} is changed`);
}

/** `answers`: events it caused, as far as they are known here. */
export async function deleteEvent(roomId: string, event: WireEvent, answers: number): Promise<boolean> {
  const andAnswers = answers === 0 ? '' : answers === 1 ? ', and the answer it caused' : `, and the ${answers} answers it caused`;
  const sure = await confirm({
    title: `Delete event ${event.index}?`,
    text: `It goes from the timeline and from the store, for everybody${andAnswers}. Nobody can bring it back; what was delivered already is not called back.`,
    action: 'Delete',
  });
  return sure && write(() => api.deleteEvent(roomId, event.id), `Event ${event.index} is deleted`);
}

/** Closing ends what waits, and what was cancelled does not come back with reopening. */
export async function closeRoom(roomId: string): Promise<boolean> {
  const sure = await confirm({
    title: 'Close this room?',
    text: 'Nothing more can be said in it, and turns of agents that wait are cancelled; these do not come back. The room can be reopened.',
    action: 'Close room',
  });
  return sure && write(() => api.closeRoom(roomId), 'The room is closed');
}

export function reopenRoom(roomId: string): Promise<boolean> {
  return write(() => api.reopenRoom(roomId), 'The room is open again');
}

export async function retryDelivery(roomId: string, { id, state, channelId }: OutboxRow): Promise<boolean> {
  if (state === 'unknown') {
    const sure = await confirm({
      title: 'Send it once more?',
      text: `Nobody knows whether this went out to ${channelId}. Sending again may show it twice.`,
      action: 'Send again',
    });
    if (!sure) return false;
  }
  const done = await write(() => api.retryDelivery(roomId, id), 'It is tried again');
  void current.value?.readDeliveries();
  return done;
}

export async function cancelDelivery(roomId: string, { id }: OutboxRow): Promise<boolean> {
  const done = await write(() => api.cancelDelivery(roomId, id), 'The delivery is cancelled');
  void current.value?.readDeliveries();
  return done;
}

/** They are one person from now on; what was said stays as it was said. It can be undone. */
export function mergeIdentities(intoId: string, from: Identity, name: string): Promise<boolean> {
  return write(() => api.mergeIdentities(intoId, from.id), `${from.displayName ?? from.id} and ${name} are one person now`);
}

export function unmergeIdentity(from: Identity): Promise<boolean> {
  return write(() => api.unmergeIdentity(from.id), `${from.displayName ?? from.id} is somebody else again`);
}
