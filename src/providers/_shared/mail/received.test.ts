/** Mails that come in: what they say, what they belong to, what answers them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../../test/requirements.js';
import { addressList, parseHeaders, readMail, type MailAttachment, type MailMessage, type ReceivedMail } from './received.js';
import { mailAddress, messageIds } from './headers.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function mail(headers: string, more: Partial<ReceivedMail> = {}): ReceivedMail {
  return { headers: parseHeaders(headers), from: { address: 'ada@example.org', name: 'Ada' }, attachments: [], text: 'Yes.', ...more };
}

function messageOf(received: ReceivedMail): MailMessage {
  const [meta] = readMail(received, 'smtp');
  if (meta?.type !== 'message') throw new Error(`It is ${JSON.stringify(meta)}.`);
  return meta.message;
}

describe('a received mail', () => {
  it('is a message of its sender, in its thread, known by its id', () => {
    verifies('EM-05', 'PV-07', 'RTR-05');
    const headers =
      'Message-ID: <a2@example.org>\r\nIn-Reply-To: <event-1@shop.example>\r\nReferences: <a1@example.org>\r\n <event-1@shop.example>\r\nX-Mailer: Pen';
    const message = messageOf(
      mail(headers, { subject: 'Re: Parcel', to: ['desk@shop.example'], text: 'Yes.\n\nOn 24 Nov 2026, Desk wrote:\n> Again?', html: '<p>Yes.</p>' }),
    );
    expect(message).toMatchObject({
      senderId: 'ada@example.org',
      content: { type: 'text', body: 'Yes.' },
      externalId: '<a2@example.org>',
      idempotencyKey: '<a2@example.org>',
      threadId: '<a1@example.org>',
      repliesTo: ['<event-1@shop.example>', 'event-1', '<a1@example.org>', 'a1'],
      metadata: {
        subject: 'Re: Parcel',
        from_name: 'Ada',
        to: ['desk@shop.example'],
        references: ['<a1@example.org>', '<event-1@shop.example>'],
        full_text: 'Yes.\n\nOn 24 Nov 2026, Desk wrote:\n> Again?',
      },
      rawPayload: { html: '<p>Yes.</p>' },
    });
    expect(message.addressedTo).toBeUndefined();
  });

  it('that begins a thread is its root', () => {
    verifies('EM-05');
    const message = messageOf(mail('Message-ID: <a1@example.org>'));
    expect(message.threadId).toBe('<a1@example.org>');
    expect(message.repliesTo).toBeUndefined();
  });

  it('without an id gets one from what it says, the same each time', () => {
    verifies('PV-07');
    const one = messageOf(mail('X: y'));
    expect(one.idempotencyKey).toBe(messageOf(mail('X: z')).idempotencyKey);
    expect(one.idempotencyKey).not.toBe(messageOf(mail('X: y', { text: 'No.' })).idempotencyKey);
  });

  it('in HTML alone is read as text, and one that was only passed on is shown whole', () => {
    verifies('EM-05');
    expect(messageOf(mail('', { text: undefined, html: '<style>p{}</style><p>Yes &amp; no</p>' })).content).toEqual({
      type: 'text',
      body: 'Yes & no',
    });
    expect(messageOf(mail('', { text: '> Again?' })).content).toEqual({ type: 'text', body: '> Again?' });
  });

  it('brings its files along, pictures within the text too, and says what was too much', () => {
    verifies('EM-05', 'PV-08');
    const files: MailAttachment[] = [
      { filename: 'photo.png', mimeType: 'image/png', bytes: bytes('png'), contentId: '<p@x>' },
      { filename: 'film.mp4', mimeType: 'video/mp4', bytes: new Uint8Array(2_000_000) },
    ];
    const message = messageOf(mail('', { attachments: files }));
    expect(message.content).toEqual({
      type: 'media',
      url: `data:image/png;base64,${Buffer.from('png').toString('base64')}`,
      mimeType: 'image/png',
      filename: 'photo.png',
      sizeBytes: 3,
      caption: 'Yes.',
    });
    expect(message.metadata?.['attachments_left_out']).toEqual([{ filename: 'film.mp4', mime_type: 'video/mp4', size_bytes: 2_000_000 }]);
  });

  it('of a machine is kept, and asks no agent', () => {
    verifies('EM-05');
    const automatic = [
      'Auto-Submitted: auto-replied',
      'Auto-Submitted: auto-generated; type=x',
      'Precedence: bulk',
      'Precedence: auto_reply',
      'X-Auto-Response-Suppress: All',
      'X-Autoreply: yes',
      'Return-Path: <>',
    ];
    for (const header of automatic) {
      expect(messageOf(mail(header)), header).toMatchObject({ addressedTo: [], metadata: { auto_reply: true } });
    }
    expect(messageOf(mail('', { from: { address: 'mailer-daemon@example.org' } })).addressedTo).toEqual([]);
    for (const header of ['Auto-Submitted: no', 'Precedence: normal', 'List-Id: <help.shop.example>', 'X-Mailer: Auto-Submitted'])
      expect(messageOf(mail(header)).addressedTo, header).toBeUndefined();
  });

  it('without a sender is nobody’s', () => {
    verifies('EM-05', 'PV-06');
    expect(readMail(mail('', { from: undefined }), 'smtp')).toEqual([{ type: 'ignored', reason: 'no sender' }]);
  });
});

describe('a report of a mail server', () => {
  const report = (status: string): MailAttachment => ({
    mimeType: 'message/delivery-status',
    bytes: bytes(`Reporting-MTA: dns; mx.example.org\r\n\r\n${status}`),
  });
  const original: MailAttachment = { mimeType: 'text/rfc822-headers', bytes: bytes('Subject: Parcel\r\nMessage-ID: <event-1@shop.example>\r\n') };

  it('says of which mail and whose what became, and is no message', () => {
    verifies('EM-05', 'PV-11');
    const failed = report(
      'Final-Recipient: rfc822; Ada@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No such\r\n user',
    );
    expect(readMail(mail('', { attachments: [failed, original] }), 'smtp')).toEqual([
      {
        type: 'status',
        status: expect.objectContaining({
          provider: 'smtp',
          messageId: '<event-1@shop.example>',
          status: 'failed',
          recipient: 'ada@example.org',
          errorCode: 'smtp_5.1.1',
          errorMessage: '550 5.1.1 No such user',
        }) as unknown,
      },
    ]);
  });

  it('tells what is still being tried from what is given up, and what arrived', () => {
    verifies('PV-11');
    const statusOf = (action: string): unknown => {
      const [meta] = readMail(
        mail('', { attachments: [report(`Final-Recipient: rfc822; a@b.c\r\nAction: ${action}\r\nStatus: 4.4.1`), original] }),
        'smtp',
      );
      return meta?.type === 'status' ? meta.status.status : undefined;
    };
    expect(['delayed', 'failed', 'delivered', 'relayed'].map(statusOf)).toEqual(['sending', 'failed', 'delivered', 'sent']);
  });

  it('that names no mail, or decides nothing, is a mail like others', () => {
    verifies('PV-11');
    const without = readMail(mail('', { attachments: [report('Action: failed')] }), 'smtp');
    expect(without.map(({ type }) => type)).toEqual(['message']);
  });
});

describe('anything a stranger sends', () => {
  it('in HTML is read in proportion to its length: a megabyte of tags or spaces holds nobody up', () => {
    verifies('PV-06');
    for (const piece of ['<script></script>', '<style>', '</script>', '<', ' ', '&amp', '<p> \t'])
      expect(messageOf(mail('', { text: undefined, html: piece.repeat(1_000_000 / piece.length) })).content).toMatchObject({ type: 'text' });
  });

  it('is read without harm', () => {
    verifies('PV-06');
    const header = fc.tuple(
      fc.constantFrom('message-id', 'references', 'in-reply-to', 'auto-submitted', 'precedence', 'x'),
      fc.oneof(fc.string(), fc.constantFrom('<a@b>', '<<<>>>', '<'.repeat(5000), '\u0000')),
    );
    const received = fc.record({
      headers: fc.array(header),
      from: fc.option(fc.record({ address: fc.string() }), { nil: undefined }),
      subject: fc.option(fc.string(), { nil: undefined }),
      text: fc.option(fc.string(), { nil: undefined }),
      html: fc.option(fc.string(), { nil: undefined }),
      attachments: fc.array(
        fc.record({
          mimeType: fc.constantFrom('', 'a/b', 'message/delivery-status', 'message/rfc822', 'x\r\ny'),
          bytes: fc.uint8Array(),
          filename: fc.string(),
        }),
      ),
    });
    fc.assert(
      fc.property(received, (one) => {
        for (const meta of readMail(one, 'smtp')) {
          if (meta.type !== 'message') continue;
          expect(meta.message.senderId).toBe(one.from?.address);
          expect(meta.message.idempotencyKey).toMatch(/^<.+>$/);
        }
      }),
    );
  });

  it('in place of an address is none', () => {
    verifies('PV-06', 'EM-02');
    expect(mailAddress('"Love\\"lace, Ada" <Ada@Example.org>')).toEqual({ address: 'ada@example.org', name: 'Love"lace, Ada' });
    expect(mailAddress('ada@example.org')).toEqual({ address: 'ada@example.org' });
    for (const text of ['', 'ada', '<>', 'a@b, c@d', 'a@b\r\nBcc: c@d', 'a@@b', '<a@b', `${'a'.repeat(400)}@b`])
      expect(mailAddress(text), text).toBeUndefined();
    expect(addressList('"Love, Ada" <ada@example.org>, bob@example.org, nobody')).toEqual(['ada@example.org', 'bob@example.org']);
    expect(messageIds('<a@b> <c@d>,<a@b> x <>')).toEqual(['<a@b>', '<c@d>']);
  });
});
