import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import { defaultExclude, defineConfig } from 'vitest/config';

const ALL = ['src/**/*.test.ts', 'test/**/*.test.ts', 'studio/**/*.test.ts'];
const ALONE = ['browser', 'crash', 'demo'].map((folder) => `test/${folder}/**/*.test.ts`);

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^roomkit$/, replacement: source('index.ts') },
      { find: /^roomkit\/client$/, replacement: source('client/index.ts') },
      { find: /^roomkit\/react$/, replacement: source('client/react/index.ts') },
      { find: /^roomkit\/server$/, replacement: source('server/index.ts') },
      { find: /^roomkit\/testing$/, replacement: source('testing/index.ts') },
      { find: /^roomkit\/emulators$/, replacement: source('emulators/index.ts') },
      { find: /^roomkit\/ai-sdk$/, replacement: source('providers/ai-sdk/index.ts') },
      { find: /^roomkit\/anthropic$/, replacement: source('providers/anthropic/index.ts') },
      { find: /^roomkit\/baileys$/, replacement: source('providers/baileys/index.ts') },
      { find: /^roomkit\/elasticemail$/, replacement: source('providers/elasticemail/index.ts') },
      { find: /^roomkit\/gemini$/, replacement: source('providers/gemini/index.ts') },
      { find: /^roomkit\/http$/, replacement: source('providers/http/index.ts') },
      { find: /^roomkit\/mcp$/, replacement: source('providers/mcp/index.ts') },
      { find: /^roomkit\/media$/, replacement: source('providers/media/index.ts') },
      { find: /^roomkit\/messenger$/, replacement: source('providers/messenger/index.ts') },
      { find: /^roomkit\/nats$/, replacement: source('providers/nats/index.ts') },
      { find: /^roomkit\/openai$/, replacement: source('providers/openai/index.ts') },
      { find: /^roomkit\/phone$/, replacement: source('providers/phone/index.ts') },
      { find: /^roomkit\/postgres$/, replacement: source('providers/postgres/index.ts') },
      { find: /^roomkit\/pydantic-ai$/, replacement: source('providers/pydantic-ai/index.ts') },
      { find: /^roomkit\/opentelemetry$/, replacement: source('providers/opentelemetry/index.ts') },
      { find: /^roomkit\/redis$/, replacement: source('providers/redis/index.ts') },
      { find: /^roomkit\/sendgrid$/, replacement: source('providers/sendgrid/index.ts') },
      { find: /^roomkit\/sinch$/, replacement: source('providers/sinch/index.ts') },
      { find: /^roomkit\/sms$/, replacement: source('providers/sms/index.ts') },
      { find: /^roomkit\/smtp$/, replacement: source('providers/smtp/index.ts') },
      { find: /^roomkit\/sources$/, replacement: source('providers/sources/index.ts') },
      { find: /^roomkit\/sqlite$/, replacement: source('providers/sqlite/index.ts') },
      { find: /^roomkit\/teams$/, replacement: source('providers/teams/index.ts') },
      { find: /^roomkit\/telegram$/, replacement: source('providers/telegram/index.ts') },
      { find: /^roomkit\/telnyx$/, replacement: source('providers/telnyx/index.ts') },
      { find: /^roomkit\/twilio$/, replacement: source('providers/twilio/index.ts') },
      { find: /^roomkit\/vllm$/, replacement: source('providers/vllm/index.ts') },
      { find: /^roomkit\/voicemeup$/, replacement: source('providers/voicemeup/index.ts') },
      { find: /^roomkit\/whatsapp$/, replacement: source('providers/whatsapp/index.ts') },
    ],
  },
  test: {
    projects: [
      // What a person or another process waits for is tried with the machine to itself; the rest needs each core.
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: 'side by side', include: ALL, exclude: [...ALONE, ...defaultExclude], maxWorkers: availableParallelism() } },
    ],
    isolate: false,
    setupFiles: ['test/seed.ts'],
    testTimeout: 20_000,
    env: { ROOMKIT_LOG: process.env['ROOMKIT_LOG'] ?? 'silent' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts', 'src/**/*.d.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 90 },
    },
  },
});
