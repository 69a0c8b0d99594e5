/** Every rule that this work brings is cited by a test or has a written reason and the work it waits for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allRules, verifies, type Rule } from './requirements.js';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Later {
  readonly reason: string;
  readonly work: string;
}

/** Sections of the core whose rules are due now; of §17–19 and 23, only the rules named by prefix. */
const SECTIONS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 37];
const PREFIXES = ['TURN', 'AI', 'TL', 'STR', 'STE', 'AGT', 'ORC', 'PIP', 'HND', 'DOC', 'CST', 'COL'];
const MEMORY = ['MEM-01', 'MEM-02', 'MEM-03', 'MEM-04', 'MEM-05'];
const FAULT = /^F(\d\d)/;

function isDue(rule: Rule): boolean {
  const fault = FAULT.exec(rule.id);
  if (fault !== null) {
    const number = Number(fault[1]);
    return number <= 27 || number >= 41;
  }
  if (MEMORY.includes(rule.id)) return true;
  const prefix = rule.id.split('-')[0] ?? '';
  if (rule.section === undefined) return false;
  return SECTIONS.includes(rule.section) || (rule.section >= 17 && rule.section <= 23 && PREFIXES.includes(prefix));
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') || file.endsWith('-contract.ts'))
    .map((file) => `${folder}/${file}`);
}

/** Rule → test files that cite it; for faults also whether the title of a test names it. */
function citations(): { cited: Map<string, string[]>; titles: string } {
  const cited = new Map<string, string[]>();
  let titles = '';
  for (const file of [...testFiles(`${root}/src`), ...testFiles(`${root}/test`)]) {
    const text = readFileSync(file, 'utf8');
    for (const call of text.matchAll(/verifies\(([^)]*)\)/g)) {
      for (const id of (call[1] ?? '').matchAll(/'([A-Z]{1,4}-?\d\d[a-z]?)'/g)) cited.set(id[1] ?? '', [...(cited.get(id[1] ?? '') ?? []), file]);
    }
    for (const rules of text.matchAll(/rules: \[([^\]]*)\]/g)) {
      for (const id of (rules[1] ?? '').matchAll(/'([A-Z]{1,4}-?\d\d[a-z]?)'/g)) cited.set(id[1] ?? '', [...(cited.get(id[1] ?? '') ?? []), file]);
    }
    for (const title of text.matchAll(/\b(?:it|test|describe)(?:\.\w+)?(?:\([^)]*\))?\(\s*[`'"](.*?)[`'"],/g)) titles += `${title[1] ?? ''}\n`;
  }
  return { cited, titles };
}

const laterFile = `${root}/test/requirements-later.json`;
const later = (existsSync(laterFile) ? JSON.parse(readFileSync(laterFile, 'utf8')) : {}) as Record<string, Later>;

describe('the rules', () => {
  it('are read from docs/rfc', () => {
    expect(allRules().size).toBeGreaterThan(350);
    expect(() => verifies('INB-99')).toThrow(/INB-99/);
  });

  it('are each proved by a test, or have a written reason', () => {
    const { cited, titles } = citations();
    const missing: string[] = [];
    for (const rule of allRules().values()) {
      if (!isDue(rule) || later[rule.id] !== undefined) continue;
      if (!cited.has(rule.id) && !(rule.name !== undefined && titles.includes(`${rule.id} ${rule.name}`))) missing.push(`${rule.id} (${rule.page})`);
      else if (rule.name !== undefined && !titles.includes(`${rule.id} ${rule.name}`))
        missing.push(`${rule.id}: no test is named '${rule.id} ${rule.name}'`);
    }
    expect(
      missing,
      'rules that nothing proves: cite them in a test that would fail without them, or give a reason in test/requirements-later.json',
    ).toEqual([]);
  });

  it('have no reason that is out of date', () => {
    const { cited } = citations();
    const works = ['console', 'models', 'text channels', 'durable', 'voice', 'telephony', 'realtime'];
    for (const [id, entry] of Object.entries(later)) {
      expect(allRules().has(id), `${id} is no rule`).toBe(true);
      expect(cited.has(id), `${id} is proved now: take its reason out of test/requirements-later.json`).toBe(false);
      expect(works, `${id} waits for an unknown work`).toContain(entry.work);
      expect(entry.reason.length, `${id} needs a reason`).toBeGreaterThan(10);
    }
  });
});
