import { describe, expect, it } from 'vitest';
import type { Participant } from '../types.js';
import { addressesOf, identityName, othersOf, typesOf } from './identities.js';

describe('who is behind a participant', () => {
  it('is called by name, else by id, and has addresses by what people call their kind', () => {
    expect(identityName({ id: 'ada', displayName: 'Ada' })).toBe('Ada');
    expect(identityName({ id: 'ada' })).toBe('ada');
    expect(addressesOf({ id: 'ada' })).toEqual([]);
    expect(addressesOf({ id: 'ada', channelAddresses: { sms: ['+1', '+2'], email: ['a@b.c'], telegram: [] } })).toEqual([
      ['SMS', ['+1', '+2']],
      ['e-mail', ['a@b.c']],
    ]);
  });

  it('may be one with whoever of the room has an identity and is not it already', () => {
    const people = [{ id: 'a', identityId: 'ada' }, { id: 'b', identityId: 'old' }, { id: 'c', identityId: 'leo' }, { id: 'd' }] as Participant[];
    expect(othersOf(people, new Set(['ada', 'old'])).map(({ id }) => id)).toEqual(['c']);
  });

  it('is looked for by what an address looks like', () => {
    expect(typesOf('ada@example.org')).toEqual(['email']);
    expect(typesOf('+1 555 0123')).toContain('sms');
    expect(typesOf('customer-7')).toEqual([]);
  });
});
