/**
 * People's, tools' and other agents' words are data (AI-10): they stay out of the system prompt, and they cannot pose
 * as the marks by which the kit itself structures what a model reads.
 */

/** Opens the block of who an agent is. */
export const IDENTITY_MARK = '--- Agent Identity ---';
/** Opens what a previous agent left for its successor (MEM-03). */
export const HANDOFF_MARK = '[Context from previous agent';
/** Opens what a conversation's older part comes to (MEM-07). */
export const SUMMARY_MARK = '[Summary of the earlier conversation]';
export const SUMMARY_END = '[End of the summary]';
/** Opens what was found of earlier messages (MEM-08). */
export const FOUND_MARK = '[Earlier messages, quoted]';
export const FOUND_END = '[End of the quotes]';

const MARKS: readonly (readonly [RegExp, string])[] = [
  [/-{3}(?=[ \t]*Agent Identity)/gi, '- - -'],
  [/\[(?=[ \t]*(?:Context from previous agent|Summary of the earlier conversation|Earlier messages, quoted|End of the (?:summary|quotes)))/gi, '('],
  [/<(?=\/?[ \t]*(?:available_skills|active_skill|skill)\b)/gi, '&lt;'],
];

/** The text with every forged mark made harmless; all other text as it is. */
export function escapeMarks(text: string): string {
  // Most messages hold none of the three characters a mark begins with.
  if (!text.includes('---') && !text.includes('[') && !text.includes('<')) return text;
  let safe = text;
  for (const [mark, harmless] of MARKS) safe = safe.replace(mark, harmless);
  return safe;
}

const MAX_LINE = 1000;

/** One line for a block of the system prompt: without breaks, so that it cannot open a line or a block of its own. */
export function singleLine(text: string, maxLength = MAX_LINE): string {
  const line = escapeMarks(text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim());
  return line.length <= maxLength ? line : line.slice(0, boundary(line, maxLength));
}

/** The nearest place at or before `at` that does not divide a character. */
export function boundary(text: string, at: number): number {
  const unit = text.charCodeAt(at - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? at - 1 : at;
}
