/**
 * The demo in a real browser: chat, see the answer being written, the handoff and the timeline; reload; kill the server and
 * start it again — everything is still there, once.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { SqliteStore } from 'roomkit/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHelpDesk, ROOM_ID } from '../../demo/help-desk.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const hasBrowser = existsSync(CHROMIUM);

describe.skipIf(!hasBrowser && process.env['CI'] !== 'true')(
  `the demo in Chromium${hasBrowser ? '' : ` (${CHROMIUM} is missing: apt-get install chromium)`}`,
  () => {
    let folder = '';
    let demo: Demo;
    let browser: Browser;
    let page: Page;
    const outside: string[] = [];
    /** What the page complained of itself; an absent server is no fault of the page. */
    const complaints: string[] = [];

    beforeAll(async () => {
      expect(hasBrowser, `Chromium is missing at ${CHROMIUM}; install Debian's package chromium or set CHROMIUM`).toBe(true);
      folder = await mkdtemp(join(tmpdir(), 'roomkit-browser-'));
      demo = await Demo.start(join(folder, 'demo.db'), 0);
      browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      });
      page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
      page.setDefaultTimeout(20_000);
      page.on('request', (request) => {
        const { hostname } = new URL(request.url());
        if (hostname !== '127.0.0.1') outside.push(request.url());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('net::ERR_')) complaints.push(message.text());
      });
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      demo?.kill();
      await rm(folder, { recursive: true, force: true });
    });

    it('shows the answer while it is written, the handoff, and why each event became what it is', { timeout: 60_000 }, async () => {
      await page.goto(demo.address);
      await page.getByRole('status').filter({ hasText: 'live' }).waitFor();

      await say(page, 'I was charged twice for order 12345, card 4111 1111 1111 1111');
      const growing = page.locator('#bubbles .streaming:not([hidden]) .bubble');
      await growing.waitFor();
      const early = (await growing.innerText()).length;
      const answer = page.locator('#bubbles li:not(.streaming) .bubble', { hasText: '€49.90 and €49.90' });
      await answer.waitFor();
      expect((await answer.innerText()).length).toBeGreaterThan(early);

      // The customer's view: redacted, announced, answered by Ben.
      expect(await texts(page, '#bubbles .mine .bubble')).toEqual(['I was charged twice for order 12345, card •••• •••• •••• 1111']);
      await page.locator('#bubbles', { hasText: 'Let me bring in Ben.' }).waitFor();
      await page.locator('#partner', { hasText: 'with Ben' }).waitFor();

      // The host's view: the handoff, the hooks, the path, the hidden event, what became of each.
      await page.locator('.event.handoff', { hasText: 'Mia handed over to Ben' }).waitFor();
      await page.locator('.mark.modify', { hasText: 'redact_cards rewrote this' }).waitFor();
      await page.locator('.mark.allow', { hasText: 'spam_filter ✓' }).first().waitFor();
      await page.locator('.event', { hasText: 'delivered · ben · depth 1' }).waitFor();
      await page.locator('.event .reach', { hasText: 'web ✓' }).first().waitFor();
      expect((await everything(page)).indexes).toEqual((await everything(page)).indexes.map((_, position) => String(position + FIRST_INDEX)));
      await page.locator('.mark.tool', { hasText: 'lookup_order' }).waitFor();
      await page.locator('#path [aria-current]', { hasText: 'billing · Ben' }).waitFor();
      await page.locator('.event.quiet', { hasText: 'seen by ben only' }).waitFor();

      // What Ada may see is less.
      await page.getByLabel('only what Ada sees').check();
      expect(await page.locator('.event.handoff').isVisible()).toBe(false);
      await page.getByLabel('only what Ada sees').uncheck();

      // A row opens by keyboard and tells where the time went.
      await page.locator('.event .row').first().focus();
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.locator('.event.open .detail', { hasText: 'chain depth' }).waitFor();
      await page.locator('.event.open .row:focus').waitFor(); // drawing it anew does not take the focus away
      await page.keyboard.press('Enter');
      await page.locator('.event.open').waitFor({ state: 'hidden' });
      expect(complaints).toEqual([]);
    });

    it('shows words as words: markup does nothing, long ones wrap, and each line has its own direction', { timeout: 60_000 }, async () => {
      page.on('dialog', (dialog) => void complaints.push(`a dialog: ${dialog.message()}`));
      const words = [
        '<script>alert(1)</script><img src="x" onerror="alert(2)">',
        `https://shop.example/${'a'.repeat(300)}`,
        'مرحبا 12 شكراً',
        '👩‍👩‍👧‍👦 漢字\nsecond line',
      ];
      for (const one of words) {
        await say(page, one);
        await page.locator('#bubbles .mine:not(.pending) .bubble', { hasText: one.slice(0, 20) }).waitFor();
        await page.locator('.event[data-index] .words', { hasText: one.slice(0, 20) }).waitFor();
      }
      expect((await texts(page, '#bubbles .mine .bubble')).slice(-4)).toEqual(words);
      expect(await page.locator('.bubbles :is(script, img), .timeline :is(script, img)').count()).toBe(0);
      for (const place of ['#bubbles .bubble', '#timeline .words']) {
        const arabic = page.locator(place, { hasText: 'مرحبا' }).first();
        expect(await arabic.evaluate((element) => element.matches(':dir(rtl)')), place).toBe(true);
      }
      for (const list of ['#chat-scroll', '#room-scroll'])
        expect(await page.locator(list).evaluate((element) => element.scrollWidth <= element.clientWidth), list).toBe(true);
      expect(complaints).toEqual([]);
    });

    it('shows what a hook blocked, to the sender as a refusal and to the host with the hook’s name', { timeout: 60_000 }, async () => {
      await say(page, 'You have won a cruise!');
      await page.locator('#bubbles .stopped', { hasText: 'Not sent' }).waitFor();
      await page.locator('.event.blocked', { hasText: 'spam_filter' }).waitFor();
    });

    it('lets a person take over and hand back', { timeout: 60_000 }, async () => {
      await page.reload();
      await page.locator('#line[data-state="online"]').waitFor();
      await say(page, 'I want to talk to a person');
      await page.locator('#desk').waitFor();
      await page.getByLabel('Message as Sam').fill('Sam here, how can I help?');
      await page.getByLabel('Message as Sam').press('Enter');
      await page.locator('#bubbles', { hasText: 'Sam here, how can I help?' }).waitFor();
      await page.getByRole('button', { name: 'Hand back to Mia' }).click();
      await page.locator('#bubbles li:not(.streaming)', { hasText: 'Here I am again' }).waitFor();
      await page.locator('.event[data-index]', { hasText: 'Here I am again' }).waitFor();
      await page.locator('#desk').waitFor({ state: 'hidden' });
    });

    it('shows the same after a reload', { timeout: 60_000 }, async () => {
      const before = await everything(page);
      await page.reload();
      await settled(page, before);
      expect(await everything(page)).toEqual(before);
      expect(complaints).toEqual([]);
    });

    it('shows the same, once, when the server was killed and started again, and goes on', { timeout: 90_000 }, async () => {
      const before = await everything(page);
      demo.kill();
      await page.locator('#banner', { hasText: 'Connection lost' }).waitFor();
      demo = await Demo.start(demo.file, demo.port);
      await page.locator('#line[data-state="online"]').waitFor();
      expect(await everything(page)).toEqual(before);

      await say(page, 'Where is order 20817?');
      await page.locator('#bubbles li:not(.streaming)', { hasText: 'expected tomorrow' }).waitFor();
      await page.locator('.event[data-index]', { hasText: 'expected tomorrow' }).waitFor();
      const after = await everything(page);
      expect(after.bubbles.slice(0, before.bubbles.length)).toEqual(before.bubbles);
      expect(new Set(after.indexes).size).toBe(after.indexes.length);
      await page.reload();
      await settled(page, after);
      expect(await everything(page)).toEqual(after);
      // Nothing is known any more of what was decided before; that is no error either.
      await page.locator('.event .row').first().click();
      await page.locator('.event.open .detail', { hasText: 'Decided before this server started' }).waitFor();
    });

    it('fits a narrow screen, and asks nobody but its own server', { timeout: 60_000 }, async () => {
      await page.setViewportSize({ width: 400, height: 800 });
      const fits = (): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth <= 400');
      expect(await fits()).toBe(true);
      await page.getByRole('button', { name: 'Timeline' }).click();
      expect(await page.locator('#timeline').isVisible()).toBe(true);
      expect(await fits()).toBe(true);
      expect([outside, complaints]).toEqual([[], []]);
    });

    it('begins with the newest of a long conversation, and reaches back to the first word', { timeout: 90_000 }, async () => {
      demo.kill();
      await fill(join(folder, 'long.db'), 450);
      demo = await Demo.start(join(folder, 'long.db'), 0);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(demo.address);
      await page.locator('#bubbles .bubble', { hasText: 'Message 449' }).waitFor();
      await page.locator('.event[data-index]', { hasText: 'Message 449' }).waitFor();
      expect((await everything(page)).bubbles).toHaveLength(200);
      for (const name of ['Earlier messages', 'Earlier events']) {
        const button = page.getByRole('button', { name });
        for (let page = 0; page < 2; page++) await button.click();
        await button.waitFor({ state: 'hidden' });
      }
      const { bubbles, indexes } = await everything(page);
      expect(bubbles).toEqual(Array.from({ length: 450 }, (_, n) => `Message ${n}`));
      expect(indexes).toEqual(Array.from({ length: 450 }, (_, n) => String(n + FIRST_INDEX)));
      expect(complaints).toEqual([]);
    });
  },
);

async function say(page: Page, words: string): Promise<void> {
  await page.getByLabel('Message to the help desk').fill(words);
  await page.getByLabel('Message to the help desk').press('Enter');
}

interface Everything {
  readonly bubbles: readonly string[];
  readonly indexes: readonly string[];
}

/** What the page shows of the conversation, refused messages aside: those only the sender's own page knows. */
async function everything(page: Page): Promise<Everything> {
  return {
    bubbles: await texts(page, '#bubbles li:not(.stopped) .bubble'),
    indexes: await page.locator('.event[data-index]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-index') ?? '')),
  };
}

function texts(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allInnerTexts();
}

/** Waits until the page has as much as it should have. */
async function settled(page: Page, expected: Everything): Promise<void> {
  await page
    .locator('#bubbles li .bubble')
    .nth(expected.bubbles.length - 1)
    .waitFor();
  await page
    .locator('.event[data-index]')
    .nth(expected.indexes.length - 1)
    .waitFor();
}

/** The room's channels are attached before anything is said. */
const FIRST_INDEX = 5;

/** A help desk in which much was said already. */
async function fill(file: string, count: number): Promise<void> {
  const kit = await openHelpDesk({ store: await SqliteStore.open(file) });
  for (let n = 0; n < count; n++) await kit.sendEvent(ROOM_ID, 'web', `Message ${n}`, { addressedTo: [], wait: 'commit' });
  await kit.close();
}

/** The demo as its own process, so that it can be killed. */
class Demo {
  static async start(file: string, port: number): Promise<Demo> {
    const child = spawn(process.execPath, ['build/demo/main.js', '--db', file, '--port', String(port)], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const address = await new Promise<string>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        said += chunk.toString();
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
        if (found !== undefined) resolve(found);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('exit', (code) => reject(new Error(`The demo ended with ${code}:\n${said}`)));
    });
    return new Demo(child, file, address);
  }

  private constructor(
    private readonly child: ChildProcess,
    readonly file: string,
    readonly address: string,
  ) {}

  get port(): number {
    return Number(new URL(this.address).port);
  }

  /** As a power cut would. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}
