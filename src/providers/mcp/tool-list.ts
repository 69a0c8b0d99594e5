/** The tools of a server under the names they have here (MCP-02, MCP-03). What a server says of itself is not trusted. */
import type { JsonSchema } from '../../core/models/ai.js';
import type { Logger } from '../../core/logger.js';
import { RoomKitError } from '../../core/errors.js';
import { matchesGlob } from '../../ai/tools/policy.js';
import type { McpClient, McpRequestOptions, McpTool } from './client.js';
import type { MCPToolProviderOptions } from './options.js';

const MAX_PAGES = 64;
const MAX_TOOLS = 1000;
const MAX_NAME = 128;
const MAX_DESCRIPTION_CHARS = 8000;
const MAX_SCHEMA_CHARS = 100_000;

export interface ListedTool {
  /** Here. */
  readonly name: string;
  /** At the server. */
  readonly serverName: string;
  readonly description: string;
  readonly parameters: JsonSchema;
  readonly idempotent: boolean;
}

/** Every page of the server's list. */
export async function listAll(client: McpClient, options: McpRequestOptions): Promise<readonly McpTool[]> {
  const tools: McpTool[] = [];
  const seen = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const page = await client.listTools(cursor === undefined ? undefined : { cursor }, options);
    const given: unknown = page?.tools;
    if (Array.isArray(given)) tools.push(...(given as readonly McpTool[])); // each is looked at by toolsOf
    cursor = page?.nextCursor;
    if (cursor === undefined || cursor === '') return tools;
    if (seen.has(cursor) || seen.size >= MAX_PAGES || tools.length > MAX_TOOLS) {
      throw new RoomKitError('mcp_invalid', `The MCP server's list of tools has no end: ${seen.size + 1} pages, ${tools.length} tools.`);
    }
    seen.add(cursor);
  }
}

/** The tools that are taken, by their names here. Says which it had to leave out. */
export function toolsOf(listed: readonly McpTool[], options: MCPToolProviderOptions, logger: Logger): ReadonlyMap<string, ListedTool> {
  const tools = new Map<string, ListedTool>();
  for (const tool of listed) {
    const serverName: unknown = tool?.name;
    if (typeof serverName !== 'string' || !isTaken(serverName, tool, options.toolFilter)) continue;
    const name = `${options.prefix ?? ''}${serverName.replace(/[^\w.-]/g, '_')}`;
    const fault = faultOf(name, tool, tools);
    if (fault !== undefined) {
      logger.warn('A tool of an MCP server was left out.', { tool: name.slice(0, MAX_NAME), reason: fault });
      continue;
    }
    const { description, title, annotations } = tool;
    tools.set(name, {
      name,
      serverName,
      description: (description ?? title ?? '').slice(0, MAX_DESCRIPTION_CHARS),
      parameters: (tool.inputSchema ?? { type: 'object' }) as JsonSchema, // an object of type object, by faultOf
      idempotent: annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
    });
  }
  return tools;
}

function isTaken(name: string, tool: McpTool, filter: MCPToolProviderOptions['toolFilter']): boolean {
  if (filter === undefined) return true;
  return typeof filter === 'function' ? filter(name, tool) : filter.some((glob) => matchesGlob(glob, name));
}

function faultOf(name: string, { description, inputSchema }: McpTool, others: ReadonlyMap<string, ListedTool>): string | undefined {
  if (!/^[\w.-]+$/.test(name) || name.length > MAX_NAME) return 'its name is empty or too long';
  if (others.has(name)) return 'another one has its name';
  if (description !== undefined && typeof description !== 'string') return 'its description is no text';
  if (inputSchema === undefined) return undefined;
  if (typeof inputSchema !== 'object' || inputSchema === null || Array.isArray(inputSchema)) return 'its schema is none';
  if ('type' in inputSchema && inputSchema.type !== 'object') return 'its arguments are no object';
  return JSON.stringify(inputSchema).length > MAX_SCHEMA_CHARS ? 'its schema is too large' : undefined;
}
