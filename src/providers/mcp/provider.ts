/** Tools of an MCP server for agents (MCP-01…03). */
import type { ToolHandler } from '../../ai/tools/compose.js';
import { unknownTool } from '../../ai/tools/compose.js';
import { ToolError } from '../../ai/tools/results.js';
import { Cancellation, type AbortSource } from '../../core/async/cancellation.js';
import { Deadlines } from '../../core/async/deadlines.js';
import { SystemClock, type Clock, type Timer } from '../../core/clock.js';
import { AbortedError, RoomKitError, TimeoutError } from '../../core/errors.js';
import { StderrLogger, type Logger } from '../../core/logger.js';
import type { AITool, ToolContext } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { open, type Connection } from './connection.js';
import { failureOf } from './failures.js';
import { targetOf, type McpTarget, type MCPToolProviderOptions } from './options.js';
import { toolOutput } from './results.js';
import { listAll, toolsOf, type ListedTool } from './tool-list.js';

/** The part of an agent that {@link MCPToolProvider.offerTo} needs. */
export interface TakesTools {
  /** From its next turn on. */
  addTool(tool: AITool): void;
  /** False when it has none of this name. */
  removeTool(name: string): boolean;
}

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
const MAX_ARGUMENT_BYTES = 1024 * 1024;

/**
 * The tools of an MCP server, over HTTP or as a program. Connect it, give its tools to agents, close it.
 * @example
 * const mcp = new MCPToolProvider({ serverUrl: 'http://localhost:3000/mcp' });
 * await mcp.connect();
 * kit.registerChannel(new Agent('helper', { provider, tools: mcp.tools }));
 */
export class MCPToolProvider {
  /** Where its tools come from, without what may be secret. */
  readonly server: string;
  /** Runs its tools by name; declines all others (MCP-01). */
  readonly handler: ToolHandler = (name, args, context) => this.#run(name, args, context);
  readonly #options: MCPToolProviderOptions;
  readonly #target: McpTarget;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #logger: Logger;
  readonly #agents = new Set<{ readonly agent: TakesTools; readonly names: Set<string> }>();
  /** Ends with {@link close}. */
  readonly #life = new Cancellation(undefined, undefined);
  /** What closes by and by. */
  readonly #endings = new Set<Promise<void>>();
  #connection: Connection | undefined;
  #connecting: Promise<void> | undefined;
  /** The connection that counts, from its beginning; what an earlier one still tells is ignored. */
  #opening: object | undefined;
  #tools: ReadonlyMap<string, ListedTool> | undefined;
  #offered: readonly AITool[] = [];
  /** Attempts in vain, or connections that broke without having been of use. */
  #failures = 0;
  #retry: Timer | undefined;
  /** The tools changed while they were listed for the first time. */
  #isStale = false;
  /** Of several lists the newest counts. */
  #lists = 0;
  #closing: Promise<void> | undefined;

  constructor(options: MCPToolProviderOptions) {
    this.#target = targetOf(options);
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    this.#deadlines = new Deadlines(this.#clock);
    this.#logger = options.logger ?? new StderrLogger();
    this.server = nameOf(this.#target);
  }

  /** A provider for the server at this address. */
  static fromUrl(serverUrl: string, options: Omit<MCPToolProviderOptions, 'serverUrl' | 'command' | 'client'> = {}): MCPToolProvider {
    return new MCPToolProvider({ ...options, serverUrl });
  }

  /** The server's tools, each with its handler, for `new Agent(id, { tools })`. Throws before {@link connect}. */
  get tools(): readonly AITool[] {
    this.#known();
    return this.#offered;
  }

  /** Whether the server can be called right now. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** {@link handler}, for `composeToolHandlers(mcp.asToolHandler(), mine)`. */
  asToolHandler(): ToolHandler {
    return this.handler;
  }

  /** Connects and lists the tools; at once when that is done. Throws `mcp_unreachable` (retryable), or `mcp_closed`. */
  connect(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    if (this.#connection !== undefined) return Promise.resolve();
    this.#retry?.cancel();
    this.#retry = undefined;
    return (this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined)));
  }

  /** Lists the tools again. It is done by itself when the server says that they changed. */
  async refresh(): Promise<void> {
    this.#known();
    const connection = this.#connection;
    if (connection === undefined) throw this.#unreachable('it is not connected at the moment');
    await this.#list(connection);
  }

  /** Gives an agent the tools, and keeps them in step with the server's. Returns a function that takes them away again. */
  offerTo(agent: TakesTools): () => void {
    this.#known();
    const entry = { agent, names: new Set<string>() };
    this.#agents.add(entry);
    this.#renew(entry);
    return () => {
      if (!this.#agents.delete(entry)) return;
      for (const name of entry.names) agent.removeTool(name);
    };
  }

  /** Ends the connection, the program of `command`, and all calls. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#retry?.cancel();
    this.#life.abort(this.#closedError());
    if (connection !== undefined) this.#end(connection.close());
    await Promise.all([this.#connecting?.catch(() => undefined), ...this.#endings]);
    this.#deadlines.close();
  }

  async #connect(): Promise<void> {
    const seconds = this.#options.connectTimeoutSeconds ?? 30;
    const limit = this.#limited(undefined, seconds, `The MCP server ${this.server} did not answer within ${seconds} seconds.`);
    const lost = (): void => this.#lose(opening);
    const opening = open(this.#target, this.#options, this.#clock, { onToolsChanged: () => this.#changed(opening), onLost: lost });
    this.#opening = opening;
    try {
      const connection = await limit.guard(opening.connected);
      await this.#list(connection, limit);
      if (this.#opening !== opening) throw new RoomKitError('mcp_unreachable', 'The connection broke off.', { retryable: true });
      this.#connection = connection;
      if (this.#isStale) this.#changed(opening);
    } catch (error) {
      this.#opening = undefined;
      this.#end(opening.abandon());
      throw this.#closing === undefined ? this.#connectError(error) : this.#closedError();
    } finally {
      limit.release();
    }
  }

  async #list(connection: Connection, limit?: Cancellation): Promise<void> {
    const seconds = this.#options.connectTimeoutSeconds ?? 30;
    const own = limit ?? this.#limited(undefined, seconds, `The MCP server ${this.server} did not list its tools within ${seconds} seconds.`);
    const turn = ++this.#lists;
    try {
      const listed = await own.guard(listAll(connection.client, { signal: own.signal, timeout: NO_LIMIT_MS }));
      if (turn !== this.#lists) return;
      this.#tools = toolsOf(listed, this.#options, this.#logger);
    } finally {
      if (limit === undefined) own.release();
    }
    this.#offered = Array.from(this.#tools.values(), (tool) => ({
      name: tool.name,
      description: tool.description,
      parameters: tool.parameters,
      idempotent: tool.idempotent,
      handler: (args, context) => this.#run(tool.name, args, context),
    }));
    for (const entry of this.#agents) this.#renew(entry);
  }

  #renew({ agent, names }: { readonly agent: TakesTools; readonly names: Set<string> }): void {
    const now = new Set(this.#offered.map(({ name }) => name));
    for (const name of names) if (!now.has(name)) agent.removeTool(name);
    names.clear();
    for (const tool of this.#offered) {
      try {
        agent.addTool(tool);
        names.add(tool.name);
      } catch (error) {
        this.#logger.warn('A tool of an MCP server cannot be offered.', { tool: tool.name, error: error instanceof Error ? error.message : '' });
      }
    }
  }

  #changed(opening: object): void {
    const connection = this.#connection;
    if (this.#opening !== opening) return;
    this.#isStale = connection === undefined;
    if (connection === undefined) return; // they are being listed, or listed too early
    this.#end(
      this.#list(connection).catch((error: unknown) =>
        this.#logger.warn('The changed tools of an MCP server could not be listed.', { server: this.server, reason: failureOf(error).words }),
      ),
    );
  }

  async #run(name: string, args: Metadata, context: ToolContext): Promise<unknown> {
    const tool = this.#known().get(name);
    if (tool === undefined) return unknownTool(name);
    const bytes = new TextEncoder().encode(JSON.stringify(args) ?? '').length;
    const { maxArgumentBytes = MAX_ARGUMENT_BYTES, callTimeoutSeconds: seconds = 60 } = this.#options;
    if (bytes > maxArgumentBytes) throw new ToolError(`The arguments have ${bytes} bytes; the tool '${name}' takes at most ${maxArgumentBytes}.`);
    const connection = this.#connection;
    if (connection === undefined) {
      // Somebody wants it again: another round of attempts.
      if (this.#retry === undefined && this.#connecting === undefined) {
        this.#failures = 0;
        this.#reconnect();
      }
      throw new ToolError(`The server of the tool '${name}' cannot be reached at the moment. Try again later, or go on without it.`);
    }
    const limit = this.#limited(context.signal, seconds, `The tool '${name}' gave no result within ${seconds} seconds.`);
    try {
      const call = connection.client.callTool({ name: tool.serverName, arguments: { ...args } }, { signal: limit.signal, timeout: NO_LIMIT_MS });
      const output = toolOutput(await limit.guard(call), name);
      this.#failures = 0;
      this.#checkSize(name, output);
      return output;
    } catch (error) {
      throw this.#callError(name, error, limit, connection);
    } finally {
      limit.release();
    }
  }

  #checkSize(name: string, output: unknown): void {
    const { maxResultBytes } = this.#options;
    if (maxResultBytes === undefined) return; // the transport has bounded it
    const bytes = new TextEncoder().encode(typeof output === 'string' ? output : JSON.stringify(output)).length;
    if (bytes > maxResultBytes) throw new ToolError(`The result of '${name}' has ${bytes} bytes; at most ${maxResultBytes} are taken.`);
  }

  #callError(name: string, error: unknown, limit: Cancellation, connection: Connection): Error {
    if (limit.reason !== undefined) return limit.reason;
    if (error instanceof RoomKitError) return error;
    const { words, isLost } = failureOf(error);
    if (isLost) this.#drop(connection);
    return new ToolError(`The tool '${name}' failed at its server: ${words}.`);
  }

  #lose(opening: object): void {
    if (this.#opening !== opening) return;
    const connection = this.#connection;
    if (connection === undefined) this.#opening = undefined;
    else this.#drop(connection);
  }

  /** It is of no use any more: what waits for it is told, and another one is looked for. */
  #drop(connection: Connection): void {
    if (this.#connection !== connection || this.#target.transport === 'client') return;
    this.#connection = undefined;
    this.#opening = undefined;
    this.#end(connection.close());
    this.#logger.warn('An MCP server was lost.', { server: this.server });
    this.#reconnect();
  }

  /** At once, then ever later; not for ever. */
  #reconnect(): void {
    const { maxReconnects = 8 } = this.#options;
    if (this.#closing !== undefined || this.#retry !== undefined || this.#failures >= maxReconnects) return;
    const wait = this.#failures === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LONGEST_RETRY_MS);
    this.#failures++; // a server that dies of every call is not started for ever either
    this.#retry = this.#clock.setTimer(wait, () => {
      this.#retry = undefined;
      this.#end(
        this.connect().then(
          () => this.#logger.info('An MCP server was found again.', { server: this.server }),
          () => this.#reconnect(),
        ),
      );
    });
  }

  /** What is owned is awaited by {@link close}. */
  #end(work: Promise<void>): void {
    const ending = work.finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }

  #limited(signal: AbortSignal | undefined, seconds: number, problem: string): Cancellation {
    return new Cancellation(firstOf(this.#life.onAbort, signal), {
      deadlines: this.#deadlines,
      ms: seconds * 1000,
      reason: () => new TimeoutError(problem),
    });
  }

  #known(): ReadonlyMap<string, ListedTool> {
    if (this.#closing !== undefined) throw this.#closedError();
    if (this.#tools === undefined) {
      throw new RoomKitError('mcp_not_connected', `The MCP server ${this.server} was not connected yet. Call await mcp.connect() first.`);
    }
    return this.#tools;
  }

  #connectError(error: unknown): RoomKitError {
    return error instanceof RoomKitError ? error : this.#unreachable(failureOf(error).words);
  }

  #unreachable(words: string): RoomKitError {
    return new RoomKitError('mcp_unreachable', `The MCP server ${this.server} cannot be used: ${words}.`, { retryable: true });
  }

  #closedError(): RoomKitError {
    return new RoomKitError('mcp_closed', `The provider of ${this.server} is closed. Make a new MCPToolProvider.`);
  }
}

/** Our own limits count; the client's are out of the way. */
const NO_LIMIT_MS = 2 ** 31 - 1;

/** Whichever comes first. */
function firstOf(life: AbortSource, signal: AbortSignal | undefined): AbortSource {
  if (signal === undefined) return life;
  return (onAbort) => {
    const abort = (): void => onAbort(signal.reason instanceof Error ? signal.reason : new AbortedError('The call was given up.'));
    if (signal.aborted) {
      abort();
      return () => undefined;
    }
    signal.addEventListener('abort', abort, { once: true });
    const unlink = life(onAbort);
    return () => {
      signal.removeEventListener('abort', abort);
      unlink();
    };
  };
}

function nameOf(target: McpTarget): string {
  if (target.transport === 'client') return 'of the given client';
  return target.transport === 'stdio' ? `'${target.command}'` : `${target.url.origin}${target.url.pathname}`;
}
