import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { toContent } from '../core/index.js';
import { inboundContent, type InboundParts } from './inbound-content.js';

const photo = { url: 'https://cdn.example/cat.jpg', mimeType: 'image/jpeg' };
const voice = { url: 'https://cdn.example/note.ogg', mimeType: 'audio/ogg; codecs=opus' };
const film = { url: 'https://cdn.example/cat.mp4', mimeType: 'video/mp4' };

describe('what a vendor sends, as content', () => {
  it('is text, media, media with a caption, or a composite', () => {
    verifies('PV-08');
    expect(inboundContent({ body: 'hi' })).toEqual({ type: 'text', body: 'hi' });
    expect(inboundContent({ body: 'hi', media: [] })).toEqual({ type: 'text', body: 'hi' });
    expect(inboundContent({ media: [photo] })).toEqual({ type: 'media', ...photo });
    expect(inboundContent({ body: '', media: [photo] })).toEqual({ type: 'media', ...photo });
    expect(inboundContent({ body: 'my cat', media: [photo] })).toEqual({ type: 'media', ...photo, caption: 'my cat' });
    expect(inboundContent({ body: 'both', media: [photo, film] })).toEqual({
      type: 'composite',
      parts: [
        { type: 'text', body: 'both' },
        { type: 'media', ...photo },
        { type: 'media', ...film },
      ],
    });
    expect(inboundContent({ media: [photo, photo] })).toEqual({
      type: 'composite',
      parts: [
        { type: 'media', ...photo },
        { type: 'media', ...photo },
      ],
    });
    expect(inboundContent({})).toEqual({ type: 'text', body: '' });
  });

  it('drops attachments without an address a room takes, and keeps twenty', () => {
    verifies('PV-08');
    const nowhere = [{}, { url: '' }, { url: 'file:///etc/passwd' }, { url: 'javascript:alert(1)' }, { url: `data:${'x'.repeat(1_048_576)}` }];
    expect(inboundContent({ body: 'look', media: nowhere })).toEqual({ type: 'text', body: 'look' });
    expect(inboundContent({ media: [...nowhere, photo] })).toEqual({ type: 'media', ...photo });
    const many = inboundContent({ media: Array.from({ length: 30 }, (_, index) => ({ url: `https://cdn.example/${index}` })) });
    expect(many.type === 'composite' && many.parts.map((part) => part.type === 'media' && part.url)).toEqual(
      Array.from({ length: 20 }, (_, index) => `https://cdn.example/${index}`),
    );
  });

  it('takes an unknown kind of file for bytes, and passes on its name and size', () => {
    verifies('PV-08');
    const file = { url: 'https://cdn.example/f' };
    const bytes = { type: 'media', ...file, mimeType: 'application/octet-stream' };
    expect(inboundContent({ media: [file] })).toEqual(bytes);
    expect(inboundContent({ media: [{ ...file, mimeType: ' ' }] })).toEqual(bytes);
    expect(inboundContent({ media: [{ ...file, filename: 'bill.pdf', sizeBytes: 12 }] })).toEqual({ ...bytes, filename: 'bill.pdf', sizeBytes: 12 });
    expect(inboundContent({ media: [{ ...file, filename: '', sizeBytes: Number.NaN }] })).toEqual(bytes);
  });

  it('makes sounds and films audio and video only where the channel carries these', () => {
    verifies('PV-08');
    expect(inboundContent({ media: [voice] }, ['text', 'media'])).toEqual({ type: 'media', ...voice });
    expect(inboundContent({ media: [voice] }, ['text', 'audio'])).toEqual({ type: 'audio', ...voice });
    expect(inboundContent({ media: [film] }, ['text', 'audio'])).toEqual({ type: 'media', ...film });
    expect(inboundContent({ media: [film] }, ['video'])).toEqual({ type: 'video', ...film });
    expect(inboundContent({ media: [photo] }, ['audio', 'video'])).toEqual({ type: 'media', ...photo });
    expect(inboundContent({ media: [{ ...film, url: 'data:video/mp4;base64,AA==' }] }, ['video']).type).toBe('media');
    expect(inboundContent({ body: 'listen', media: [voice] }, ['audio'])).toEqual({
      type: 'composite',
      parts: [
        { type: 'text', body: 'listen' },
        { type: 'audio', ...voice },
      ],
    });
  });

  it('caps the body between two graphemes', () => {
    verifies('PV-08', 'PV-06');
    const family = '👨‍👩‍👧';
    expect(inboundContent({ body: 'a'.repeat(65_536) })).toEqual({ type: 'text', body: 'a'.repeat(65_536) });
    expect(inboundContent({ body: 'a'.repeat(65_537) })).toEqual({ type: 'text', body: 'a'.repeat(65_536) });
    expect(inboundContent({ body: 'a'.repeat(65_530) + family })).toEqual({ type: 'text', body: 'a'.repeat(65_530) });
    expect(inboundContent({ body: 'a'.repeat(65_530) + family, media: [photo] })).toMatchObject({ caption: 'a'.repeat(65_530) });
  });

  it('never throws, and what comes out is content that a room takes', () => {
    verifies('PV-06', 'PV-08');
    const entry = fc.record(
      {
        url: fc.oneof(fc.webUrl(), fc.string(), fc.constant('https://'), fc.anything()),
        mimeType: fc.oneof(fc.constantFrom('audio/ogg', 'VIDEO/mp4', 'image/png'), fc.string(), fc.anything()),
        filename: fc.anything(),
        sizeBytes: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const given = fc.oneof(
      fc.record({ body: fc.oneof(fc.string(), fc.anything()), media: fc.oneof(fc.array(fc.oneof(entry, fc.anything())), fc.anything()) }),
      fc.object(),
    );
    fc.assert(
      fc.property(given, fc.subarray(['text', 'media', 'audio', 'video'] as const), (parts, mediaTypes) => {
        const content = inboundContent(parts as InboundParts, mediaTypes);
        expect(toContent(content)).toEqual(content);
      }),
      { seed: 48, numRuns: 500 },
    );
  });
});
