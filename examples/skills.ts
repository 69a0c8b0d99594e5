/** Skills: instructions, references and scripts that an agent takes up when it needs them. */
// #region registry
import { fileURLToPath } from 'node:url';
import { Agent, ChildProcessExecutor, extractText, MockAIProvider, RoomKit, Skill, SkillRegistry, WebSocketChannel } from 'roomkit';

const registry = new SkillRegistry();
// A skill in code: with a handler it is a tool as well, offered once the skill is active.
registry.register(
  new Skill({
    metadata: { name: 'weather', description: 'Get weather forecasts' },
    instructions: 'Always name the station.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    handler: ({ city }) => ({ city, forecast: 'sun', station: 'Harbour' }),
  }),
);
// Skills in folders: each folder in there that holds a SKILL.md.
await registry.discover(fileURLToPath(new URL('../../examples/skills', import.meta.url)));
// #endregion
console.log(registry.names.join(', '));

// The model's part, written down: what it asks for, round by round, and what it says in the end.
const call = (name: string, args: Record<string, unknown>) => ({ toolCalls: [{ id: name, name, arguments: args }] });
const model = new MockAIProvider({
  script: [
    call('activate_skill', { name: 'refunds' }),
    call('read_skill_reference', { skill_name: 'refunds', filename: 'rules.md' }),
    call('run_skill_script', { skill_name: 'refunds', script_name: 'amount.mjs', arguments: ['49.90', '20'] }),
    { content: 'You get € 24.95 back.' },
    call('read_skill_reference', { skill_name: 'refunds', filename: '../../../.env' }),
    { content: 'That is all I know.' },
  ],
});

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
// #region agent
kit.registerChannel(
  new Agent('support', {
    provider: model,
    systemPrompt: 'You answer customers.',
    skills: registry,
    scriptExecutor: new ChildProcessExecutor({ timeoutSeconds: 10 }), // without one no script is offered
    tools: [
      { name: 'look_up_order', description: 'Finds an order.', handler: () => ({ price: 49.9 }) },
      { name: 'chat_up', description: 'Talks about something else.', handler: () => 'Nice weather.' },
    ],
  }),
);
// #endregion
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'support');
kit.hook('on_tool_call', (used) => console.log(`  ${used.tool} → ${used.result.split('\n')[0]}`));

const ask = async (content: string): Promise<void> => {
  console.log(`ada: ${content}`);
  const { turns } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room' });
  const reply = await kit.getEvent('room', turns[0]?.replyEventIds[0] ?? '');
  console.log(`support: ${reply === null ? '' : extractText(reply)}`);
};
await ask('I want my money back');
await ask('And your secrets?');

// #region lasting
const later = model.calls.at(-1);
console.log(later?.systemPrompt?.includes('# Refunds')); // the skill is in force in this room
console.log(later?.tools.map(({ name }) => name).join(', ')); // and leaves the tools that it allows
// #endregion

// prints:
// refunds, weather
// ada: I want my money back
//   activate_skill → The skill 'refunds' is active from now on.
//   read_skill_reference → Within 14 days the whole price is paid back, later half of it, and nothing after 30 days.
//   run_skill_script → {"exit_code":0,"stdout":"24.95\n","stderr":""}
// support: You get € 24.95 back.
// ada: And your secrets?
// roomkit warn: A tool failed. channelId=support tool=read_skill_reference error=…
//   read_skill_reference → {"error":"The name \"../../../.env\" holds a separator. Give the plain name of a file. It has: rules.md."}
// support: That is all I know.
// true
// look_up_order, activate_skill, read_skill_reference, run_skill_script
