/** Tools of MCP servers: over HTTP and as a program, under prefixes, in the hands of one agent. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { getRequestListener } from '@hono/node-server';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

// Somebody else's server, for this example on this machine.
const shop = createMcpHandler(() => {
  const server = new McpServer({ name: 'shop', version: '1.0.0' });
  const inputSchema = z.object({ number: z.string() });
  server.registerTool('order', { description: 'Finds an order.', inputSchema, annotations: { readOnlyHint: true } }, ({ number }) => ({
    content: [{ type: 'text', text: `Order ${number} left us on Monday.` }],
  }));
  server.registerTool('delete_order', { description: 'Deletes an order.', inputSchema }, () => ({ content: [{ type: 'text', text: 'gone' }] }));
  return server;
});
const listener = getRequestListener((request) => shop.fetch(request));
const http = createServer((request, response) => void listener(request, response));
const port = await new Promise<number>((resolve) => {
  http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => resolve((http.address() as { port: number }).port));
});
const program = fileURLToPath(new URL('../../examples/mcp-tools/clock.mjs', import.meta.url));

// #region connect
import { Agent, composeToolHandlers, extractText, MockAIProvider, RoomKit, unknownTool, WebSocketChannel, type ToolHandler } from 'roomkit';
import { MCPToolProvider } from 'roomkit/mcp';

await using mcp = new MCPToolProvider({ serverUrl: `http://localhost:${port}`, prefix: 'shop_', toolFilter: ['*order'] });
await using clock = new MCPToolProvider({ command: process.execPath, args: [program], prefix: 'clock_' });
await Promise.all([mcp.connect(), clock.connect()]);
console.log([...mcp.tools, ...clock.tools].map(({ name }) => name).join(', '));
// #endregion

const call = (name: string, args: Record<string, unknown> = {}) => ({ id: name, name, arguments: args });
const model = new MockAIProvider({
  script: [
    { toolCalls: [call('shop_order', { number: '12345' }), call('clock_day'), call('loyalty')] },
    { content: 'It left us on Monday, and today is Tuesday.' },
  ],
});
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));

// #region compose
const myHandler: ToolHandler = (name) => (name === 'loyalty' ? 'a friend of the house' : unknownTool(name));
const handler = composeToolHandlers(mcp.handler, myHandler);
kit.registerChannel(
  new Agent('support', {
    provider: model,
    tools: [...mcp.tools, ...clock.tools, { name: 'loyalty', description: 'How long somebody has been with us.' }],
    toolHandler: handler,
    parallelTools: false,
    toolPolicy: { deny: ['*_delete_*'] }, // policies see the whole name
  }),
);
// #endregion
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'support');
kit.hook('on_tool_call', (used) => console.log(`  ${used.tool} → ${used.result}`));

console.log('ada: Where is order 12345?');
const { turns } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is order 12345?' }, { roomId: 'room' });
const reply = await kit.getEvent('room', turns[0]?.replyEventIds[0] ?? '');
console.log(`support: ${reply === null ? '' : extractText(reply)}`);

// #region close
await Promise.all([mcp.close(), clock.close()]); // `await using` does it too
// #endregion
await shop.close();
http.closeAllConnections();
http.close();

// prints:
// shop_order, shop_delete_order, clock_day
// ada: Where is order 12345?
//   shop_order → Order 12345 left us on Monday.
//   clock_day → Tuesday
//   loyalty → a friend of the house
// support: It left us on Monday, and today is Tuesday.
