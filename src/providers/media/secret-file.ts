/** The secret of a store that was given none: made once, kept beside the files, read by every later start. */
import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ValidationError } from '../../core/index.js';

const SECRET_BYTES = 32;

export async function kept(directory: string): Promise<Uint8Array> {
  const path = join(directory, '.secret');
  const found = await read(path);
  if (found !== undefined) return found;
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, randomBytes(SECRET_BYTES), { mode: 0o600, flag: 'wx' });
  try {
    // A link is there whole or not at all, and not a second time: of two starts at once one wins, for both.
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const secret = await read(path);
  if (secret === undefined)
    throw new ValidationError(`${path} holds no secret of ${SECRET_BYTES} bytes. Remove it, or give FileMediaStore a { secret }.`);
  return secret;
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    const secret = await readFile(path);
    return secret.byteLength >= SECRET_BYTES ? secret : undefined;
  } catch {
    return undefined;
  }
}
