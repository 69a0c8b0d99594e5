/**
 * The rules of docs/rfc and who proves them. A test calls `verifies('INB-07')` in its first line; the coverage test reads
 * these calls and lists the rules that nothing cites.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RFC = fileURLToPath(new URL('../docs/rfc/', import.meta.url));

export interface Rule {
  readonly id: string;
  /** The page that states it, such as `09-inbound-pipeline.md`. */
  readonly page: string;
  /** The section of the core's rules; undefined on the pages about voice, vendors and faults. */
  readonly section?: number;
  /** A fault's name, such as `redelivery_returns_first_result`. */
  readonly name?: string;
}

let known: ReadonlyMap<string, Rule> | undefined;

/** Every rule of the pages, by id. */
export function allRules(): ReadonlyMap<string, Rule> {
  return (known ??= readRules());
}

/** Says which rules this test would fail without. Throws for an id that no page knows. */
export function verifies(...ids: readonly string[]): void {
  for (const id of ids) {
    if (!allRules().has(id)) throw new Error(`No page of docs/rfc states a rule '${id}'. Correct the id, or write the rule first.`);
  }
}

function readRules(): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  for (const page of readdirSync(RFC).filter((file) => file.endsWith('.md') && file !== 'README.md' && file !== 'changes.md')) {
    const section = /^(\d\d)-/.exec(page)?.[1];
    for (const line of readFileSync(`${RFC}${page}`, 'utf8').split('\n')) {
      for (const rule of rulesOf(line)) {
        if (!rules.has(rule.id)) rules.set(rule.id, { ...rule, page, ...(section !== undefined && { section: Number(section) }) });
      }
    }
  }
  return rules;
}

/** A row of a table whose first or second cell is an id; a figure or invariant; a fault with its name. */
function rulesOf(line: string): { id: string; name?: string }[] {
  const fault = /^\| (F\d\d[a-z]?) (\w+)/.exec(line);
  if (fault?.[1] !== undefined && fault[2] !== undefined) return [{ id: fault[1], name: fault[2] }];
  const numbered = /\*\*((?:FIG|INV)-\d\d)\*\*/.exec(line);
  if (numbered?.[1] !== undefined) return [{ id: numbered[1] }];
  const cell = /^\|(?:[^|]*\|)? ?([A-Z]{2,4}-\d\d[a-z]?) ?\|/.exec(line) ?? /^\| ?([A-Z]{2,4}-\d\d[a-z]?) ?\|/.exec(line);
  return cell?.[1] === undefined ? [] : [{ id: cell[1] }];
}
