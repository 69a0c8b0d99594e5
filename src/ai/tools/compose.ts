/** Several tool handlers as one (TL-12). */
import { ValidationError } from '../../core/errors.js';
import type { ToolContext } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';

/** Runs tools by name. Declines a name it does not know with {@link unknownTool}. */
export type ToolHandler = (name: string, args: Metadata, context: ToolContext) => unknown;

/** How a handler says that a tool is none of its own. */
export function unknownTool(name: string): string {
  return JSON.stringify({ error: `Unknown tool: ${name}` });
}

/** Whether a handler declined exactly this tool; as JSON text or as an object. */
export function isUnknownTool(result: unknown, name: string): boolean {
  let value = result;
  if (typeof result === 'string') {
    if (!result.trimStart().startsWith('{') || result.length > name.length * 6 + 200) return false;
    try {
      value = JSON.parse(result);
    } catch {
      return false;
    }
  }
  if (typeof value !== 'object' || value === null) return false;
  return Object.keys(value).length === 1 && (value as { error?: unknown }).error === `Unknown tool: ${name}`;
}

/**
 * Asks the handlers in order; the first that does not decline answers, and the last one's answer stands.
 * @example composeToolHandlers(mcp.handler, myHandler)
 */
export function composeToolHandlers(...handlers: readonly ToolHandler[]): ToolHandler {
  const last = handlers.at(-1);
  if (handlers.length < 2 || last === undefined) {
    throw new ValidationError(`composeToolHandlers needs at least two handlers; got ${handlers.length}.`);
  }
  return async (name, args, context) => {
    for (const handler of handlers.slice(0, -1)) {
      const result: unknown = await handler(name, args, context);
      if (!isUnknownTool(result, name)) return result;
    }
    return last(name, args, context);
  };
}
