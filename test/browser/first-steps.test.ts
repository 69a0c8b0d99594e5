/**
 * The pages of docs/first-steps.md and of docs/guides/client.md in a real browser, with the files the documents show: chat, a
 * second window, a message that is stopped, and a server that goes away and comes back.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, skipWithoutBrowser, whyLeftOut } from './chromium.js';
import { Agent, extractText, HookResult, MockAIProvider, RoomKit, WebSocketChannel } from '../../src/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { serve, type RoomKitServer } from '../../src/server/index.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ANSWER = 'We are open from nine to five.';

describe.skipIf(skipWithoutBrowser)(`the pages of the documents in Chromium${whyLeftOut}`, () => {
  let folder = '';
  let shop: Shop;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'first-steps-'));
    await makePages(folder);
    browser = await launchChromium();
  }, 60_000);

  afterEach(() => shop?.close());
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(PAGES)('show the chat in every window, once, whatever becomes of the server: %s', { timeout: 60_000 }, async (name) => {
    const page = join(folder, name);
    const database = join(folder, `${name}.db`);
    shop = await open(database, 0, page);
    const { url, port } = shop.server;
    const first = await visit(browser, url);
    const second = await visit(browser, url);

    await say(first, 'When are you open?');
    await first.locator('p.helper', { hasText: ANSWER }).waitFor();
    await second.locator('p.helper', { hasText: ANSWER }).waitFor();
    await say(first, 'My card is 4111111111111111');
    await first.locator('p.note', { hasText: 'Not sent: card_number' }).waitFor();
    expect(await texts(second)).toEqual(['When are you open?', ANSWER]);

    await shop.close();
    shop = await open(database, port, page);
    await say(second, 'Open on Sundays?');
    await first.locator('p.web', { hasText: 'Sundays' }).waitFor();
    await expect.poll(() => texts(second)).toEqual(['When are you open?', ANSWER, 'Open on Sundays?', ANSWER]);

    await first.reload();
    await expect.poll(() => texts(first)).toEqual(['When are you open?', ANSWER, 'Open on Sundays?', ANSWER]);
  });
});

const PAGES = ['first-steps-page', 'client-page'] as const;

/** Both have the markup of the first steps; the second one's script speaks by the client, copied beside it as the guide says. */
async function makePages(folder: string): Promise<void> {
  for (const name of PAGES) {
    await mkdir(join(folder, name));
    await copyFile(join(ROOT, 'examples/first-steps-page/index.html'), join(folder, name, 'index.html'));
    await copyFile(join(ROOT, 'examples', name, 'chat.js'), join(folder, name, 'chat.js'));
  }
  await copyFile(join(ROOT, 'dist/client/index.js'), join(folder, 'client-page', 'roomkit-client.js'));
}

interface Shop {
  readonly server: RoomKitServer;
  close(): Promise<void>;
}

/** The server of the document. */
async function open(path: string, port: number, directory: string): Promise<Shop> {
  const kit = new RoomKit({ store: await SqliteStore.open(path) });
  kit.registerChannel(new WebSocketChannel('web', { echo: true }));
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ streaming: true, delayMs: 20, responses: [ANSWER] }) }));
  kit.hook('before_broadcast', { name: 'no_cards', directions: ['inbound'] }, (event) =>
    /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
  );
  await kit.ensureRoom({ roomId: 'shop' });
  await kit.attachChannel('shop', 'web');
  await kit.attachChannel('shop', 'helper');
  const server = await serve(kit, { port, pages: { directory } });
  return { server, close: () => server.close().then(() => kit.close()) };
}

async function visit(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}

/** The page takes words only while it is connected: until then it leaves them in the field. */
async function say(page: Page, words: string): Promise<void> {
  const field = page.locator('#text');
  await field.fill(words);
  await expect
    .poll(
      async () => {
        await field.press('Enter');
        return field.inputValue();
      },
      { timeout: 20_000 },
    )
    .toBe('');
}

async function texts(page: Page): Promise<string[]> {
  return page.locator('#messages p:not(.note)').allTextContents();
}
