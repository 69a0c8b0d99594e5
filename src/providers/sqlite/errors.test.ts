import { describe, expect, it } from 'vitest';
import { storeError } from './errors.js';

describe('a database error', () => {
  it.each([
    [5, 'store_busy', 'in use by another process'],
    [8, 'store_read_only', 'the right to write'],
    [1032, 'store_read_only', 'the right to write'],
    [3850, 'store_read_only', 'the right to write'],
    [10, 'store_failed', 'check the disk'],
    [13, 'store_full', 'Free some space'],
    [14, 'store_unavailable', "its folder '/no/such' does not exist"],
    [26, 'store_corrupt', 'not a database'],
    [1, 'store_failed', 'no such table'],
  ])('with code %i says how to mend it', (errcode, code, says) => {
    const cause = Object.assign(new Error('no such table'), { errcode });
    expect(storeError(cause, '/no/such/rooms.db')).toMatchObject({ code, cause, message: expect.stringContaining(says) });
  });

  it('that is none of the database passes as it is', () => {
    const mistake = new TypeError('x is undefined');
    expect(storeError(mistake, 'rooms.db')).toBe(mistake);
    expect(storeError('odd', 'rooms.db')).toEqual(new Error('odd'));
  });
});
