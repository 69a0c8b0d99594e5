/**
 * The page of docs/first-steps.md in a real browser, with the files the document shows: chat, a second window, a message that
 * is stopped, and a server that goes away and comes back.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, extractText, HookResult, MockAIProvider, RoomKit, WebSocketChannel } from '../../src/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { serve, type RoomKitServer } from '../../src/server/index.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const PAGE = fileURLToPath(new URL('../../examples/first-steps-page', import.meta.url));
const hasBrowser = existsSync(CHROMIUM);
const ANSWER = 'We are open from nine to five.';

describe.skipIf(!hasBrowser && process.env['CI'] !== 'true')(
  `the page of the first steps in Chromium${hasBrowser ? '' : ` (${CHROMIUM} is missing: apt-get install chromium)`}`,
  () => {
    let folder = '';
    let shop: Shop;
    let browser: Browser;

    beforeAll(async () => {
      expect(hasBrowser, `Chromium is missing at ${CHROMIUM}; install Debian's package chromium or set CHROMIUM`).toBe(true);
      folder = await mkdtemp(join(tmpdir(), 'first-steps-'));
      shop = await open(join(folder, 'shop.db'), 0);
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      await shop?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('shows the chat in every window, once, whatever becomes of the server', { timeout: 60_000 }, async () => {
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
      shop = await open(join(folder, 'shop.db'), port);
      await say(second, 'Open on Sundays?');
      await first.locator('p.web', { hasText: 'Sundays' }).waitFor();
      await expect.poll(() => texts(second)).toEqual(['When are you open?', ANSWER, 'Open on Sundays?', ANSWER]);

      await first.reload();
      await expect.poll(() => texts(first)).toEqual(['When are you open?', ANSWER, 'Open on Sundays?', ANSWER]);
    });
  },
);

interface Shop {
  readonly server: RoomKitServer;
  close(): Promise<void>;
}

/** The server of the document. */
async function open(path: string, port: number): Promise<Shop> {
  const kit = new RoomKit({ store: await SqliteStore.open(path) });
  kit.registerChannel(new WebSocketChannel('web', { echo: true }));
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ streaming: true, delayMs: 20, responses: [ANSWER] }) }));
  kit.hook('before_broadcast', { name: 'no_cards', directions: ['inbound'] }, (event) =>
    /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
  );
  await kit.ensureRoom({ roomId: 'shop' });
  await kit.attachChannel('shop', 'web');
  await kit.attachChannel('shop', 'helper');
  const server = await serve(kit, { port, pages: { directory: PAGE } });
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
