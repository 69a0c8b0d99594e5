// A program that speaks MCP over stdio: what day it is.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

serveStdio(() => {
  const server = new McpServer({ name: 'clock', version: '1.0.0' });
  server.registerTool('day', { description: 'Says what day it is.' }, () => ({ content: [{ type: 'text', text: 'Tuesday' }] }));
  return server;
});
