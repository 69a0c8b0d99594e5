/** The files of a new project. They are meant to be read and changed, so they are few and short. */
export function projectFiles(name: string, version: string): Readonly<Record<string, string>> {
  const manifest = {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: { dev: 'roomkit dev app.ts', start: 'roomkit start app.ts', test: 'node --import tsx --test app.test.ts', types: 'tsc' },
    dependencies: { roomkit: `^${version}`, tsx: '^4.20.0', ...(!hasSqlite() && { '@photostructure/sqlite': '^2' }) },
    devDependencies: { '@types/node': '^20', typescript: '>=5.9' },
  };
  return {
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'tsconfig.json': `${JSON.stringify(COMPILER, null, 2)}\n`,
    '.gitignore': 'node_modules/\n.roomkit/\n',
    'app.ts': APP,
    'app.test.ts': TEST,
    'README.md': readme(name),
  };
}

/** Since 22.13 SQLite is part of Node. An optional dependency would not do: npm leaves it out on Node 20, where the package says it wants 22. */
function hasSqlite(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

const COMPILER = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  },
  include: ['*.ts'],
};

const APP = `import { Agent, MockAIProvider, RoomKit, WebSocketChannel, type ConversationStore } from 'roomkit';

/** \`roomkit dev\` and \`roomkit start\` call this with a store that keeps the rooms in .roomkit/. */
export default async function openKit({ store }: { store: ConversationStore }): Promise<RoomKit> {
  const kit = new RoomKit({ store });

  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(
    new Agent('helper', {
      role: 'Helper',
      // Says these in turn, without a model; put a provider of your own in its place.
      provider: new MockAIProvider({ responses: ['Hello! What can I do for you?', 'I have written that down.'] }),
    }),
  );

  await kit.ensureRoom({ roomId: 'lobby' });
  await kit.attachChannel('lobby', 'web');
  await kit.attachChannel('lobby', 'helper');
  return kit;
}
`;

const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extractText, InMemoryStore } from 'roomkit';
import openKit from './app.ts';

test('the helper answers', async () => {
  await using kit = await openKit({ store: new InMemoryStore() });
  const { blocked } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi!' }, { roomId: 'lobby' });
  assert.equal(blocked, false);
  const said = (await kit.getTimeline('lobby')).filter(({ type }) => type === 'message').map(extractText);
  assert.deepEqual(said, ['Hi!', 'Hello! What can I do for you?']);
});
`;

const readme = (name: string): string => `# ${name}

A conversation system on [RoomKit](https://www.npmjs.com/package/roomkit).

\`\`\`bash
npm install
npm run dev     # http://127.0.0.1:4170/studio/ shows every room; saving a file starts again
npm test
npm start       # without Studio, for others: give it HOST, PORT and an authentication first
\`\`\`

\`app.ts\` exports a function that opens the kit: one room, a channel for browsers, and a first agent, which is scripted and needs no model.
Rooms are kept in \`.roomkit/rooms.db\`. On Node before 22.13 that needs \`npm install @photostructure/sqlite\`.

To serve others than this machine, export who may use it beside the kit:

\`\`\`ts
export const server = { host: '0.0.0.0', clientTokens: { secrets: [process.env.ROOMKIT_TOKEN_SECRET!] } };
\`\`\`

A service manager or a container starts \`node_modules/.bin/roomkit start app.ts\` by itself: npm does not hand on the SIGTERM that lets it finish its work.
`;
