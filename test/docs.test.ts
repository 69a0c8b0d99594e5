/** The documents: their links lead somewhere, their code is code that runs. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allDocuments, anchorsOf, brokenLink, codeBlocks, filledIn, linksOf, snippet, type Document } from './documents.js';

const documents = allDocuments();
const isGuide = ({ path }: Document): boolean => path.startsWith('docs/') && !path.startsWith('docs/rfc/');

describe('the code in the documents', () => {
  // `npx vitest run test/docs.test.ts -u` writes the blocks anew from the examples.
  it.each(documents)('of $path is what its example says', async (document) => {
    await expect(filledIn(document)).toMatchFileSnapshot(fileURLToPath(new URL(`../${document.path}`, import.meta.url)));
  });

  it('names the example it is taken from, wherever docs show TypeScript', () => {
    const blocks = documents.filter(isGuide).flatMap(({ path, text }) => codeBlocks(text).map((block) => ({ path, ...block })));
    const loose = blocks.filter(({ language, origin }) => /^(ts|tsx|typescript)$/.test(language) && origin === undefined);
    expect(loose.map(({ path, line }) => `${path}:${line}`)).toEqual([]);
  });

  it('is taken from examples, which are compiled and run', () => {
    const origins = documents.flatMap(({ text }) => codeBlocks(text).flatMap(({ origin }) => origin ?? []));
    expect(origins.filter((origin) => !origin.startsWith('examples/'))).toEqual([]);
  });

  it('is read as the convention says', () => {
    expect(codeBlocks('a\n\n<!-- examples/quickstart.ts -->\n```ts\nx\n```\n\n```sh\ny\n```\n')).toEqual([
      { line: 4, language: 'ts', code: 'x\n', origin: 'examples/quickstart.ts' },
      { line: 8, language: 'sh', code: 'y\n', origin: undefined },
    ]);
    const stale = { path: 'docs/x.md', text: 'a\n<!-- examples/quickstart.ts -->\n```ts\nstale\n```\nb\n' };
    expect(filledIn(stale)).toBe(`a\n<!-- examples/quickstart.ts -->\n\`\`\`ts\n${snippet('examples/quickstart.ts', 'here')}\`\`\`\nb\n`);
    expect(() => snippet('examples/quickstart.ts#none', 'docs/x.md:3')).toThrow("docs/x.md:3 takes its code from the region 'none'");
    expect(() => snippet('examples/none.ts', 'docs/x.md:3')).toThrow('examples/none.ts, which does not exist');
  });
});
