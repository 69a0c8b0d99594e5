import { describe, expect, it } from 'vitest';
import type { RoomEvent } from 'roomkit';
import { formatLine } from '../../demo/live-lines.js';

function event(given: Partial<Omit<RoomEvent, 'source'>> & { channelId?: string; body?: string } = {}): RoomEvent {
  const { channelId = 'web', body = 'Hello', ...rest } = given;
  return {
    id: 'e',
    roomId: 'help-desk',
    type: 'message',
    source: {
      channelId,
      channelType: channelId.length < 5 && channelId !== 'web' && channelId !== 'desk' ? 'ai' : 'websocket',
      direction: 'inbound',
      rawPayload: {},
    },
    content: { type: 'text', body },
    status: 'delivered',
    visibility: 'all',
    index: 7,
    chainDepth: 0,
    createdAt: new Date(2026, 0, 1, 12, 30, 5).toISOString(),
    metadata: {},
    channelData: {},
    ...rest,
  };
}

const narrow = { colours: false, columns: 80 };
const file = { colours: false };

describe('a line in the terminal', () => {
  it('says index, time, who and what', () => {
    expect(formatLine(event(), file)).toBe('   7  12:30:05  Ada Park    Hello');
    expect(formatLine(event({ channelId: 'ben', chainDepth: 1 }), file)).toBe('   7  12:30:05    Ben       Hello');
  });

  it('says what was blocked and by whom, what is hidden, and who handed over to whom', () => {
    expect(formatLine(event({ status: 'blocked', blockedBy: 'spam_filter' }), file)).toBe('   7  12:30:05  Ada Park    Hello  ✗ spam_filter');
    expect(formatLine(event({ visibility: 'ben' }), file)).toBe('   7  12:30:05  Ada Park    Hello  only Ben');
    expect(formatLine(event({ visibility: 'internal' }), file)).toContain('  hidden');
    const metadata = { handoff: true, from_agent: 'mia', to_agent: 'ben', reason: 'My bill is wrong' };
    expect(formatLine(event({ metadata }), file)).toBe('   7  12:30:05  ── Mia handed over to Ben · My bill is wrong');
  });

  it('fits the window, with what is special about it, and is whole in a file', () => {
    const body = 'word '.repeat(60).trim();
    for (const given of [
      event({ body }),
      event({ body, status: 'blocked', blockedBy: 'spam_filter' }),
      event({ body: '漢字と絵文字👩‍👩‍👧'.repeat(20) }),
    ]) {
      const line = formatLine(given, narrow);
      expect(line.length).toBeLessThan(80);
      expect(line).toContain('…');
    }
    const handoff = formatLine(event({ metadata: { handoff: true, from_agent: 'mia', to_agent: 'ben', reason: body } }), narrow);
    expect([handoff.length < 80, handoff.endsWith('…')]).toEqual([true, true]);
    expect(formatLine(event({ body, status: 'blocked', blockedBy: 'spam_filter' }), narrow)).toMatch(/ {2}✗ spam_filter$/);
    expect(formatLine(event({ body }), file)).toContain(body);
  });

  it('is one line of words, whatever a customer sends to the terminal', () => {
    const body = 'one\ntwo\r\nthree \u001b[2J\u001b]0;title\u0007 \u009b31m right\u202eleft';
    const line = formatLine(event({ body }), file);
    expect(line).toBe('   7  12:30:05  Ada Park    one two three [2J]0;title 31m rightleft');
    const blocked = formatLine(event({ status: 'blocked', blockedBy: 'bad\u001b[31m' }), { colours: true, columns: 80 });
    expect(blocked.split('\u001b[31m')).toHaveLength(2); // the one that we paint it with
  });
});
