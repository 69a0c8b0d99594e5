/** Skills in folders: reading them, and files in them, never anything outside (SKL-03, SKL-07). Loaded by `import()`. */
import { constants } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errorMessage } from '../../core/errors.js';
import { ToolError } from '../tools/results.js';
import { faultOfFileName } from './file-name.js';
import { SkillError } from './metadata.js';
import { parseSkillFile, SKILL_FILE } from './skill-file.js';
import { Skill } from './skill.js';

const MAX_SKILL_FILE_BYTES = 256 * 1024;
const MAX_REFERENCE_BYTES = 2 * 1024 * 1024;
/** More files than a model could be told of. */
const MAX_FILES = 200;

/** A skill's folders of files. */
export type FilesOf = 'references' | 'scripts';

/** Reads one skill; throws SkillError. */
export async function readSkill(folder: string): Promise<Skill> {
  const given = resolve(folder);
  const file = join(given, SKILL_FILE);
  const path = await reading(given, () => realpath(given));
  const text = await reading(file, async () => {
    const real = await realpath(file);
    if (!isWithin(path, real)) throw new SkillError(`${file} leads out of its folder. Put the file itself there.`);
    return readText(real, MAX_SKILL_FILE_BYTES);
  });
  const { metadata, instructions } = await parseSkillFile(text, file);
  const skill = new Skill(
    { metadata, instructions },
    { path, references: await filesOf(path, 'references'), scripts: await filesOf(path, 'scripts') },
  );
  if (skill.name !== basename(given)) {
    throw new SkillError(`${file} says the name '${skill.name}', but its folder is '${basename(given)}'. Give both the same name.`);
  }
  return skill;
}

/** The folders in `folder` that hold a SKILL.md, sorted. Throws SkillError for a folder that cannot be read. */
export async function skillFoldersIn(folder: string): Promise<readonly string[]> {
  const given = resolve(folder);
  const names = await reading(given, () => readdir(given));
  const found: string[] = [];
  for (const name of names.sort()) {
    const path = join(given, name);
    const isFolder = await reading(path, async () => (await stat(path)).isDirectory());
    if (isFolder && (await exists(join(path, SKILL_FILE)))) found.push(path);
  }
  return found;
}

/**
 * The real path of one of the skill's files. Throws ToolError for a name that is none, for a file that is not there, and
 * for one that lies elsewhere: what a link names does not count, where it leads does.
 */
export async function fileOf(skill: Skill, of: FilesOf, name: string): Promise<string> {
  const fault = faultOfFileName(name);
  const offered = (): string => `It has: ${skill[of].join(', ') || 'none'}.`;
  if (fault !== undefined)
    throw new ToolError(`The name ${JSON.stringify(name.slice(0, 100))} ${fault}. Give the plain name of a file. ${offered()}`);
  const root = skill.folder?.path;
  const missing = (cause?: unknown): ToolError => new ToolError(`Skill '${skill.name}' has no file '${name}' in ${of}. ${offered()}`, { cause });
  if (root === undefined) throw missing();
  let folder: string;
  let real: string;
  try {
    folder = await realpath(join(root, of));
    real = await realpath(join(folder, name));
  } catch (error) {
    throw missing(error);
  }
  // A folder that is a link out of the skill holds nothing of the skill's.
  if (!isWithin(root, folder) || !isWithin(folder, real))
    throw new ToolError(`'${name}' lies outside of ${of} of skill '${skill.name}'. ${offered()}`);
  if (!(await stat(real)).isFile()) throw missing();
  return real;
}

/** The text of a reference. */
export async function readReference(skill: Skill, name: string): Promise<string> {
  const path = await fileOf(skill, 'references', name);
  try {
    return await readText(path, MAX_REFERENCE_BYTES);
  } catch (error) {
    throw new ToolError(`'${name}' of skill '${skill.name}' cannot be read as text of at most ${MAX_REFERENCE_BYTES} bytes.`, { cause: error });
  }
}

async function filesOf(root: string, of: FilesOf): Promise<readonly string[]> {
  const path = join(root, of);
  if (!(await exists(path))) return [];
  return reading(path, async () => {
    const folder = await realpath(path);
    if (!isWithin(root, folder)) throw new SkillError(`${path} leads out of its skill. Put the files themselves there.`);
    const names: string[] = [];
    for (const name of (await readdir(folder)).sort()) {
      if (faultOfFileName(name) === undefined && (await isOwnFile(folder, name))) names.push(name);
    }
    if (names.length > MAX_FILES) throw new SkillError(`${path} holds ${names.length} files; at most ${MAX_FILES} can be offered.`);
    return names;
  });
}

/** Neither a folder nor a link that leads out. */
async function isOwnFile(folder: string, name: string): Promise<boolean> {
  try {
    const real = await realpath(join(folder, name));
    return isWithin(folder, real) && (await stat(real)).isFile();
  } catch {
    return false; // a link to nothing
  }
}

/** UTF-8 of a real path, which is no link any more: one that was put there meanwhile is not followed. */
async function readText(real: string, maxBytes: number): Promise<string> {
  const file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new SkillError(`${real} is no file.`);
    if (found.size > maxBytes) throw new SkillError(`${real} has ${found.size} bytes; at most ${maxBytes} are read.`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await file.readFile());
  } finally {
    await file.close();
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false;
    throw new SkillError(`${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}

async function reading<Result>(path: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof SkillError ? error : new SkillError(`${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}
