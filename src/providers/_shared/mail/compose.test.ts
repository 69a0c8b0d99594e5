/** Mails that go out: subject, thread, forms of the text, files. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TransportRequest } from '../../../channels/transport.js';
import type { EventContent } from '../../../core/models/content.js';
import type { RoomEvent } from '../../../core/models/event.js';
import { verifies } from '../../../../test/requirements.js';
import { composeMail, MAX_ATTACHMENT_BYTES, type OutgoingMail } from './compose.js';
import { markdownToHtml } from './markdown.js';

const SETTINGS = { from: { address: 'desk@shop.example', name: 'Desk' }, subject: 'Your request', domain: 'shop.example' };

function eventOf(content: EventContent, more: Partial<RoomEvent> = {}): RoomEvent {
  return {
    id: 'event-1',
    roomId: 'room',
    type: 'message',
    source: { channelId: 'desk', channelType: 'websocket', direction: 'inbound', rawPayload: {} },
    content,
    status: 'delivered',
    visibility: 'all',
    index: 1,
    chainDepth: 0,
    createdAt: '2026-11-25T12:00:00.000Z',
    metadata: {},
    channelData: {},
    ...more,
  };
}

function requestOf(content: EventContent, more: Partial<TransportRequest> = {}, event: Partial<RoomEvent> = {}): TransportRequest {
  const binding = { channelId: 'mail', roomId: 'room', metadata: {} } as TransportRequest['binding']; // nothing else of it is read
  const signal = new AbortController().signal;
  return { to: 'ada@example.org', event: eventOf(content, event), content, defaults: {}, binding, idempotencyKey: 'k', attempt: 1, signal, ...more };
}

async function composed(content: EventContent, more: Partial<TransportRequest> = {}, event: Partial<RoomEvent> = {}): Promise<OutgoingMail> {
  const mail = await composeMail(requestOf(content, more, event), SETTINGS);
  if ('success' in mail) throw new Error(JSON.stringify(mail));
  return mail;
}

const hello: EventContent = { type: 'text', body: 'Hello' };

function received(metadata: RoomEvent['metadata'], id = '<a2@example.org>'): RoomEvent {
  return eventOf(hello, { metadata, source: { channelId: 'mail', channelType: 'email', direction: 'inbound', rawPayload: {}, externalId: id } });
}

describe('a mail that goes out', () => {
  it('says what it is about: its event first, then the binding, the mail it answers, the provider', async () => {
    verifies('EM-02');
    const answered = () => received({ subject: 'My parcel' });
    expect((await composed(hello)).subject).toBe('Your request');
    expect((await composed(hello, { answered })).subject).toBe('Re: My parcel');
    expect((await composed(hello, { answered: () => received({ subject: 'AW: My parcel' }) })).subject).toBe('AW: My parcel');
    expect((await composed(hello, { answered, defaults: { subject: 'Order 7' } })).subject).toBe('Order 7');
    expect((await composed(hello, { defaults: { subject: 'Order 7' } }, { metadata: { subject: 'Refund' } })).subject).toBe('Refund');
  });

  it('is in the thread of the mail it answers, and has its event’s id', async () => {
    verifies('EM-03');
    const mail = await composed(hello, { answered: () => received({ references: ['<a1@example.org>', '<event-0@shop.example>'] }) });
    expect(mail).toMatchObject({
      messageId: '<event-1@shop.example>',
      inReplyTo: '<a2@example.org>',
      references: ['<a1@example.org>', '<event-0@shop.example>', '<a2@example.org>'],
    });
    const long = Array.from({ length: 49 }, (_, n) => `<r${n}@x>`);
    const { references } = await composed(hello, { answered: () => received({ references: long }) });
    expect([references.length, references[0], references.at(-1)]).toEqual([21, '<r0@x>', '<a2@example.org>']);
  });

  it('that answers none hangs together with the others of its room', async () => {
    verifies('EM-03');
    const one = await composed(hello);
    const two = await composed(hello, {}, { id: 'event-2' });
    const other = await composed(hello, {}, { roomId: 'other' });
    expect(one.inReplyTo).toBeUndefined();
    expect(two.references).toEqual(one.references);
    expect(other.references).not.toEqual(one.references);
  });

  it('lets nothing become a header, an address or an id that is none', async () => {
    verifies('EM-02', 'EM-03');
    expect((await composed(hello, {}, { metadata: { subject: 'Hi\r\nBcc: all@example.org\u2028x' } })).subject).toBe('Hi Bcc: all@example.org x');
    expect((await composed(hello, {}, { id: 'x\r\ny <z>' })).messageId).toMatch(/^<[0-9a-f]{40}@shop\.example>$/);
    const answered = () => received({ references: ['<a@b>\r\nBcc: x', 7, '<c@d>'] }, '<x@y>\r\nBcc: z');
    expect((await composed(hello, { answered })).inReplyTo).toBeUndefined();
    for (const to of ['', 'ada', 'a@b\r\nBcc: c@d', 'a@b,c@d', 'Ada <a@b>', '@b'])
      expect(await composeMail(requestOf(hello, { to }), SETTINGS), to).toMatchObject({ error: 'invalid_recipient', retryable: false });
    expect(await composeMail(requestOf(hello, { defaults: { from: 'x\r\ny@z' } }), SETTINGS)).toMatchObject({ error: 'invalid_sender' });
  });

  it('of an agent says that a machine wrote it', async () => {
    verifies('EM-05');
    const source = { channelId: 'helper', channelType: 'ai', direction: 'inbound', rawPayload: {} } as const;
    expect((await composed(hello, {}, { source })).headers).toEqual({ 'Auto-Submitted': 'auto-replied' });
    expect((await composed(hello)).headers).toEqual({});
  });

  it('is text, and HTML where there is more to show', async () => {
    verifies('EM-01');
    const text = await composed({ type: 'text', body: 'a < b\nc' });
    expect([text.text, text.html]).toEqual(['a < b\nc', undefined]);
    const markdown = await composed({ type: 'rich', body: '**Yes**, see [here](https://shop.example/?a=1&b=2)' });
    expect(markdown.text).toBe('**Yes**, see [here](https://shop.example/?a=1&b=2)');
    expect(markdown.html).toContain('<strong>Yes</strong>, see <a href="https://shop.example/?a=1&#38;b=2">here</a>');
    const html = await composed({ type: 'rich', format: 'html', body: '<h1>Yes</h1><p>1 &lt; 2</p>' });
    expect([html.text, html.html?.includes('<h1>Yes</h1><p>1 &lt; 2</p>')]).toEqual(['Yes\n1 < 2', true]);
    expect((await composed({ type: 'rich', format: 'html', body: '<b>x</b>', plainText: 'plain' })).text).toBe('plain');
  });

  it('takes files along that it has, and names those that lie elsewhere', async () => {
    verifies('EM-01', 'EM-04', 'PV-05');
    const mail = await composed({
      type: 'composite',
      parts: [
        { type: 'text', body: 'See:' },
        { type: 'media', url: 'data:image/png;base64,cG5n', mimeType: 'image/png', filename: 'a\r\nb.png', caption: 'One' },
        { type: 'media', url: 'https://files.example/x?a=1&b', mimeType: 'application/pdf', caption: 'Two' },
        { type: 'media', url: 'data:text/plain,a%20b', mimeType: 'text/plain' },
      ],
    });
    expect(mail.text).toBe('See:\n\nOne\n\nTwo\nhttps://files.example/x?a=1&b');
    expect(mail.attachments.map(({ filename, mimeType, bytes }) => [filename, mimeType, Buffer.from(bytes).toString()])).toEqual([
      ['a b.png', 'image/png', 'png'],
      ['attachment-2.txt', 'text/plain', 'a b'],
    ]);
    const failing = async (content: EventContent) => composeMail(requestOf(content), SETTINGS);
    expect(await failing({ type: 'text', body: '' })).toMatchObject({ error: 'empty_message' });
    expect(await failing({ type: 'media', url: 'cid:x', mimeType: 'image/png' })).toMatchObject({ error: 'media_not_supported' });
    expect(await failing({ type: 'media', url: 'data:broken', mimeType: 'image/png' })).toMatchObject({ error: 'media_not_supported' });
    const huge = `data:image/png;base64,${'AAAA'.repeat(Math.ceil(MAX_ATTACHMENT_BYTES / 3) + 1)}`;
    expect(await failing({ type: 'media', url: huge, mimeType: 'image/png' })).toMatchObject({ error: 'media_not_supported' });
  });
});

describe('Markdown as HTML', () => {
  it('shows what is meant, and nothing else becomes markup', () => {
    verifies('EM-01');
    expect(markdownToHtml('# A *b*\n\n- one\n- `two <x>`\n\n1. first\n\n> said\n> twice\n\n---\n```js\na < b\n```\nlast\nline')).toBe(
      [
        '<h1>A <em>b</em></h1>',
        '<ul>\n<li>one</li>\n<li><code>two &#60;x&#62;</code></li>\n</ul>',
        '<ol>\n<li>first</li>\n</ol>',
        '<blockquote>said<br>\ntwice</blockquote>',
        '<hr>',
        '<pre><code>a &#60; b</code></pre>',
        '<p>last<br>\nline</p>',
      ].join('\n'),
    );
    expect(markdownToHtml('[x](javascript:alert(1)) <script>"\' 2 * 3 * 4 snake_case_name')).toBe(
      '<p>[x](javascript:alert(1)) &#60;script&#62;&#34;&#39; 2 * 3 * 4 snake_case_name</p>',
    );
  });

  it('makes no tag of anything but its own', () => {
    verifies('EM-01');
    const signs = fc.array(
      fc.constantFrom('*', '_', '`', '[', ']', '(', ')', '<', '>', '"', '\n', '#', '-', ' ', '1.', 'a', 'https://x', 'javascript:', '&'),
    );
    const known = /<\/?(?:p|h[1-6]|ul|ol|li|blockquote|br|hr|pre|code|strong|em)>|<a href="(?:https?:\/\/|mailto:)[^"<>]*">|<\/a>/gi;
    fc.assert(
      fc.property(signs, (pieces) => {
        expect(markdownToHtml(pieces.join('')).replace(known, '')).not.toMatch(/[<>]/);
      }),
    );
  });
});
