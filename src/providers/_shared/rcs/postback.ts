/** What a tap brings back: the choice's id and value, alike from every vendor (`metadata.action`, §3.1). */
import type { RcsChoice } from './shape.js';

/** As it is given to the vendor: a list of the id, and of the value where there is one. */
export function postbackOf({ id, value }: Pick<RcsChoice, 'id' | 'value'>): string {
  return JSON.stringify(value === undefined ? [id] : [id, value]);
}

/** As it came back; what we did not write, such as a template's own, is its own id and value. */
export function actionOf(postback: string): Readonly<Record<string, string>> {
  const own = listIn(postback) ?? listIn(Buffer.from(postback, 'base64').toString('utf8'));
  if (own === undefined) return { id: postback, value: postback, kind: 'reply' };
  const [id = '', value] = own;
  return { id, ...(value !== undefined && { value }), kind: 'reply' };
}

function listIn(text: string): readonly string[] | undefined {
  if (!text.startsWith('["')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length <= 2 && list.every((entry) => typeof entry === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}
