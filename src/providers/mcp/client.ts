/** What is asked of an MCP client, and what it answers; the client of `@modelcontextprotocol/client` fits as it is. */

/** What goes with one request. */
export interface McpRequestOptions {
  /** Aborted when the answer is not wanted any more: the server is to be told. */
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** A tool as a server describes it. */
export interface McpTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
  readonly annotations?: { readonly readOnlyHint?: boolean; readonly idempotentHint?: boolean };
}

/** What a tool gave. */
export interface McpCallResult {
  /** Parts, told apart by `type`: text, image, audio, resource, resource_link. */
  readonly content?: unknown;
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

/** Anything that lists tools and calls them. */
export interface McpClient {
  /** One page of them. */
  listTools(params?: { cursor?: string }, options?: McpRequestOptions): Promise<{ readonly tools: readonly McpTool[]; readonly nextCursor?: string }>;
  /** Runs one, to its end. */
  callTool(params: { name: string; arguments?: Record<string, unknown> }, options?: McpRequestOptions): Promise<McpCallResult>;
}
