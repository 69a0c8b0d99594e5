/**
 * `roomkit/mcp`: tools of MCP servers for agents. Needs the package `@modelcontextprotocol/client`.
 * @module roomkit/mcp
 */
export { MCPToolProvider, type TakesTools } from './provider.js';
export type { MCPToolProviderOptions, McpTransport } from './options.js';
export type { McpCallResult, McpClient, McpRequestOptions, McpTool } from './client.js';
