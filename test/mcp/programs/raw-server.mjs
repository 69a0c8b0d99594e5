// An MCP server by hand, over stdio: old enough to know no discovery, with two pages of tools, and with bad manners on demand.
import { createInterface } from 'node:readline';
import { setInterval } from 'node:timers';

const [mode = 'good'] = process.argv.slice(2);
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tool = (name) => ({ name, description: `Does ${name}.`, inputSchema: { type: 'object' } });
const PAGES = {
  first: { tools: [tool('echo'), tool('die')], nextCursor: 'second' },
  second: { tools: [tool('hang'), tool('garbage'), tool('huge'), tool('pid')] },
};
const text = (words) => ({ content: [{ type: 'text', text: words }] });

function call(id, { name, arguments: args }) {
  if (name === 'echo') say({ id, result: text(JSON.stringify({ args, secret: process.env.ROOMKIT_TEST_SECRET ?? null })) });
  if (name === 'die') process.exit(1);
  if (name === 'pid') say({ id, result: text(String(process.pid)) });
  if (name === 'huge') say({ id, result: text('x'.repeat(300_000)) });
  if (name === 'garbage') {
    process.stdout.write('this is no JSON\n{"jsonrpc":"1.0"}\n[]\n\u0000\u0001\n');
    say({ id, result: text('after all') });
  }
  if (name === 'hang') process.stderr.write('hanging\n');
}

if (mode === 'garbage') setInterval(() => process.stdout.write('Welcome to my server!\n'), 10);
else if (mode === 'exit') process.exit(3);
else
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (mode === 'silent') return;
    const { id, method, params } = JSON.parse(line);
    if (method === 'notifications/cancelled') process.stderr.write('cancelled\n');
    if (id === undefined) return;
    const serverInfo = { name: 'raw', version: '1' };
    if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
    else if (method === 'tools/list') say({ id, result: PAGES[params?.cursor ?? 'first'] });
    else if (method === 'tools/call') call(id, params);
    else say({ id, error: { code: -32601, message: 'Method not found' } });
  });
