/** Loads the package of a vendor when it is first needed. */
import { MissingPeerError } from '../../core/errors.js';

/**
 * Gives what `load` imports; without the package, an error that says how to install it. The name may end with the one version
 * that works: `baileys@7.0.0-rc14`.
 */
export async function loadPeer<Module>(feature: string, packageName: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const name = packageName.replace(/(?!^)@[^/]*$/, '');
    throw isMissing(error, name) ? new MissingPeerError(feature, packageName, { cause: error }) : error;
  }
}

/** A package that is there, but lacks something of its own, is another fault. */
function isMissing(error: unknown, packageName: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') && error.message.includes(packageName);
}
