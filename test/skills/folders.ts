/** Folders of skills in a temporary place. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes files by their path in a new folder, which goes when the test is over. Gives the folder's real path. */
export function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'roomkit-skills-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** The text of a SKILL.md. */
export function skillMd(name: string, fields: Readonly<Record<string, string>> = {}, body = `How to ${name}.`): string {
  const lines = Object.entries({ name, description: `About ${name}.`, ...fields }).map(([key, value]) => `${key}: ${value}`);
  return ['---', ...lines, '---', '', body, ''].join('\n');
}

export function makeExecutable(path: string): void {
  chmodSync(path, 0o755);
}
