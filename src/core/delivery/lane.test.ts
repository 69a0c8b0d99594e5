/** A lane keeps the order of the timeline, also when what is older comes behind what is newer. */
import { expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { Lane, type LaneItem } from './lane.js';

it('puts what waits already in front of what waits, and runs it once', () => {
  verifies('OUT-02');
  const lane = new Lane();
  const ran: string[] = [];
  const item = (rowId: string): LaneItem => ({ rowId, run: () => ran.push(rowId) < 0 });
  lane.push({ run: () => true }); // it reads what is left of the lane
  lane.push(item('newer'));
  lane.push(item('older'));
  const older = lane.waitingFor('older');
  expect([older?.rowId, lane.waitingFor('unknown')]).toEqual(['older', undefined]);
  lane.goFirst(older === undefined ? [] : [item('left'), older]);
  lane.finished();
  expect(ran).toEqual(['left', 'older', 'newer']);
  expect(lane.idle).toBe(true);
});
