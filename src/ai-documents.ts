/** The documents for coding assistants that come with the package: llms.txt and AGENTS.md (DOC-01). */
import { readFileSync } from 'node:fs';
import { RoomKitError } from './core/errors.js';

/** What RoomKit is and where its documentation lies, for a model's context. Throws RoomKitError `not_found` when the file is missing. */
export function getLlmsTxt(): string {
  return readDocument('llms.txt');
}

/** How to write code with RoomKit, for coding assistants. Throws RoomKitError `not_found` when the file is missing. */
export function getAgentsMd(): string {
  return readDocument('AGENTS.md');
}

/** Both, AGENTS.md first, with a line between them. Throws RoomKitError `not_found` when one is missing. */
export function getAiContext(): string {
  return `${getAgentsMd().trimEnd()}\n\n---\n\n${getLlmsTxt()}`;
}

/** Both `src` and `dist` lie in the package's root, beside the documents. */
function readDocument(name: string): string {
  const path = new URL(`../${name}`, import.meta.url);
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RoomKitError(
      'not_found',
      `${name} is not at ${path.pathname}. It is part of the package: install roomkit again, or do not bundle it.`,
      {
        cause,
      },
    );
  }
}
