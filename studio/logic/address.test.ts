import { describe, expect, it } from 'vitest';
import { HOME, readRoute, writeRoute, type Route } from './address.js';

describe('the address', () => {
  it.each<Route>([
    HOME,
    { ...HOME, roomId: 'a/b ?#ä' },
    { ...HOME, roomId: 'r', event: 12, inspect: 'event' },
    { ...HOME, roomId: 'r', inspect: 'channel', subject: 'sms&x=1', as: 'web', devices: true },
    { ...HOME, roomId: 'r', inspect: 'health' },
    { ...HOME, inspect: 'health' },
    { ...HOME, roomId: 'r', devices: true, device: { channelId: 'desk', participantId: 'sam/2 &x' } },
  ])('holds %j', (route) => {
    expect(readRoute(writeRoute(route))).toEqual(route);
  });

  it.each(['', '#', '#/', '#/elsewhere/x', '#/rooms/', '#/rooms'])('is home at %j', (hash) => {
    expect(readRoute(hash)).toEqual(HOME);
  });

  it('takes nothing it does not know', () => {
    expect(readRoute('#/rooms/r?event=-1&inspect=everything&devices=1')).toEqual({ ...HOME, roomId: 'r' });
    for (const device of ['', 'desk', 'desk/', '/sam']) expect(readRoute(`#/rooms/r?device=${device}`)).toEqual({ ...HOME, roomId: 'r' });
    expect(readRoute('#/rooms/%E0%A4%A').roomId).toBe('%E0%A4%A');
  });
});
