/** Tools that a person has to allow, and tools that answer later: an approval, a change, a rejection, a restart in between. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// #region tool
import { accepted, Agent, defineTool, MockAIProvider, RoomKit, WebSocketChannel, type AIContext, type ConversationStore } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';

const refund = defineTool({
  name: 'refund',
  description: 'Gives money back.',
  parameters: {
    type: 'object',
    properties: { order: { type: 'string' }, amount: { type: 'number' } },
    required: ['order', 'amount'],
    additionalProperties: false,
  },
  requiresApproval: ({ amount }) => amount > 10, // or true: every call
  approvers: ['owner', 'agent'], // roles and participant ids, or a function
  handler: ({ order, amount }) => `${amount} given back for ${order}`,
});
// #endregion

// #region later
const ship = defineTool({
  name: 'ship',
  description: 'Sends a parcel; the carrier answers within the day.',
  parameters: { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] },
  handler: ({ order }, { idempotencyKey }) => {
    jobs.push({ order, taskId: idempotencyKey }); // whoever does the work gets the id
    return accepted({ message: 'The carrier was asked.', expiresInSeconds: 86_400 });
  },
});
// #endregion
const jobs: { order: string; taskId: string }[] = [];

/** In place of a model: asks for what the customer wants, then says what came of it. */
function model({ messages }: AIContext) {
  const last = messages.at(-1);
  if (last?.role === 'tool') {
    const results = typeof last.content === 'string' ? [] : last.content;
    return results.map((part) => (part.type === 'tool_result' && typeof part.result === 'string' ? part.result : '')).join('; ');
  }
  const words = typeof last?.content === 'string' ? last.content : '';
  const [, tool, order, amount] = /^(refund|ship) (\S+) ?(\d*)/.exec(words) ?? [];
  if (tool === undefined || order === undefined) return words.includes('parcel') ? 'Your parcel is on its way.' : 'Of course.';
  const args = tool === 'refund' ? { order, amount: Number(amount) } : { order };
  return { content: tool === 'refund' ? 'Let me ask.' : '', toolCalls: [{ id: 'call-1', name: tool, arguments: args }] };
}

async function start(store: ConversationStore): Promise<RoomKit> {
  const kit = new RoomKit({ store });
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responder: model }), tools: [refund, ship] }));
  await kit.ensureRoom({ roomId: 'room-1' });
  await kit.attachChannel('room-1', 'web');
  await kit.attachChannel('room-1', 'helper');
  await kit.ensureParticipant('room-1', 'web', 'grace', { role: 'agent' });
  return kit;
}

/** Says something as the customer, and gives what the agent answers at once. */
async function say(kit: RoomKit, content: string) {
  const { turns } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room-1' });
  return turns[0]?.state;
}

/** The agent's next words. */
function nextReply(kit: RoomKit): Promise<string> {
  return new Promise((resolve) => {
    const stop = kit.onCommitted(({ source, content }) => {
      if (source.channelId !== 'helper' || content.type !== 'text') return;
      stop();
      resolve(content.body);
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'approvals-'));
const path = join(folder, 'app.db');
let kit = await start(await SqliteStore.open(path));

console.log('small:', await say(kit, 'refund A-1 5'));
console.log('large:', await say(kit, 'refund A-1 80'));
console.log('meanwhile:', await say(kit, 'are you there?'));

// #region resolve
const [approval] = await kit.listApprovals({ roomId: 'room-1', state: 'pending' });
console.log(approval?.tool, JSON.stringify(approval?.arguments), 'expires', approval?.expiresAt === undefined ? '' : 'in a day');

const reply = nextReply(kit);
const result = await kit.resolveApproval(approval?.id ?? '', {
  approve: true,
  by: 'grace',
  arguments: { order: 'A-1', amount: 40 }, // checked again, and recorded with who changed them
});
console.log(result.status, '→', await reply);
console.log((await kit.resolveApproval(approval?.id ?? '', { approve: true, by: 'grace' })).status);
// #endregion

console.log('another:', await say(kit, 'refund B-2 500'));
await kit.close();

// #region restart
kit = await start(await SqliteStore.open(path)); // a new process: the turn still waits
const [waiting] = await kit.listApprovals({ state: 'pending' });
console.log('by the customer:', (await kit.resolveApproval(waiting?.id ?? '', { approve: true, by: 'ada' })).status);
const answer = nextReply(kit);
await kit.resolveApproval(waiting?.id ?? '', { approve: false, by: 'grace', reason: 'Too much.' });
console.log(await answer);
// #endregion

console.log('shipping:', await say(kit, 'ship B-2'));
// #region complete
const told = nextReply(kit);
const taskId = jobs[0]?.taskId ?? '';
console.log((await kit.completeTask(taskId, { result: { parcel: 7 } })).status); // from any process, once
console.log(await told);
console.log((await kit.completeTask(taskId, { result: { parcel: 7 } })).status);
// #endregion
await kit.close();
rmSync(folder, { recursive: true });

// prints:
// small: committed
// large: waiting
// meanwhile: committed
// refund {"order":"A-1","amount":80} expires in a day
// resolved → 40 given back for A-1
// already_resolved
// another: waiting
// by the customer: forbidden
// {"error":"A person has rejected this call. It was not run. Their reason: Too much."}
// shipping: committed
// completed
// Your parcel is on its way.
// already_completed
