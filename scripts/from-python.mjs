// Writes docs/from-python.md from test/contract.json; with --check it only says whether the page is stale (exit 1).
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const argument = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const page = join(root, argument('--page') ?? join('docs', 'from-python.md'));
const contract = JSON.parse(readFileSync(join(root, 'test', 'contract.json'), 'utf8'));

const text = `${introduction()}\n${contract.sections
  .filter(({ entries, names }) => entries.length + names.length > 0)
  .map(section)
  .join('\n')}`;

if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
} else if (readFileSync(page, 'utf8') !== text) {
  console.error(`${page} is not what test/contract.json says. Run: node scripts/from-python.mjs`);
  process.exitCode = 1;
}

function introduction() {
  return `# Coming from Python

<!-- Written by scripts/from-python.mjs from test/contract.json. Change these, then run: node scripts/from-python.mjs -->

The quickstart, there and here:

<table>
<tr><th>Python</th><th>TypeScript</th></tr>
<tr><td>

\`\`\`python
kit = RoomKit()
kit.register_channel(WebSocketChannel("ws-user"))
triage = Agent(
    "agent-triage",
    provider=MockAIProvider(responses=["One moment."]),
    role="Triage agent",
    memory=HandoffMemoryProvider(
        SlidingWindowMemory(max_events=50)),
)
kit.register_channel(triage)
pipeline = ConversationPipeline(stages=[
    PipelineStage(phase="triage",
                  agent_id="agent-triage", next=None),
])
router, handoff = pipeline.install(kit, [triage])

await kit.create_room(room_id="room-1")
await kit.attach_channel("room-1", "ws-user")
await kit.attach_channel(
    "room-1", "agent-triage",
    category=ChannelCategory.INTELLIGENCE)

@kit.hook(HookTrigger.BEFORE_BROADCAST, name="check")
async def check(event, ctx):
    return HookResult.allow()

await kit.process_inbound(InboundMessage(
    channel_id="ws-user", sender_id="user-1",
    content=TextContent(body="I need help")))
\`\`\`

</td><td>

<!-- examples/from-python.ts#quickstart -->
\`\`\`ts
${quickstart()}\`\`\`

</td></tr>
</table>

- **Names.** Classes keep theirs. Methods, options and fields are camelCase; *values* stay snake_case (\`'before_broadcast'\`, \`'whatsapp_personal'\`,
  keys of \`metadata\`), so that what both have stored reads the same.
- **Keyword arguments** are one object at the end: \`kit.createRoom({ roomId: 'room-1' })\`.
- **Models are object literals.** There is no \`InboundMessage(…)\` to construct: \`{ channelId, senderId, content }\` is one, and the compiler checks it.
  They are read-only; change them by copy. Wherever content goes, a bare string is text. \`None\` is a field that is not there.
- **Enums are strings.** \`HookTrigger.BEFORE_BROADCAST\` and \`'before_broadcast'\` are the same.
- **Hooks** are functions, not decorators, and may answer at once or with a promise. Gates, such as
  \`before_broadcast\`, return a \`HookResult\`; notices return nothing.
- **Close what you open.** \`await using kit = new RoomKit()\` closes it at the end of its block; elsewhere \`await kit.close()\`. There is no \`asyncio.run\`:
  modules may \`await\` at their top.
- **Extras are subpaths and peers.** For \`pip install roomkit[NAME]\` you import from \`roomkit/NAME\` and install the package that it asks for;
  \`import 'roomkit'\` alone loads none.

The tables follow the README of the Python package; what stands there in plain letters it says without naming it. “Later: …” names the body of work
that brings it, as in [what is there today](../README.md#what-is-there-today).
`;
}

/** The region of the example, which CI compiles and runs. */
function quickstart() {
  const example = readFileSync(join(root, 'examples', 'from-python.ts'), 'utf8');
  return /\/\/ #region quickstart\n([\s\S]*?)\/\/ #endregion/.exec(example)[1];
}

function section({ title, names, entries }) {
  const own = new Set(entries.flatMap(({ readme, type }) => [readme, type]));
  const elsewhere = names.filter((name) => !own.has(name));
  const parts = [`## ${title}\n`];
  const channels = entries.filter(({ kind }) => kind === 'channel');
  const triggers = entries.filter(({ kind }) => kind === 'trigger');
  const places = entries.filter(({ kind }) => ['file', 'folder', 'command', 'extra'].includes(kind));
  const rest = entries.filter((entry) => ![...channels, ...triggers, ...places].includes(entry));
  if (rest.length > 0) parts.push(table(['Python', 'here', 'import from', 'since', ''], rest.map(nameRow)));
  if (channels.length > 0) parts.push(table(['Channel', 'here', 'type', 'media', 'promised', 'since'], channels.map(channelRow)));
  if (triggers.length > 0) parts.push(table(['Category', 'Python', 'here', 'fired'], triggers.map(triggerRow)));
  if (places.length > 0) parts.push(table(['Python', 'here', 'since', ''], places.map(placeRow)));
  if (elsewhere.length > 0) parts.push(`Also named here, and found in another table: ${elsewhere.map((name) => code(name)).join(', ')}.\n`);
  return parts.join('\n');
}

function nameRow(entry) {
  const { readme, said, kind, from, since, features, note } = entry;
  const [there, here] = written(entry);
  const value = entry.value === undefined ? '' : `, ${code(`'${entry.value}'`)}`;
  const isImported = ['class', 'function', 'enum'].includes(kind);
  const origin = isImported ? code(from) : kind === 'type' ? `${code(from)} (type)` : '';
  return [
    said === 'prose' ? readme : code(there),
    code(here) + value,
    origin,
    sinceOf(since),
    [features, note].filter((part) => part !== undefined).join('; '),
  ];
}

/** How both sides write a name: alone, as an option of a call, or as a member of an object. */
function written({ readme, name, kind, of }) {
  const owner = contract.owners[of];
  if (kind === 'option') return [owner.call[0].replace('…', `${readme}=`), owner.call[1].replace('…', name)];
  if (owner === undefined || kind === 'string') return [readme, name];
  const [there, here] = owner.object;
  return kind === 'method' || kind === 'static' ? [`${there}.${readme}()`, `${here}.${name}()`] : [`${there}.${readme}`, `${here}.${name}`];
}

function channelRow({ readme, name, type, media, features, since }) {
  return [readme, code(name), code(type), media.join(', '), features, sinceOf(since)];
}

function triggerRow({ readme, name, fires, features }) {
  return [features, code(readme), code(name), sinceOf(fires)];
}

function placeRow({ readme, name, since, note }) {
  return [code(readme), name === '' ? '' : code(name), sinceOf(since), note ?? ''];
}

function sinceOf(since) {
  return since === 'today' ? 'today' : `later: ${since}`;
}

/** A table without the columns that nobody fills. */
function table(heads, rows) {
  const filled = heads.map((_, column) => rows.some((row) => row[column] !== ''));
  const line = (cells) =>
    `| ${cells
      .filter((_, column) => filled[column])
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | ')} |`;
  return `${[line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

function code(name) {
  return `\`${name}\``;
}
