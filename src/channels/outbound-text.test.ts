import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import type { EventContent } from '../core/index.js';
import { outboundMedia, outboundText } from './outbound-text.js';

const photo = { type: 'media', url: 'https://cdn.example/cat.jpg', mimeType: 'image/jpeg', filename: 'cat.jpg', caption: 'my cat' } as const;
const voice = { type: 'audio', url: 'https://cdn.example/note', transcript: 'hello' } as const;
const film = { type: 'video', url: 'https://cdn.example/film' } as const;

describe('what a vendor is sent', () => {
  it.each<[EventContent, string | undefined]>([
    [{ type: 'text', body: 'hi' }, 'hi'],
    [{ type: 'text', body: '' }, undefined],
    [{ type: 'rich', body: '**hi**' }, '**hi**'],
    [{ type: 'rich', body: '**hi**', plainText: 'hi' }, 'hi'],
    [{ type: 'rich', body: '<p>hi &amp; <b>ho</b></p>', format: 'html' }, 'hi & ho'],
    [{ type: 'rich', body: '<p>hi</p>', format: 'html', plainText: 'plain' }, 'plain'],
    [{ type: 'system', body: 'Ada joined' }, 'Ada joined'],
    [{ type: 'template', templateId: 't', body: 'Your code is 1' }, 'Your code is 1'],
    [{ type: 'template', templateId: 't' }, undefined],
    [photo, 'my cat'],
    [voice, undefined],
    [film, undefined],
    [{ type: 'location', latitude: 1, longitude: 2, label: 'here' }, undefined],
    [{ type: 'delete', targetEventId: 'e' }, undefined],
    [{ type: 'composite', parts: [{ type: 'text', body: 'a' }, { type: 'text', body: '' }, voice, photo] }, 'a my cat'],
    [{ type: 'composite', parts: [{ type: 'composite', parts: [{ type: 'text', body: 'deep' }] }] }, 'deep'],
    [{ type: 'composite', parts: [film, voice] }, undefined],
  ])('has the words of %j', (content, words) => {
    verifies('PV-04');
    expect(outboundText(content)).toBe(words);
  });

  it('has the files in order, sounds and films with the kind that stands for none', () => {
    verifies('PV-04');
    const { type: _type, ...picture } = photo;
    const sound = { url: voice.url, mimeType: 'audio/ogg' };
    const moving = { url: film.url, mimeType: 'video/mp4' };
    expect(outboundMedia({ type: 'text', body: 'hi' })).toEqual([]);
    expect(outboundMedia(photo)).toEqual([picture]);
    expect(outboundMedia(voice)).toEqual([sound]);
    expect(outboundMedia({ ...film, mimeType: 'video/webm' })).toEqual([{ url: film.url, mimeType: 'video/webm' }]);
    const nested: EventContent = { type: 'composite', parts: [film, { type: 'text', body: 'x' }, { type: 'composite', parts: [photo, voice] }] };
    expect(outboundMedia(nested)).toEqual([moving, picture, sound]);
  });

  it('comes to nothing, and throws nothing, for what is no content', () => {
    verifies('PV-04');
    const leaf = fc.oneof(
      fc.anything(),
      fc.record({
        type: fc.constantFrom('text', 'rich', 'system', 'template', 'media', 'audio', 'video'),
        body: fc.anything(),
        plainText: fc.anything(),
        format: fc.constantFrom('html', 'markdown', undefined),
        url: fc.anything(),
        caption: fc.anything(),
      }),
    );
    const content = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 8 }, leaf, fc.record({ type: fc.constant('composite'), parts: fc.oneof(fc.anything(), fc.array(tie('node'))) })),
    })).node;
    fc.assert(
      fc.property(content, (given) => {
        const words = outboundText(given as EventContent);
        expect(words === undefined || (typeof words === 'string' && words !== '')).toBe(true);
        expect(outboundMedia(given as EventContent).every(({ url }) => typeof url === 'string' && url !== '')).toBe(true);
      }),
      { seed: 48, numRuns: 500 },
    );
  });
});
