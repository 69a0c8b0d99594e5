import { describe, expect, it } from 'vitest';
import { attached, eventAt } from './fixtures.js';
import { cutOf, foldSummary, isHandoff, Rows, type EventRow } from './rows.js';

const shape = (rows: Rows): string[] =>
  rows.list.map((row) =>
    row.kind === 'fold' ? `fold ${row.events.map(({ index }) => index).join(',')}` : row.kind === 'day' ? 'day' : `${row.kind} ${row.event.index}`,
  );

describe('rows', () => {
  it('fold what the kit notes of the room, and nothing that was said', () => {
    const rows = new Rows([attached(0), attached(1), eventAt(2), attached(3, { type: 'participant_joined' }), eventAt(4)]);
    expect(shape(rows)).toEqual(['fold 0,1', 'event 2', 'fold 3', 'event 4']);
    expect(foldSummary([attached(0), attached(1), attached(2, { type: 'channel_muted' })])).toBe('2 channels attached · 1 channel muted');
  });

  it('are the same whether they come at once or one after the other', () => {
    const events = Array.from({ length: 60 }, (_, index) => (index % 7 < 3 ? attached(index) : eventAt(index, { chainDepth: index % 4 })));
    const grown = new Rows();
    for (const event of events) grown.append(event);
    expect(grown.list).toEqual(new Rows(events).list);
    for (const { id } of events) expect(grown.find(id)).toBeDefined();
  });

  it('divide where the conversation is handed over, or taken by a person', () => {
    const handoff = eventAt(1, { type: 'system', metadata: { handoff: true, from_agent: 'a', to_agent: 'b' } });
    const takeover = eventAt(2, { type: 'system', content: { type: 'system', body: 'A human took over.', code: 'active_agent_changed' } });
    expect(shape(new Rows([eventAt(0), handoff, takeover]))).toEqual(['event 0', 'handoff 1', 'handoff 2']);
    expect(isHandoff(eventAt(3))).toBe(false);
  });

  it('indent an answer below its cause, at most five deep, and name a cause that is elsewhere', () => {
    const rows = new Rows([
      eventAt(0),
      eventAt(1, { chainDepth: 1, parentEventId: 'e0' }),
      eventAt(2, { chainDepth: 9, parentEventId: 'e1' }),
      eventAt(3),
      eventAt(4, { chainDepth: 1, parentEventId: 'e0' }),
    ]).list as EventRow[]; // nothing here folds
    expect(rows.map(({ depth }) => depth)).toEqual([0, 1, 5, 0, 1]);
    expect(rows.map(({ answers }) => answers?.index)).toEqual([undefined, undefined, undefined, undefined, 0]);
  });

  it('begin a day with its date, and tell the time since the event before', () => {
    const late = eventAt(0, { createdAt: '2026-01-05T12:00:00.000Z' });
    const next = eventAt(1, { createdAt: '2026-01-07T12:00:01.500Z' });
    const rows = new Rows([late, next]);
    expect(shape(rows)).toEqual(['event 0', 'day', 'event 1']);
    expect((rows.list[2] as EventRow).sinceMs).toBe(2 * 86_400_000 + 1500);
  });

  it('take a changed event in its place, in a fold too, and no stranger', () => {
    const rows = new Rows([attached(0), attached(1), eventAt(2)]);
    expect(rows.replace(eventAt(2, { status: 'read' }))).toBe(true);
    expect(rows.replace(attached(1, { visibility: 'none' }))).toBe(true);
    expect(rows.replace(eventAt(9))).toBe(false);
    expect(rows.list).toMatchObject([{ events: [{ visibility: 'all' }, { visibility: 'none' }] }, { event: { status: 'read' } }]);
  });
});

describe('a reply that was cut', () => {
  it.each([
    [{ cancelled: true, cancelled_by: 'e7' }, 'cut short by 7'],
    [{ cancelled: true, cancelled_by: 'elsewhere' }, 'cancelled here'],
    [{ cancelled: true }, 'cancelled here'],
    [{ interrupted: true }, 'interrupted here'],
    [{ partial: true }, 'broke off here'],
    [{}, undefined],
  ])('%j: %s', (metadata, words) => {
    expect(cutOf(eventAt(0, { metadata }), (id) => (id === 'e7' ? 7 : undefined))).toBe(words);
  });
});
