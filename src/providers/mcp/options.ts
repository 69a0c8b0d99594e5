/** What a provider of MCP tools is made with, and what of it makes no sense. */
import type { Clock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { McpClient, McpTool } from './client.js';

/** How the server is spoken to. */
export type McpTransport = 'streamable_http' | 'sse' | 'stdio';

/** Which server, how to reach it, and what of it is offered. */
export interface MCPToolProviderOptions {
  /** Of a server over HTTP. */
  readonly serverUrl?: string;
  /** Default `streamable_http`; `stdio` when a `command` is given. */
  readonly transport?: McpTransport;
  /** Sent with every request over HTTP: credentials, mostly. They are never printed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which of the server's tools are taken, by their names there: globs (`*`, `?`), or a function. Default: all. */
  readonly toolFilter?: readonly string[] | ((name: string, tool: McpTool) => boolean);
  /** Stands before every name, such as `github_`. Policies, hooks and the model see the whole name (MCP-03). */
  readonly prefix?: string;
  /** A program that speaks MCP over stdio. It is started without a shell. */
  readonly command?: string;
  /** The program's arguments. */
  readonly args?: readonly string[];
  /** Variables for the program. Of this process's it sees a few only: HOME, PATH, LOGNAME, SHELL, TERM, USER. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program's folder. Default: this process's. */
  readonly cwd?: string;
  /** What becomes of what the program writes to stderr; default `ignore`. */
  readonly stderr?: 'ignore' | 'inherit';
  /** A client of your own, connected already; it is neither closed nor connected again. */
  readonly client?: McpClient;
  /** Connecting and listing the tools; default 30. */
  readonly connectTimeoutSeconds?: number;
  /** One call; default 60. An agent's `toolTimeoutSeconds` (30) ends it as well. */
  readonly callTimeoutSeconds?: number;
  /** JSON of a call's arguments; default 1 MiB. */
  readonly maxArgumentBytes?: number;
  /** One message of the server's; default 8 MiB. */
  readonly maxResultBytes?: number;
  /** Connection attempts in a row before it is left until the next call; default 8. */
  readonly maxReconnects?: number;
  /** Hears when the server is lost and found again. Default: one line on stderr. */
  readonly logger?: Logger;
  /** For tests. */
  readonly clock?: Clock;
  /** In the place of the global one. */
  readonly fetch?: typeof fetch;
}

const NAMES: OptionNames<MCPToolProviderOptions> = {
  serverUrl: true,
  transport: true,
  headers: true,
  toolFilter: true,
  prefix: true,
  command: true,
  args: true,
  env: true,
  cwd: true,
  stderr: true,
  client: true,
  connectTimeoutSeconds: true,
  callTimeoutSeconds: true,
  maxArgumentBytes: true,
  maxResultBytes: true,
  maxReconnects: true,
  logger: true,
  clock: true,
  fetch: true,
};

/** Where the server is. */
export type McpTarget =
  | { readonly transport: 'streamable_http' | 'sse'; readonly url: URL }
  | { readonly transport: 'stdio'; readonly command: string }
  | { readonly transport: 'client'; readonly client: McpClient };

/** Throws ValidationError. No message holds a value that may be a secret: a URL's query, a header, a variable. */
export function targetOf(options: MCPToolProviderOptions): McpTarget {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw new ValidationError("new MCPToolProvider takes options: { serverUrl: 'http://…' }.");
  checkOptionNames('new MCPToolProvider', options, NAMES);
  checkNumbers(options);
  checkPrefix(options.prefix);
  checkHeaders(options.headers);
  const { client, command, serverUrl, transport = command === undefined ? 'streamable_http' : 'stdio' } = options;
  if ([client, command, serverUrl].filter((one) => one !== undefined).length !== 1) {
    throw new ValidationError('An MCPToolProvider needs one of serverUrl, command and client. Give exactly one.');
  }
  if (client !== undefined) {
    if (typeof client.listTools !== 'function' || typeof client.callTool !== 'function') {
      throw new ValidationError('The client of an MCPToolProvider has no listTools and callTool. Pass a connected MCP client.');
    }
    return { transport: 'client', client };
  }
  if (transport === 'stdio') {
    if (typeof command !== 'string' || command === '')
      throw new ValidationError("transport 'stdio' needs a command: { command: 'node', args: ['server.js'] }.");
    return { transport, command };
  }
  if (transport !== 'streamable_http' && transport !== 'sse') {
    throw new ValidationError(`transport is ${JSON.stringify(transport)}. Use 'streamable_http', 'sse' or 'stdio'.`);
  }
  if (serverUrl === undefined) throw new ValidationError(`transport '${transport}' needs a serverUrl.`);
  return { transport, url: urlOf(serverUrl) };
}

function urlOf(given: string): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw new ValidationError("serverUrl is no URL. Give one like 'http://localhost:3000/mcp'.");
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ValidationError(`serverUrl begins with '${url.protocol}'. Use http: or https:.`);
  if (url.username !== '' || url.password !== '')
    throw new ValidationError('serverUrl holds a password. Pass { headers: { authorization: … } } instead.');
  return url;
}

function checkNumbers(options: MCPToolProviderOptions): void {
  for (const name of ['connectTimeoutSeconds', 'callTimeoutSeconds', 'maxArgumentBytes', 'maxResultBytes'] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isFinite(value) && value > 0))
      throw new ValidationError(`Option ${name} is ${String(value)}. Give a number above 0.`);
  }
  const { maxReconnects } = options;
  if (maxReconnects !== undefined && !(Number.isInteger(maxReconnects) && maxReconnects >= 0)) {
    throw new ValidationError(`Option maxReconnects is ${String(maxReconnects)}. Give a whole number of 0 or more; default 8.`);
  }
}

function checkPrefix(prefix: unknown): void {
  if (prefix === undefined || (typeof prefix === 'string' && /^[\w.-]{0,64}$/.test(prefix))) return;
  throw new ValidationError(`prefix is ${JSON.stringify(prefix)}. Use at most 64 letters, digits, '_', '-' or '.', such as 'github_'.`);
}

function checkHeaders(headers: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    try {
      new Headers([[name, value]]);
    } catch {
      throw new ValidationError(`The header '${name.slice(0, 60)}' cannot be sent: its name or value holds a character that headers may not hold.`);
    }
  }
}
