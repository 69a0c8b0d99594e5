import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { extractText } from './visible-text.js';

describe('extractText', () => {
  it('gives the words of an event or of its content, whatever kind they are', () => {
    verifies('TRC-02');
    expect(extractText({ type: 'text', body: 'Hi' })).toBe('Hi');
    expect(extractText({ content: { type: 'text', body: 'Hi' } })).toBe('Hi');
    expect(extractText({ content: { type: 'media', url: 'data:image/png;base64,AA==', mimeType: 'image/png' } })).toBe('[Media: attachment]');
    expect(extractText({ type: 'system', body: 'The room was closed.' })).toBe('The room was closed.');
  });
});
