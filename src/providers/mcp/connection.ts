/** One connection to an MCP server, by the vendor-neutral client of `@modelcontextprotocol/client`. */
import type * as Sdk from '@modelcontextprotocol/client';
import type * as Stdio from '@modelcontextprotocol/client/stdio';
import type { Clock } from '../../core/clock.js';
import { loadPeer } from '../_shared/peer.js';
import { boundedFetch } from './bounded-fetch.js';
import type { McpClient } from './client.js';
import type { MCPToolProviderOptions, McpTarget } from './options.js';

const PACKAGE = '@modelcontextprotocol/client';
const FEATURE = 'MCPToolProvider';
const DEFAULT_MAX_RESULT_BYTES = 8 * 1024 * 1024;
/** How long a program may think about a question that older servers do not know. */
const PROBE_MS = 3000;
/** How long a server may take to hear that it is over. */
const GOODBYE_MS = 2000;
const NO_LIMIT_MS = 2 ** 31 - 1;

export interface Connection {
  readonly client: McpClient;
  /** Says goodbye and lets go; a program is ended. Never throws. */
  close(): Promise<void>;
}

export interface ConnectionEvents {
  /** The server's tools are others now. */
  readonly onToolsChanged: () => void;
  /** It is over; also when it was never there. */
  readonly onLost: () => void;
}

export interface Opening {
  /** Rejects when the server cannot be reached or does not speak MCP. */
  readonly connected: Promise<Connection>;
  /** Gives up, and ends what was begun. Never throws. */
  abandon(): Promise<void>;
}

/** A client of the user's own is there already; all others are opened. */
export function open(target: McpTarget, options: MCPToolProviderOptions, clock: Clock, events: ConnectionEvents): Opening {
  if (target.transport === 'client') {
    const close = (): Promise<void> => Promise.resolve();
    return { connected: Promise.resolve({ client: target.client, close }), abandon: close };
  }
  let client: Sdk.Client | undefined;
  let transport: Sdk.Transport | undefined;
  let isAbandoned = false;
  const end = async (): Promise<void> => {
    isAbandoned = true;
    await quietly(client?.close());
    await quietly(transport?.close());
  };
  const connect = async (): Promise<Connection> => {
    const sdk = await loadPeer(FEATURE, PACKAGE, () => import('@modelcontextprotocol/client'));
    transport = await transportTo(sdk, target, options, () => events.onLost());
    client = new sdk.Client(
      { name: 'roomkit', version: '1.0.0' },
      {
        // Of the two generations of the protocol whichever the server speaks; the older transport knows only the older one.
        versionNegotiation:
          target.transport === 'sse' ? { mode: 'legacy' } : { mode: 'auto', ...(target.transport === 'stdio' && { probe: { timeoutMs: PROBE_MS } }) },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => events.onToolsChanged() } },
      },
    );
    if (isAbandoned) throw new Error('abandoned');
    client.onclose = () => events.onLost();
    await client.connect(transport, { timeout: NO_LIMIT_MS }); // ours counts
    // A broken stream of the older transport cannot be taken up again: its answers are lost.
    if (target.transport === 'sse') client.onerror = () => events.onLost();
    const opened = client;
    const http = transport instanceof sdk.StreamableHTTPClientTransport ? transport : undefined;
    return {
      client: opened,
      close: async () => {
        opened.onclose = undefined;
        opened.onerror = undefined;
        if (http !== undefined) await withinReason(http.terminateSession(), clock);
        await end();
      },
    };
  };
  return { connected: connect(), abandon: end };
}

async function transportTo(
  sdk: typeof Sdk,
  target: Exclude<McpTarget, { transport: 'client' }>,
  options: MCPToolProviderOptions,
  onBroken: () => void,
): Promise<Sdk.Transport> {
  const { headers = {}, fetch: base = fetch, maxResultBytes = DEFAULT_MAX_RESULT_BYTES } = options;
  if (target.transport === 'stdio') {
    const stdio: typeof Stdio = await loadPeer(FEATURE, PACKAGE, () => import('@modelcontextprotocol/client/stdio'));
    return new stdio.StdioClientTransport({
      command: target.command,
      args: [...(options.args ?? [])],
      env: { ...stdio.getDefaultEnvironment(), ...options.env },
      stderr: options.stderr ?? 'ignore',
      maxBufferSize: maxResultBytes,
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
  }
  const http = { requestInit: { headers: { ...headers } }, fetch: boundedFetch(base, maxResultBytes, onBroken) };
  // Not every server speaks the newer transport yet.
  return target.transport === 'sse' ? new sdk.SSEClientTransport(target.url, http) : new sdk.StreamableHTTPClientTransport(target.url, http);
}

/** A server that hangs is not waited for. */
async function withinReason(work: Promise<unknown>, clock: Clock): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const enough = new Promise<void>((resolve) => (timer = clock.setTimer(GOODBYE_MS, resolve)));
  await Promise.race([quietly(work), enough]);
  timer?.cancel();
}

/** It is over in any case. */
async function quietly(work: Promise<unknown> | undefined): Promise<void> {
  try {
    await work;
  } catch {
    // Nobody is there to be told.
  }
}
