/** Whose code comes back from a phone that several people share (IDN-15). */
import { describe, expect, it } from 'vitest';
import { CodeChallenge, InMemoryStore, type CodeChallengeOptions, type CodeDelivery, type Identity, type RoomKit } from '../../src/core/index.js';
import type { TestClock } from '../../src/testing/index.js';
import { MockIdentityResolver } from '../../src/testing/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const ADA: Identity = { id: 'ada', displayName: 'Ada Park' };
const LEO: Identity = { id: 'leo', displayName: 'Leo Park' };
const ASK = 'Several people write from here. We have sent you a code: please answer with it.';
const WRONG = 'That is not the code. Please try again.';
const EXHAUSTED = 'That is not the code, and no further try is taken. Please write to us again later.';

class Family {
  static async open(options: Partial<CodeChallengeOptions> = {}, store = new InMemoryStore(), clock?: TestClock): Promise<Family> {
    const family = new Family(store);
    const { kit, clock: own } = makeKit({
      store,
      ...(clock !== undefined && { clock }),
      identityResolver: {
        resolve: (message, context, more) => family.challenge.resolve(message, context, more),
      },
    });
    family.kit = kit;
    family.clock = own;
    family.challenge = new CodeChallenge({
      store,
      clock: own,
      resolver: new MockIdentityResolver({ ambiguous: { '+1': [ADA, LEO] }, mapping: { '+2': ADA } }),
      sendCode: (delivery) => {
        family.sent.push(delivery);
        return true;
      },
      logger: { debug: () => undefined, info: () => undefined, warn: (...given) => void family.logged.push(given), error: () => undefined },
      ...options,
    });
    if (store.getRoom('room') === null) await openRoom(kit, [family.phone]);
    else kit.registerChannel(family.phone);
    return family;
  }

  readonly sent: CodeDelivery[] = [];
  readonly logged: unknown[] = [];
  readonly phone = new TestTransport('a');
  kit!: RoomKit;
  clock!: TestClock;
  challenge!: CodeChallenge;
  readonly roomId = 'room';

  private constructor(readonly store: InMemoryStore) {}

  async write(content: string, senderId = '+1'): Promise<string> {
    const { blocked, reason = 'blocked', event } = await this.kit.processInbound({ channelId: 'a', senderId, content }, { roomId: this.roomId });
    return blocked ? reason : (event?.source.participantId ?? 'nobody');
  }

  /** The newest code of somebody. */
  codeOf(id: string): string {
    return this.sent.findLast(({ identity }) => identity.id === id)?.code ?? '';
  }

  wrong(): string {
    const codes = this.sent.map(({ code }) => code);
    return ['000000', '000001', '000002', '000003', '000004'].find((code) => !codes.includes(code)) ?? '';
  }

  /** Who said what in the room, without what the kit asked. */
  async said(): Promise<string[]> {
    await this.clock.advance(0);
    return messagesOf(await gapless(this.kit, this.roomId))
      .filter(({ source }) => source.channelType !== 'system')
      .map((event) => `${event.source.participantId}: ${textOf(event)}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kit.close();
  }
}

const SENT = 'identity_challenge_sent';
const ANSWERED = 'identity_challenge_answered';

describe('a challenge by code', () => {
  it('sends each of those it may be a code, holds the message, and lets it go as whom the code says', async () => {
    verifies('IDN-15', 'IDN-11');
    for (const [person, other] of [
      ['ada', 'leo'],
      ['leo', 'ada'],
    ] as const) {
      await using family = await Family.open();
      expect(await family.write('Where is my parcel?')).toBe(SENT);
      expect(family.sent.map(({ identity, sender, code }) => [identity.id, sender, /^\d{6}$/.test(code)])).toEqual([
        ['ada', { channelId: 'a', senderId: '+1' }, true],
        ['leo', { channelId: 'a', senderId: '+1' }, true],
      ]);
      expect(family.codeOf(person)).not.toBe(family.codeOf(other));
      expect(await family.write('Hello?')).toBe(SENT);
      expect(family.phone.texts).toEqual([ASK]);
      expect(await family.said()).toEqual([]);
      expect(await family.write(family.codeOf(person))).toBe(ANSWERED);
      expect(await family.write('Thank you')).toBe(person);
      expect(await family.said()).toEqual([`${person}: Where is my parcel?`, `${person}: Hello?`, `${person}: Thank you`]);
      expect(family.phone.texts).toEqual([ASK]);
    }
  });

  it('leaves everybody alone whom the resolver knows, or knows nothing of', async () => {
    verifies('IDN-15');
    await using family = await Family.open();
    expect(await family.write('It is me', '+2')).toBe('ada');
    expect(await family.write('You do not know me', '+3')).toBe('+3');
    expect(family.sent).toEqual([]);
  });

  it('tells who was wrong, ends the codes after so many tries, and sends new ones only when their time is over', async () => {
    verifies('IDN-15');
    await using family = await Family.open({ maxTries: 3 });
    await family.write('Where is my parcel?');
    for (let n = 0; n < 3; n++) expect(await family.write(family.wrong())).toBe(SENT);
    expect(family.phone.texts).toEqual([ASK, WRONG, WRONG, EXHAUSTED]);
    expect(await family.write(family.codeOf('ada'))).toBe(SENT); // the right one comes too late
    expect(await family.said()).toEqual([]);
    expect(family.phone.texts).toHaveLength(4);
    await family.clock.advance(599_000);
    expect(await family.write(family.codeOf('ada'))).toBe(SENT);
    expect(family.sent).toHaveLength(2);
    await family.clock.advance(1000);
    expect(await family.write('Once more')).toBe(SENT);
    expect(family.sent).toHaveLength(4);
    expect(await family.write(family.codeOf('leo'))).toBe(ANSWERED);
    expect(await family.said()).toEqual(['leo: Where is my parcel?', 'leo: Once more']);
  });

  it('takes no code after its time; the next message brings a new one, and the late one is not said', async () => {
    verifies('IDN-15');
    await using family = await Family.open();
    await family.write('Where is my parcel?');
    const late = family.codeOf('ada');
    await family.clock.advance(600_000);
    expect(await family.write(late)).toBe(SENT);
    expect(family.sent).toHaveLength(4);
    expect(family.phone.texts).toEqual([ASK, ASK]);
    expect(await family.write(family.codeOf('ada'))).toBe(ANSWERED);
    expect(await family.said()).toEqual(['ada: Where is my parcel?']);
  });

  it('takes a code once: the same message again says nothing, and after its time it is no code any more', async () => {
    verifies('IDN-15');
    await using family = await Family.open({ knownForSeconds: 60 });
    await family.write('Where is my parcel?');
    const code = family.codeOf('ada');
    expect(await family.write(code)).toBe(ANSWERED);
    expect(await family.write(code)).toBe(ANSWERED);
    await family.clock.advance(60_000);
    // Whoever has the phone now has to say so again; an old code is a number like others, and waits.
    expect(await family.write(code)).toBe(SENT);
    expect(await family.write(family.codeOf('leo'))).toBe(ANSWERED);
    expect(await family.said()).toEqual(['ada: Where is my parcel?', `leo: ${code}`]);
  });

  it('counts two tries at once as two, and takes a right code that comes twice at once for one answer', async () => {
    verifies('IDN-15');
    await using family = await Family.open({ maxTries: 2 });
    await Promise.all([family.write('One'), family.write('Two')]);
    expect(family.sent).toHaveLength(2);
    expect(family.phone.texts).toEqual([ASK]);
    await Promise.all([family.write(family.wrong()), family.write(family.wrong()), family.write(family.codeOf('ada'))]);
    expect(await family.said()).toEqual([]);
    await family.clock.advance(600_000);
    await family.write('Three');
    expect(await Promise.all([family.write(family.codeOf('ada')), family.write(family.codeOf('ada'))])).toEqual([ANSWERED, ANSWERED]);
    expect(await family.said()).toEqual(['ada: One', 'ada: Two', 'ada: Three']);
  });

  it('counts a try before it looks at it, so that a store that fails makes none free', async () => {
    verifies('IDN-15');
    await using family = await Family.open();
    await family.write('Where is my parcel?');
    const put = family.store.putFact.bind(family.store);
    family.store.putFact = () => {
      throw new Error('the disk is full');
    };
    expect(await family.write(family.codeOf('ada'))).not.toBe(ANSWERED);
    family.store.putFact = put;
    expect(await family.write(family.codeOf('ada'))).toBe(ANSWERED);
  });

  it('is as it was after a restart, and keeps no code where others read', async () => {
    verifies('IDN-15');
    const store = new InMemoryStore();
    const first = await Family.open({}, store);
    await first.write('Where is my parcel?');
    await first.write(first.wrong());
    const codes = first.sent.map(({ code }) => code);
    const facts = JSON.stringify(store.listFacts({ prefix: '' }));
    const events = JSON.stringify(await first.kit.getTimeline(first.roomId));
    for (const code of codes) expect(facts + events + JSON.stringify(first.logged)).not.toContain(code);
    expect(facts).toContain('"tries":1');
    await using second = await Family.open({ maxTries: 2 }, store, first.clock);
    expect(await second.write(codes[1] ?? '')).toBe(ANSWERED);
    expect(await second.said()).toEqual(['leo: Where is my parcel?']);
    await first.kit.close();
  });

  it('asks nobody when no code could be sent, and takes no code of somebody it could not reach', async () => {
    verifies('IDN-15');
    const unsent: string[] = [];
    await using nobody = await Family.open({
      sendCode: ({ code, identity }) => {
        unsent.push(code);
        if (identity.id === 'ada') throw new Error(`550 no such mailbox: Your code is ${code}`);
        return false;
      },
    });
    expect(await nobody.write('Where is my parcel?')).toBe('+1');
    expect(nobody.phone.texts).toEqual([]);
    expect(await nobody.kit.listParticipants(nobody.roomId)).toMatchObject([{ identification: 'pending', candidates: [ADA, LEO] }]);
    expect(nobody.logged).toHaveLength(1);
    for (const code of unsent) expect(JSON.stringify(nobody.logged)).not.toContain(code);
    const codes: Record<string, string> = {};
    await using one = await Family.open({
      sendCode: ({ code, identity }) => {
        codes[identity.id] = code;
        return identity.id === 'ada';
      },
    });
    await one.write('Where is my parcel?');
    expect(await one.write(codes['leo'] ?? '')).toBe(SENT);
    expect(one.phone.texts).toEqual([ASK, WRONG]);
    expect(await one.write(codes['ada'] ?? '')).toBe(ANSWERED);
  });

  it('opens nothing when sending took longer than anybody waits', async () => {
    verifies('IDN-02', 'IDN-15');
    let isSlow = true;
    const sent: CodeDelivery[] = [];
    await using family = await Family.open({
      sendCode: async (delivery) => {
        sent.push(delivery);
        if (isSlow) await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
        return true;
      },
    });
    const slow = family.write('Where is my parcel?');
    await family.clock.advance(10_000);
    expect(await slow).toBe('+1');
    isSlow = false;
    expect(await family.write('Hello?')).toBe(SENT);
    expect(sent).toHaveLength(4);
    expect(family.phone.texts).toEqual([ASK]);
  });

  it('reads a code with gaps, in other digits, and in a sentence, which is said; a first message of digits alone is one', async () => {
    verifies('IDN-15');
    const forms: ((code: string) => [typed: string, said: string[]])[] = [
      (code) => [` ${code.slice(0, 3)} ${code.slice(3)}\n`, []],
      (code) => [`${code.slice(0, 3)}-${code.slice(3)}.`, []],
      (code) => [Array.from(code, (digit) => String.fromCodePoint(0xff10 + Number(digit))).join(''), []],
      (code) => [`It is ${code}, for order 20817`, [`ada: It is ${code}, for order 20817`]],
    ];
    for (const form of forms) {
      await using family = await Family.open();
      expect(await family.write('482913')).toBe(SENT);
      const [typed, said] = form(family.codeOf('ada'));
      expect(await family.write(typed)).toBe(said.length === 0 ? ANSWERED : 'ada');
      expect(await family.said()).toEqual(['ada: 482913', ...said]);
    }
  });

  it('goes on with whom somebody was merged into', async () => {
    verifies('IDN-13', 'IDN-15');
    const store = new InMemoryStore();
    const candidates = async (): Promise<Identity[]> =>
      (await Promise.all(['old', 'leo'].map(async (id) => store.getIdentity(id)))).filter((identity) => identity !== null);
    await using family = await Family.open({ resolver: { resolve: async () => ({ status: 'ambiguous', candidates: await candidates() }) } }, store);
    for (const id of ['ada', 'old', 'leo']) await family.kit.createIdentity({ id });
    await family.write('Where is my parcel?');
    await family.kit.mergeIdentities('ada', 'old', { by: 'clerk' });
    expect(await family.write(family.codeOf('old'))).toBe(ANSWERED);
    expect(await family.write('Thank you')).toBe('ada');
    await family.kit.unmergeIdentity('old');
    expect(await family.write('Still me')).toBe('old');
    expect(await family.said()).toEqual(['ada: Where is my parcel?', 'ada: Thank you', 'old: Still me']);
  });

  it('lets a clerk say who it is, once, of an address that is shared', async () => {
    verifies('IDN-11', 'IDN-15');
    await using family = await Family.open();
    await family.write('I cannot read my mail');
    await family.kit.completeChallenge({ channelId: 'a', senderId: '+1', isShared: true }, LEO);
    expect(await family.said()).toEqual(['leo: I cannot read my mail']);
    expect(await family.write('And now?')).toBe(SENT);
  });

  it('says what is wrong with its options', () => {
    verifies('KIT-07');
    const given = { store: new InMemoryStore(), resolver: new MockIdentityResolver(), sendCode: () => true };
    expect(() => new CodeChallenge({ ...given, digits: 3 })).toThrow('digits of a CodeChallenge is 3. Give a whole number, from 4 to 9.');
    expect(() => new CodeChallenge({ ...given, maxTries: 0 })).toThrow('maxTries of a CodeChallenge is 0. Give a whole number, 1 or more.');
    expect(() => new CodeChallenge({ ...given, maxTrys: 1 } as never)).toThrow("Did you mean 'maxTries'?");
    const forgetful = Object.assign(Object.create(given.store) as InMemoryStore, { getFact: undefined });
    expect(() => new CodeChallenge({ ...given, store: forgetful })).toThrow(/keeps no facts/);
  });
});
