import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formattedText } from './entities.js';

/** `type:words`, as a reader sees it. */
function looks(markdown: string): { text: string; looks: string[] } {
  const { text, entities } = formattedText(markdown);
  return {
    text,
    looks: entities.map(({ type, offset, length, url }) => `${type}:${text.slice(offset, offset + length)}${url === undefined ? '' : `→${url}`}`),
  };
}

describe('markdown for Telegram', () => {
  it.each([
    ['**bold** and *slanted*', 'bold and slanted', ['bold:bold', 'italic:slanted']],
    ['__bold__ and _slanted_', 'bold and slanted', ['bold:bold', 'italic:slanted']],
    ['~~gone~~ `code` ``a`b``', 'gone code a`b', ['strikethrough:gone', 'code:code', 'code:a`b']],
    ['**bold with *slanted* in it**', 'bold with slanted in it', ['bold:bold with slanted in it', 'italic:slanted']],
    ['👩‍👩‍👧 **é👍** end', '👩‍👩‍👧 é👍 end', ['bold:é👍']],
    ['[the **page**](https://a.example/x_(y)?a=1_2)', 'the page', ['text_link:the page→https://a.example/x_(y)?a=1_2', 'bold:page']],
    ['![map](https://a.example/m.png)', 'map', ['text_link:map→https://a.example/m.png']],
    ['[mail](mailto:a@b.example)', 'mail (mailto:a@b.example)', []],
    ['# Head *line*\ntext', 'Head line\ntext', ['bold:Head line', 'italic:line']],
    ['- one\n* two\n  + three', '• one\n• two\n  • three', []],
    ['> quoted **so**\n> twice\nnot', 'quoted so\ntwice\nnot', ['blockquote:quoted so\ntwice', 'bold:so']],
    ['```ts\nconst a = **1**;\n```\nend', 'const a = **1**;\nend', ['pre:const a = **1**;']],
    ['```\nnever closed', 'never closed', ['pre:never closed']],
    ['\\*no\\* \\_mark\\_', '*no* _mark_', []],
    ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4', []],
    ['**never closed', '**never closed', []],
    ['a ** b **', 'a ** b **', []],
    ['<https://a.example/a_b_c>', 'https://a.example/a_b_c', []],
    ['  spaces **around**  ', 'spaces around', ['bold:around']],
    ['', '', []],
  ])('reads %j', (markdown, text, expected) => {
    expect(looks(markdown)).toEqual({ text, looks: expected });
  });

  it('keeps the language of code', () => {
    expect(formattedText('```py\nx\n```').entities).toEqual([{ type: 'pre', language: 'py', offset: 0, length: 1 }]);
  });

  it('gives Telegram no entity that it would refuse, whatever is written', () => {
    const letters = fc.constantFrom('*', '_', '~', '`', '[', ']', '(', ')', '\\', '>', '#', '-', '\n', ' ', 'a', 'ß', '👍', '<', 'https://a.example');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 60 }), (parts) => {
        const { text, entities } = formattedText(parts.join(''));
        for (const { offset, length } of entities) {
          expect(length).toBeGreaterThan(0);
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(offset + length).toBeLessThanOrEqual(text.length);
          expect(/^[\udc00-\udfff]/.test(text.slice(offset)), 'begins in the middle of a letter').toBe(false);
        }
        expect(text).toBe(text.trim());
      }),
      { numRuns: 2000 },
    );
  });
});
