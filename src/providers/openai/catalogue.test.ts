/** What is known of models by their ids. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { traitsOf } from './catalogue.js';

describe('the catalogue of models', () => {
  it.each([
    ['gpt-4o', false, true, 'any'],
    ['gpt-4o-mini-2024-07-18', false, true, 'any'],
    ['gpt-4o-audio-preview', false, false, 'any'],
    ['gpt-4.1-mini', false, true, 'any'],
    ['ft:gpt-4.1-2025-04-14:acme::abc', false, true, 'any'],
    ['gpt-4-turbo', false, true, 'any'],
    ['gpt-4', false, false, 'any'],
    ['gpt-3.5-turbo', false, false, 'any'],
    ['o1', true, true, 'any'],
    ['o1-mini', true, false, 'any'],
    ['o3-mini-2025-01-31', true, false, 'any'],
    ['o3', true, true, 'any'],
    ['o4-mini', true, true, 'any'],
    ['gpt-5', true, true, 'any'],
    ['gpt-5-nano-2025-08-07', true, true, 'any'],
    ['gpt-5-chat-latest', false, true, 'any'],
    ['gpt-5.2-chat-latest', false, true, 'any'],
    ['gpt-5.1-codex', true, true, 'any'],
    ['gpt-5.4-mini', true, true, 'any'],
    ['gpt-5.6-sol', true, true, 'without_effort'],
    ['gpt-6-luna', true, true, 'without_effort'],
    ['gpt-6.1-terra', true, true, 'without_effort'],
    ['gpt-6-astra', true, true, 'none'],
    ['gpt-6.1-sol', true, true, 'none'],
    ['my-model', false, false, 'any'],
    ['gpt-oss-120b', false, false, 'any'],
    ['o', false, false, 'any'],
  ] as const)('knows %s', (model, reasons, vision, chatTools) => {
    verifies('AIP-05');
    expect(traitsOf(model)).toEqual({ reasons, vision, chatTools });
  });
});
