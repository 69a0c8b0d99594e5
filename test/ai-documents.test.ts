/** The documents that come with the package for coding assistants. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { getAgentsMd, getAiContext, getLlmsTxt } from '../src/index.js';
import { verifies } from './requirements.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

describe('the documents for coding assistants', () => {
  it('are the files of the package; together, the one about writing code first', () => {
    verifies('DOC-01');
    expect(getLlmsTxt()).toBe(readFileSync(join(ROOT, 'llms.txt'), 'utf8'));
    expect(getAgentsMd()).toBe(readFileSync(join(ROOT, 'AGENTS.md'), 'utf8'));
    const [first, second, ...rest] = getAiContext().split('\n\n---\n\n');
    expect([first?.slice(0, 34), second, rest]).toEqual(['# RoomKit for coding assistants\n\nH', getLlmsTxt(), []]);
  });

  it('are missed with an error that says so', async () => {
    verifies('DOC-01');
    const folder = mkdtempSync(join(tmpdir(), 'roomkit-documents-'));
    try {
      cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.d.ts') });
      cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
      const copy = (await import(pathToFileURL(join(folder, 'dist/index.js')).href)) as { getAiContext: () => string };
      expect(() => copy.getAiContext()).toThrow(
        expect.objectContaining({ code: 'not_found', message: expect.stringContaining('AGENTS.md is not at') }),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are short, and every file they name is there', () => {
    expect(getAgentsMd().split('\n').length).toBeLessThanOrEqual(100);
    for (const [, path] of getLlmsTxt().matchAll(/\]\(([^)#]+)\)/g)) expect(existsSync(join(ROOT, path ?? '')), path).toBe(true);
  });
});
