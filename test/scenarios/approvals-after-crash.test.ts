/** Approvals outlive the process (APR-05): whatever moment it dies at, what was allowed runs once, and what was not runs never. */
import { describe, expect, it } from 'vitest';
import type { AITool, Approval } from '../../src/index.js';
import { approvals, content, type ApprovalScene, type SceneOptions } from '../support/approval-scene.js';
import { DISKS, type Disk } from '../support/disks.js';
import { verifies } from '../requirements.js';

const REFUND = { id: 'c1', name: 'refund', arguments: { order: 'A-1', amount: 20 } };
const never = (): Promise<never> => new Promise(() => undefined);

const boot = (disk: Disk, more: Partial<SceneOptions> = {}): Promise<ApprovalScene> =>
  approvals({ calls: [REFUND], kit: { store: disk.store }, ...more });
const again = (disk: Disk, more: Partial<SceneOptions> = {}): Promise<ApprovalScene> => boot(disk, { isAgain: true, ...more });

/** Moves time until nothing is under way. */
async function quiet({ kit, clock }: ApprovalScene): Promise<void> {
  for (let round = 0; round < 200; round++) {
    await clock.advance(200);
    const open = await kit.store.listTurns({ state: ['queued', 'running'] });
    if (kit.stats().tasks === 0 && open.length === 0) return;
  }
  throw new Error(`Still under way: ${JSON.stringify(kit.stats())}`);
}

async function onlyApproval({ kit }: ApprovalScene): Promise<Approval> {
  const [approval, ...others] = await kit.listApprovals();
  if (approval === undefined || others.length > 0) throw new Error(`Not one approval, but ${others.length + (approval === undefined ? 0 : 1)}.`);
  return approval;
}

describe.each(DISKS)('after a crash, on %s', (_name, open) => {
  it('an approval that waited waits on, and its turn goes on in the next process, with the room’s new words in between', async () => {
    verifies('APR-01', 'APR-05', 'F48');
    const disk = await open();
    const one = await boot(disk, { before: 'Let me ask.' });
    await one.say('refund me');
    const next = await disk.afterCrash();
    const two = await again(next);
    await two.say('hello again');
    expect(two.asked.at(-1)?.systemPrompt).toContain('refund');
    await two.answer(await onlyApproval(two), { approve: true });
    await quiet(two);
    expect([one.ran, two.ran]).toEqual([[], [REFUND.arguments]]);
    const said = (await two.kit.getTimeline('room')).filter(({ source }) => source.channelId === 'bot');
    expect(said.map(({ content: { type, ...rest } }) => [type, 'body' in rest ? rest.body : ''])).toEqual([
      ['text', 'Let me ask.'],
      ['text', 'Fine.'],
      ['text', 'Done: refunded'],
    ]);
    await two.close();
  });

  it('an approval expires in the next process, whose timer knows of it', async () => {
    verifies('APR-01', 'APR-05');
    const disk = await open();
    const one = await boot(disk, { tool: { approvalExpiresInSeconds: 60 } });
    await one.say('refund me');
    const two = await again(await disk.afterCrash());
    await two.clock.advance(61_000);
    await quiet(two);
    expect((await onlyApproval(two)).state).toBe('expired');
    expect(two.ran).toEqual([]);
    expect((await two.turns())[0]?.state).toBe('committed');
    await two.close();
  });

  it.each(['before', 'after'] as const)('%s the commit of its request, the turn is run again and asks once', async (when) => {
    verifies('APR-01', 'APR-05', 'TURN-03');
    const disk = await open();
    const one = await boot(disk, { before: 'Let me ask.' });
    // Its commits: the message, what is said before, the request.
    disk.store.crash('commitEvent', { nth: 3, when });
    void one.say('refund me');
    await one.clock.advance(100);
    expect(disk.store.crashed).toBe(true);
    const two = await again(await disk.afterCrash(), { before: 'Let me ask again.' });
    await quiet(two);
    const approval = await onlyApproval(two);
    await two.answer(approval, { approve: true });
    await quiet(two);
    expect([one.ran, two.ran]).toEqual([[], [REFUND.arguments]]);
    const said = (await two.kit.getTimeline('room')).filter(({ source }) => source.channelId === 'bot');
    expect(said.map((event) => (event.content.type === 'text' ? event.content.body : ''))).toEqual(['Let me ask.', 'Done: refunded']);
    await two.close();
  });

  it('at any moment around the answer, what was allowed runs once, or the model is told that it may have', { timeout: 60_000 }, async () => {
    verifies('APR-03', 'APR-05', 'TURN-04', 'F48');
    let crashes = 0;
    for (let nth = 1; nth <= 24; nth++) {
      const disk = await open();
      const one = await boot(disk);
      await one.say('refund me');
      const approval = await onlyApproval(one);
      disk.store.crash('*', { nth, when: nth % 2 === 0 ? 'before' : 'after' });
      void one.kit.resolveApproval(approval.id, { approve: true, by: 'grace' }).catch(() => undefined);
      await one.clock.advance(100);
      if (disk.store.crashed) crashes++;
      const ranBefore = one.ran.length;
      const two = await again(await disk.afterCrash());
      await quiet(two);
      const wasAnswered = (await onlyApproval(two)).state !== 'pending';
      if (!wasAnswered) await two.answer(approval, { approve: true });
      await quiet(two);
      const isUnknown = content(two.results()[0]).includes('outcome is unknown');
      expect([nth, ranBefore + two.ran.length]).toEqual([nth, isUnknown && ranBefore === 0 ? 0 : 1]);
      expect([nth, ...(await two.turns()).map(({ state }) => state)]).toEqual([nth, 'committed']);
      const said = (await two.kit.getTimeline('room')).filter(({ source }) => source.channelId === 'bot');
      expect([nth, said.length]).toEqual([nth, 1]);
      await two.close();
    }
    expect(crashes, 'it has proved something only if something was cut off').toBeGreaterThan(12);
  });

  it.each([
    [false, 'outcome is unknown'],
    [true, 'refunded'],
  ])('in the middle of the tool (idempotent: %s), the model is told what is known', async (idempotent, told) => {
    verifies('APR-05', 'TURN-04', 'F27d');
    const disk = await open();
    const keys: string[] = [];
    const hanging: AITool['handler'] = (_args, { idempotencyKey }) => {
      keys.push(idempotencyKey);
      return never();
    };
    const one = await boot(disk, { tool: { idempotent, handler: hanging } });
    await one.say('refund me');
    const approval = await onlyApproval(one);
    void one.kit.resolveApproval(approval.id, { approve: true, by: 'grace' });
    await one.clock.advance(100);
    expect(keys).toHaveLength(1);
    const two = await again(await disk.afterCrash(), { tool: { idempotent } });
    await quiet(two);
    expect(two.ran).toHaveLength(idempotent ? 1 : 0);
    if (idempotent) expect(two.keys).toEqual(keys);
    expect(content(two.results()[0])).toContain(told);
    expect((await two.turns()).map(({ state }) => state)).toEqual(['committed']);
    await two.close();
  });

  it('and a deploy: what was allowed is looked at again, and does not run when it fits no more', async () => {
    verifies('APR-06', 'F48');
    const changed: Partial<AITool>[] = [
      { parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false } },
      { name: 'pay_back' },
    ];
    for (const tool of changed) {
      const disk = await open();
      const one = await boot(disk);
      await one.say('refund me');
      const two = await again(await disk.afterCrash(), { tool });
      await two.answer(await onlyApproval(two), { approve: true });
      await quiet(two);
      expect(two.ran).toEqual([]);
      expect(content(two.results()[0])).toContain('It was not run.');
      expect((await two.turns()).map(({ state }) => state)).toEqual(['committed']);
      await two.close();
    }
  });
});
