/** `roomkit new`: a small project of the user's own, in an empty folder. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { projectFiles } from './project.js';
import { CannotRun, say } from './say.js';

/** Throws CannotRun when the folder holds anything, or when no package could have its name. */
export function newProject(folder: string, version: string): void {
  const path = resolve(folder);
  const name = basename(path).toLowerCase();
  if (!/^[a-z0-9][\w.-]*$/.test(name))
    throw new CannotRun(`'${basename(path)}' can be no package's name. Use letters, digits and dashes, as in my-agent.`);
  let found: string[];
  try {
    mkdirSync(path, { recursive: true });
    found = readdirSync(path);
  } catch (cause) {
    throw new CannotRun(`${path} cannot be a folder (${cause instanceof Error ? cause.message : String(cause)}).`, 1, { cause });
  }
  if (found.length > 0) {
    const some = found.slice(0, 3).join(', ');
    throw new CannotRun(`${path} is not empty: it holds ${some}${found.length > 3 ? ' and more' : ''}. Give a new folder, or empty this one.`);
  }
  for (const [file, text] of Object.entries(projectFiles(name, version))) writeFileSync(join(path, file), text);
  const enter = path === process.cwd() ? '' : `  cd ${/\s/.test(folder) ? `'${folder}'` : folder}\n`;
  say(`${name} is written. Next:\n\n${enter}  npm install\n  npm run dev${enter === '' ? '\n  npm test' : ''}\n`);
}
