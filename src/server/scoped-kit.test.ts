import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { openKit } from '../../test/server/served-kit.js';
import type { Principal } from './auth/principal.js';
import { scopedKit } from './scoped-kit.js';

const ADA: Principal = {
  id: 'web/ada',
  kind: 'client',
  organizationId: 'acme',
  scopes: ['read', 'write'],
  rooms: ['acme-1', 'globex-1'],
  channelId: 'web',
  participantId: 'ada',
};
const OPERATOR: Principal = { id: 'ops', kind: 'service', organizationId: 'acme', scopes: ['operate'] };

describe('a kit as one caller may use it', () => {
  it('asks before every operation whether the room is there for this caller', async () => {
    verifies('AUTH-05', 'AUTH-09', 'PERM-09');
    const { kit } = await openKit();
    await using _kit = kit;
    const lost: string[] = [];
    const scoped = scopedKit(
      kit,
      () => ADA,
      (roomId) => lost.push(roomId),
    );
    const operations: readonly ((roomId: string) => Promise<unknown>)[] = [
      (roomId) => scoped.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi' }, { roomId }),
      (roomId) => scoped.getRoom(roomId),
      (roomId) => scoped.getEvent(roomId, 'e'),
      (roomId) => scoped.getTimeline(roomId),
      (roomId) => scoped.readVisible(roomId, 'web', { afterIndex: -1, limit: 1 }),
      (roomId) => scoped.listBindings(roomId),
      (roomId) => scoped.listParticipants(roomId),
      (roomId) => scoped.markRead(roomId, 'web', 'e'),
      (roomId) => scoped.publishTyping(roomId, 'ada', true, 'web'),
      (roomId) => scoped.publishPresence(roomId, 'ada', 'away', 'web'),
      (roomId) => scoped.publishReadReceipt(roomId, 'ada', 'e', 'web'),
      (roomId) => scoped.publishReaction(roomId, 'ada', 'e', '👍', 'add', 'web'),
      (roomId) => scoped.subscribeRoom(roomId, () => undefined),
    ];
    const before = (await kit.getTimeline('globex-1')).length;
    for (const operation of operations) await expect(operation('globex-1'), operation.toString()).rejects.toMatchObject({ code: 'room_not_found' });
    expect(lost).toEqual(operations.map(() => 'globex-1'));
    expect(await kit.getTimeline('globex-1')).toHaveLength(before);
    expect(await scoped.getRoom('acme-1')).toMatchObject({ id: 'acme-1' });
    const ada = await kit.ensureParticipant('acme-1', 'web', 'ada');
    await kit.store.putParticipant({ ...ada, status: 'banned' });
    await expect(scoped.getRoom('acme-1')).rejects.toMatchObject({ code: 'room_not_found' });
  });

  it('lists and follows the rooms of its caller only', async () => {
    verifies('PERM-09');
    const { kit } = await openKit();
    await using _kit = kit;
    const scoped = scopedKit(
      kit,
      () => OPERATOR,
      () => undefined,
    );
    expect((await scoped.listRooms()).map(({ id }) => id).sort()).toEqual(['acme-1', 'acme-2']);
    const heard: string[] = [];
    const stop = scoped.onCommitted(({ roomId }) => void heard.push(roomId));
    for (const roomId of ['acme-1', 'globex-1', 'acme-2']) await kit.sendEvent(roomId, 'desk', 'Hello');
    expect(heard).toEqual(['acme-1', 'acme-2']);
    stop();
  });

  it('is the kit itself for who sees all of it', async () => {
    const { kit } = await openKit();
    await using _kit = kit;
    const { organizationId: _, ...root } = OPERATOR;
    expect(
      scopedKit(
        kit,
        () => root,
        () => undefined,
      ),
    ).toBe(kit);
    expect(
      scopedKit(
        kit,
        () => OPERATOR,
        () => undefined,
      ),
    ).not.toBe(kit);
  });
});
