/** The judge of the chaos run, on ledgers that somebody has tampered with: a judge that cannot fail has judged nothing. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { judgeMemory, memoryOf } from './figures.js';
import { judge } from './judge.js';
import type { Ledger, Page, Said, Shown, Taken } from './ledger.js';
import { planFaults } from './plan.js';
import { answerTo, customerOf } from './protocol.js';

const ROOM = 'room-0';

/** A room in which a customer said two things and a page one, all of which were answered. */
function whole(): { said: Said[]; taken: Taken[]; pages: (Page & { shown: Shown[] })[]; givenUp: Set<string> } {
  const said = [say('v0.1', 'vendor'), say('s0.1', 'socket'), say('v0.2', 'vendor')];
  const texts = ['v0.1', answerTo('v0.1'), 's0.1', 'v0.2', answerTo('s0.1'), answerTo('v0.2')];
  const shown = texts.map((text, at): Shown => ({ index: at + 3, eventId: `event-${text}`, text }));
  const taken = shown
    .filter(({ text }) => !text.startsWith('v'))
    .map(({ text, eventId }): Taken => ({ key: eventId, roomId: ROOM, eventId, recipientId: customerOf(ROOM), text, at: 0 }));
  const pages = ['one', 'two'].map((participantId) => ({ participantId, roomId: ROOM, shown: [...shown] }));
  return { said, taken, pages, givenUp: new Set() };
}

function say(key: string, over: Said['over']): Said {
  return { key, roomId: ROOM, sender: `by ${over}`, over, at: 0, acceptedAt: 1, tries: 1 };
}

/** Takes out what has this text. */
function lose<T extends { readonly text: string }>(from: T[], text: string): T {
  const at = from.findIndex((one) => one.text === text);
  const [lost] = from.splice(at, 1);
  if (lost === undefined) throw new Error(`There is no '${text}' to lose.`);
  return lost;
}

function told(tamper: (ledger: ReturnType<typeof whole>) => void): readonly string[] {
  const ledger = whole();
  tamper(ledger);
  return judge(ledger satisfies Ledger);
}

describe('the judge of the chaos run', () => {
  it('finds nothing where nothing is wrong', () => {
    verifies('OUT-14');
    expect(told(() => undefined)).toEqual([]);
  });

  const text = answerTo('s0.1');
  const cases: readonly [string, (ledger: ReturnType<typeof whole>) => void, string][] = [
    ['a message that nobody ever took', ({ said }) => delete said[0]?.acceptedAt, 'room-0: v0.1 was sent 1 times and never accepted.'],
    ['an answer that the vendor never got', ({ taken }) => lose(taken, text), `room-0: the vendor did not get '${text}'.`],
    [
      'one that it got twice, under two keys',
      ({ taken }) => taken.push({ ...(taken.at(-1) ?? lose(taken, text)), key: 'another' }),
      `room-0: the vendor got '${answerTo('v0.2')}' 2 times.`,
    ],
    ['one that went to somebody else', ({ taken }) => taken.push({ ...lose(taken, text), recipientId: 'eve' }), `room-0: ${text} went to eve.`],
    ['two that it got in the other order', ({ taken }) => taken.unshift(lose(taken, text)), 'room-0: what the vendor got is out of order'],
    [
      'what nobody was to say',
      ({ taken }) => taken.push({ ...lose(taken, text), text: 'buy gold' }),
      "room-0: the vendor got 'buy gold', which nobody",
    ],
    [
      'what its sender was given back',
      ({ taken }) => taken.push({ ...lose(taken, text), text: 'v0.1' }),
      "room-0: the vendor got 'v0.1', which nobody",
    ],
    ['an event that a page never showed', ({ pages }) => pages[0] && lose(pages[0].shown, text), `room-0: the page of one did not show '${text}'.`],
    [
      'one that a page showed twice',
      ({ pages }) => pages[1]?.shown.push(...pages[1].shown.slice(-1)),
      `room-0: the page of two showed '${answerTo('v0.2')}' 2 times.`,
    ],
    ['one that came late', ({ pages }) => pages[0]?.shown.push(lose(pages[0].shown, text)), `room-0: the page of one showed ${text} (7) behind`],
    [
      'a page that saw another past',
      ({ pages }) => pages[1]?.shown.splice(0, 1, { index: 3, eventId: 'another', text: 'v0.1' }),
      'room-0: at position 0 the page of two shows another event than that of one.',
    ],
    [
      'a message answered twice',
      ({ pages, taken }) => {
        for (const { shown } of pages) shown.push({ index: 9, eventId: 'again', text });
        taken.push({ ...(taken.at(-1) ?? lose(taken, text)), eventId: 'again', key: 'again', text });
      },
      `room-0: the page of one showed '${text}' 2 times.`,
    ],
    ['what one person said in another order', ({ said }) => said.unshift(...said.splice(2, 1)), 'room-0: what by vendor said is out of order'],
    [
      'answers in another order than their questions',
      ({ pages, taken }) => {
        const [first, second] = [answerTo('s0.1'), answerTo('v0.2')];
        const swapped = (one: string): string => (one === first ? second : one === second ? first : one);
        for (const { shown } of pages) shown.splice(0, shown.length, ...shown.map((event) => ({ ...event, text: swapped(event.text) })));
        taken.splice(0, taken.length, ...taken.map((one) => ({ ...one, text: swapped(one.text) })));
      },
      `room-0: the answers is out of order: '${answerTo('v0.2')}'`,
    ],
  ];
  it.each(cases)('finds %s', (_what, tamper, expected) => {
    verifies('OUT-14', 'INV-01', 'WS-09');
    expect(told(tamper)).toContainEqual(expect.stringContaining(expected));
  });

  it('asks nobody to answer what was given up after two crashes', () => {
    verifies('TURN-03');
    const without = (ledger: ReturnType<typeof whole>): void => {
      lose(ledger.taken, text);
      for (const { shown } of ledger.pages) lose(shown, text);
    };
    expect(told(without)).not.toEqual([]);
    expect(told((ledger) => (without(ledger), ledger.givenUp.add('s0.1')))).toEqual([]);
  });
});

describe('the plan of a chaos run', () => {
  const options = { seconds: 60, leaseSeconds: 4, hasRedis: true };

  it('is the same for the same seed, and another for another', () => {
    expect(planFaults({ seed: 7, ...options })).toEqual(planFaults({ seed: 7, ...options }));
    expect(planFaults({ seed: 8, ...options })).not.toEqual(planFaults({ seed: 7, ...options }));
  });

  it('has every kind of fault in a minute, and leaves the end in peace', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const faults = planFaults({ seed, ...options });
      expect(new Set(faults.map(({ kind }) => kind)).size, `seed ${seed}`).toBe(10);
      expect(Math.max(...faults.map(({ at }) => at))).toBeLessThan(57_000);
    }
  });
});

describe('the memory of a chaos run', () => {
  it('is told by the life that was warm for longest', () => {
    const samples = (count: number, growth: number, kept = growth) =>
      Array.from({ length: count }, (_, at) => ({
        ageMs: at * 1000,
        bytes: 100_000_000 + (at > 10 ? at * growth : 0),
        ...(at % 5 === 0 && { keptBytes: 30_000_000 + (at > 10 ? at * kept : 0) }),
        cpuMs: 0,
      }));
    const { slope, lifeMs, largest } = memoryOf({
      lives: [
        { name: 'short', samples: samples(20, 9_000_000) },
        { name: 'long', samples: samples(71, 0) },
      ],
    });
    expect([slope, lifeMs, largest]).toEqual([0, 60_000, 100_000_000 + 19 * 9_000_000]);
    const leaking = memoryOf({ lives: [{ name: 'leaking', samples: samples(71, 1_000_000) }] });
    expect(leaking.slope).toBeGreaterThan(50_000_000);
    expect(judgeMemory({ lives: [{ name: 'long', samples: samples(300, 0) }] })).toEqual([]);
    expect(judgeMemory({ lives: [{ name: 'leaking', samples: samples(300, 1_000_000) }] })).toEqual([
      expect.stringMatching(/^The process that lived longest grew by 5\d\.\d MB a minute over 285\.0 s\.$/),
    ]);
    // A heap that is collected seldom is no leak.
    expect(judgeMemory({ lives: [{ name: 'lazy', samples: samples(300, 1_000_000, 0) }] })).toEqual([]);
    expect(judgeMemory({ lives: [{ name: 'large', samples: samples(60, 20_000_000) }] })).toEqual(['A process held 1220.7 MB.']);
  });
});
