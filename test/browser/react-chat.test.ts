/** The React chat of the examples in a real browser, in StrictMode: two people, an agent, a refusal, and a server that restarts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, skipWithoutBrowser, whyLeftOut } from './chromium.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Where pictures of the page go, for people to look at; none without it. */
const PICTURES = process.env['ROOMKIT_PICTURES'];

/** The example's server, as a reader starts it. */
class ChatServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly address: string,
  ) {}

  static async start(port: number): Promise<ChatServer> {
    const child = spawn(process.execPath, [join(ROOT, 'build/examples/react-chat/server.js')], {
      cwd: ROOT,
      // Only React's development build mounts everything twice, as StrictMode promises, and complains.
      env: { ...process.env, PORT: String(port), NODE_ENV: 'development' },
    });
    let said = '';
    const address = await new Promise<string>((resolve, reject) => {
      const listen = (chunk: Buffer): void => {
        said += chunk.toString();
        const found = /Open (http:\/\/[^/]+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.once('close', (code) => reject(new Error(`The server ended with ${code}: ${said}`)));
    });
    return new ChatServer(child, address);
  }

  get port(): number {
    return Number(new URL(this.address).port);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGTERM');
    await closed;
  }
}

const bubbles = (page: Page): Promise<string[]> => page.locator('li:not(.writing) > p').allInnerTexts();

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `react-chat-${name}.png`) });
}

describe.skipIf(skipWithoutBrowser)(`the React chat in Chromium${whyLeftOut}`, () => {
  let server: ChatServer;
  let browser: Browser;
  const complaints: string[] = [];

  const open = async (name: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 900, height: 720 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // A server that is away cannot be asked: browsers say so by themselves.
      if (message.type() === 'error' && !/WebSocket|ERR_CONNECTION|Failed to load/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(`${server.address}/?name=${name}`);
    await page.getByRole('status').filter({ hasText: 'online' }).waitFor();
    return page;
  };

  beforeAll(async () => {
    server = await ChatServer.start(0);
    browser = await launchChromium();
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  it('shows two people the same, once, and an answer while it is written', { timeout: 90_000 }, async () => {
    const [ada, ben] = [await open('Ada'), await open('Ben', { colorScheme: 'dark' })];
    await say(ada, 'Is anybody here?');
    await ben.locator('li.writing > p', { hasText: 'Welcome!' }).waitFor();
    await ada.locator('li.writing').waitFor({ state: 'detached' });
    await ben.locator('li:not(.writing) > p', { hasText: 'I only know a few answers.' }).waitFor();
    await ben.getByLabel('Message', { exact: true }).pressSequentially('Hi');
    await ada.locator('.typing', { hasText: 'Ben … typing' }).waitFor();
    await ben.keyboard.press('Enter');
    await ada.locator('li > p', { hasText: 'That I would have to look up.' }).and(ada.locator('li:not(.writing) > p')).waitFor();
    await ben.locator('li:not(.writing) > p', { hasText: 'That I would have to look up.' }).waitFor();
    expect(await bubbles(ada)).toEqual([
      'Is anybody here?',
      'Welcome! Ask me anything, I only know a few answers.',
      'Hi',
      'That I would have to look up.',
    ]);
    expect(await bubbles(ben)).toEqual(await bubbles(ada));
    expect(await ada.locator('li.mine > p').allInnerTexts()).toEqual(['Is anybody here?']);
    expect(await ben.locator('li.mine > p').allInnerTexts()).toEqual(['Hi']);

    await say(ada, 'My card is 4111111111111111');
    await ada.locator('li.refused .note', { hasText: 'Not sent: card_number' }).waitFor();
    expect((await bubbles(ben)).join()).not.toContain('4111');
    await picture(ada, 'light');
    await picture(ben, 'dark');
    expect(complaints).toEqual([]);
    await ada.context().close();
    await ben.context().close();
  });

  it('has the same after a reload, and on a narrow page', { timeout: 90_000 }, async () => {
    const page = await open('Cid', { viewport: { width: 400, height: 700 } });
    await page.locator('li > p').nth(3).waitFor();
    const before = await bubbles(page);
    await page.reload();
    await page
      .locator('li > p')
      .nth(before.length - 1)
      .waitFor();
    expect(await bubbles(page)).toEqual(before);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
    await picture(page, 'narrow');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('sends what was written while the server was away', { timeout: 120_000 }, async () => {
    const page = await open('Ada');
    const { port } = server;
    await server.stop();
    await page.getByRole('status').filter({ hasText: 'connecting' }).waitFor();
    await say(page, 'Written while you were away');
    await page.locator('li.queued > p', { hasText: 'Written while you were away' }).waitFor();
    await picture(page, 'away');
    // Rooms of this server are in its memory: the new one begins at nought, and the page with it.
    server = await ChatServer.start(port);
    await page.getByRole('status').filter({ hasText: 'online' }).waitFor({ timeout: 40_000 });
    await page.locator('li.mine:not(.queued):not(.sending) > p', { hasText: 'Written while you were away' }).waitFor();
    await page.locator('li:not(.writing) > p', { hasText: 'I only know a few answers.' }).waitFor();
    expect(await bubbles(page)).toEqual(['Written while you were away', 'Welcome! Ask me anything, I only know a few answers.']);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
