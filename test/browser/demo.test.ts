/**
 * The demo in a real browser: chat, see the answer being written, the handoff and the timeline in Studio beside it; reload;
 * kill the server and start it again — everything is still there, once.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';
import { SqliteStore } from 'roomkit/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, skipWithoutBrowser, whyLeftOut } from './chromium.js';
import { ADDRESSES, CUSTOMER, FAMILY_ROOM_ID, OLD_ACCOUNT, ROOM_ID } from '../../demo/cast.js';
import { openHelpDesk } from '../../demo/help-desk.js';
import { violations } from './studio-page.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A folder for pictures to look at. */
const PICTURES = process.env['ROOMKIT_PICTURES'];

describe.skipIf(skipWithoutBrowser)(`the demo in Chromium${whyLeftOut}`, () => {
  let folder = '';
  let demo: Demo;
  let browser: Browser;
  let page: Page;
  /** Studio, in its frame. */
  let studio: FrameLocator;
  const outside: string[] = [];
  /** What the page complained of itself; an absent server is no fault of the page. */
  const complaints: string[] = [];

  /** Studio beside the page, with its devices. */
  const openStudio = async (roomId: string): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 860 }, reducedMotion: 'reduce', bypassCSP: true });
    const other = await context.newPage();
    other.setDefaultTimeout(20_000);
    other.on('pageerror', (error) => complaints.push(error.message));
    await other.goto(`${demo.address}/studio/#/rooms/${roomId}?devices=open`);
    await other.getByRole('status').filter({ hasText: 'live' }).waitFor();
    return other;
  };
  const goTo = async (other: Page, roomId: string, more = 'devices=open'): Promise<void> => {
    await other.evaluate((hash) => void (location.hash = hash), `#/rooms/${roomId}?${more}`);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'roomkit-browser-'));
    demo = await Demo.start(join(folder, 'demo.db'), 0);
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1440, height: 860 } });
    page.setDefaultTimeout(20_000);
    studio = page.frameLocator('#studio');
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
    await page.getByRole('heading', { name: 'You are Ada, a customer.' }).waitFor();
    await page.locator('#line', { hasText: 'live' }).waitFor();
    await studio.getByRole('status').filter({ hasText: 'live' }).waitFor();

    await say(page, 'I was charged twice for order 12345, card 4111 1111 1111 1111');
    const growing = page.locator('#bubbles .writing .bubble');
    await growing.waitFor();
    await studio.locator('.event.live .words').filter({ hasText: /\S/ }).waitFor();
    const early = (await growing.innerText()).length;
    const answer = page.locator('#bubbles .said .bubble', { hasText: '€49.90 and €49.90' });
    await answer.waitFor();
    expect((await answer.innerText()).length).toBeGreaterThan(early);

    // The customer's view: redacted, announced, answered by Ben.
    expect(await texts(page, '#bubbles .mine .bubble')).toEqual(['I was charged twice for order 12345, card •••• •••• •••• 1111']);
    await page.locator('#bubbles', { hasText: 'Let me bring in Ben.' }).waitFor();
    await page.locator('#partner', { hasText: 'with Ben' }).waitFor();

    // Who has spoken types no more, long before typing ends by itself.
    await row(studio, '€49.90').waitFor();
    expect(await studio.locator('#timeline .typing').count()).toBe(0);

    // The host's view: the handoff, the hooks, the path, the hidden event, what became of each.
    await studio.locator('.handoff', { hasText: 'Mia handed over to Ben' }).waitFor();
    await studio.locator('.mark', { hasText: 'redact_cards rewrote this' }).waitFor();
    await studio.getByRole('list', { name: 'Phases of the conversation' }).getByText('Billing · Ben').waitFor();
    await row(studio, '€49.90').getByText('lookup_order').waitFor();
    await row(studio, '€49.90').getByText('Web sent').waitFor({ state: 'attached' });
    // Two channels of one kind are told apart; phone, Telegram and mailbox have drawings of their own.
    expect(await row(studio, '€49.90').locator('.reach .glyph').allInnerTexts()).toEqual(['W', 'D', '', '', '']);
    await studio.locator('.event .only', { hasText: 'only Ben' }).first().waitFor();

    // What Ada may see is less.
    await studio.getByLabel('Only what a channel could see').selectOption(CUSTOMER.channelId);
    await row(studio, '€49.90').waitFor();
    await studio.locator('.handoff').waitFor({ state: 'detached' });
    await studio.getByLabel('Only what a channel could see').selectOption('');
    await studio.locator('.handoff').waitFor();

    // A row opens by keyboard and tells where the time went.
    await row(studio, 'I was charged twice').first().locator('.ix').focus();
    await page.keyboard.press('Enter');
    const inspector = studio.getByRole('complementary', { name: 'Inspector' });
    await inspector.locator('.waterfall').getByText('redact_cards').waitFor();
    await inspector.locator('[data-verdict=allow]', { hasText: 'spam_filter' }).waitFor();
    await page.keyboard.press('Escape');
    expect(complaints).toEqual([]);
  });

  it('lets a person allow the refund in Studio, and answers once what was written in three lines', { timeout: 60_000 }, async () => {
    await say(page, 'yes please');
    await page.locator('#bubbles .said .bubble', { hasText: 'A colleague has to allow it' }).waitFor();
    const card = studio.locator('.events .approval');
    await card.getByText('Ben wants to call refund for Ada Park').waitFor();
    expect(JSON.parse((await card.getByLabel('Arguments of refund').textContent()) ?? '')).toEqual({ number: '12345', amount: '€49.90' });
    await card.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.locator('#bubbles .said .bubble', { hasText: 'Done. The refund for order 12345 is on its way' }).waitFor();
    await card.getByText('approved by').waitFor();
    await row(studio, 'is on its way').getByText('refund').first().waitFor();

    const lines = ['How long', 'will it take', 'until I have the money?'];
    for (const words of lines) await say(page, words);
    await row(studio, 'within three working days; the bank').getByText('answers 3 messages').waitFor();
    for (const words of lines.slice(0, 2))
      await row(studio, words)
        .getByText(/Answered together with \d+/)
        .first()
        .waitFor();
    expect(await page.locator('#bubbles .said .bubble', { hasText: 'the bank decides the rest' }).count()).toBe(1);
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
      await page.locator('#bubbles .mine.said .bubble', { hasText: one.slice(0, 20) }).waitFor();
      await row(studio, one.slice(0, 20)).waitFor();
    }
    expect((await texts(page, '#bubbles .mine .bubble')).slice(-4)).toEqual(words);
    expect(await page.locator('#bubbles :is(script, img)').count()).toBe(0);
    expect(await studio.locator('.events :is(script, img)').count()).toBe(0);
    for (const place of [page.locator('#bubbles .bubble', { hasText: 'مرحبا' }), row(studio, 'مرحبا').locator('.words p')])
      expect(await place.first().evaluate((element) => element.matches(':dir(rtl)'))).toBe(true);
    for (const list of [page.locator('#log'), studio.locator('#timeline')])
      expect(await list.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('shows what a hook blocked, to the sender as a refusal and to the host with the hook’s name', { timeout: 60_000 }, async () => {
    await page.getByRole('group', { name: 'Things to try' }).getByRole('button', { name: 'You have won a cruise!' }).click();
    await page.locator('#bubbles .refused', { hasText: 'Not sent: spam' }).waitFor();
    await row(studio, 'You have won a cruise!')
      .getByText(/blocked by spam_filter/)
      .waitFor();
    await page.locator('#bubbles .refused').getByRole('button', { name: 'Remove' }).click();
    await page.locator('#bubbles .refused').waitFor({ state: 'detached' });
  });

  it('lets the host go where the phases do not lead, when one is sure', { timeout: 60_000 }, async () => {
    const inspector = studio.getByRole('complementary', { name: 'Inspector' });
    await inspector.getByText('Ben has the conversation').waitFor();
    const dialog = studio.getByRole('dialog', { name: 'Hand over to Tara all the same?' });
    await inspector.getByLabel('Hand over to').selectOption('tara');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await inspector.getByText('Ben has the conversation').waitFor();
    await inspector.getByLabel('Hand over to').selectOption('tara');
    await dialog.getByRole('button', { name: 'Hand over' }).click();
    await inspector.getByText('Tara has the conversation').waitFor();
    await page.locator('#partner', { hasText: 'with Tara' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('lets a person take over and hand back', { timeout: 60_000 }, async () => {
    await page.reload();
    await page.locator('#line[data-state="live"]').waitFor();
    await say(page, 'I want to talk to a person');
    await page.locator('#partner', { hasText: 'with Sam Okafor' }).waitFor();
    await page.getByRole('button', { name: 'Answer as Sam' }).click();
    const sam = studio.getByRole('article', { name: 'Web chat of Sam Okafor' });
    await sam.getByLabel('Message as Sam Okafor').fill('Sam here, how can I help?');
    await sam.getByLabel('Message as Sam Okafor').press('Enter');
    await page.locator('#bubbles', { hasText: 'Sam here, how can I help?' }).waitFor();
    await page.getByRole('button', { name: 'Hand back to Mia' }).click();
    await page.locator('#bubbles .said', { hasText: 'Here I am again' }).waitFor();
    await row(studio, 'Here I am again').first().waitFor();
    await page.locator('#person').waitFor({ state: 'hidden' });
    await studio.getByRole('button', { name: 'Close the chat of Sam Okafor' }).click();
    await studio.getByRole('button', { name: 'Devices' }).click();
  });

  it('shows the same after a reload', { timeout: 60_000 }, async () => {
    const before = await everything(page, studio);
    await page.reload();
    await settled(page, studio, before);
    expect(await everything(page, studio)).toEqual(before);
    expect(complaints).toEqual([]);
  });

  it('shows the same, once, when the server was killed and started again, and goes on', { timeout: 90_000 }, async () => {
    const before = await everything(page, studio);
    demo.kill();
    await page.locator('#banner', { hasText: 'Connection lost' }).waitFor();
    await studio.getByText('Connection lost').waitFor();
    await say(page, 'Where is order 20817?'); // waits until the server is back
    await page.locator('#bubbles .waiting', { hasText: '20817' }).waitFor();
    demo = await Demo.start(demo.file, demo.port);
    await page.locator('#line[data-state="live"]').waitFor();
    await page.locator('#bubbles .said', { hasText: 'expected tomorrow' }).waitFor();
    await row(studio, 'expected tomorrow').waitFor();
    const after = await everything(page, studio);
    expect(after.bubbles.slice(0, before.bubbles.length)).toEqual(before.bubbles);
    expect(after.bubbles.filter((words) => words.includes('20817?'))).toHaveLength(1);
    expect(after.indexes.slice(0, before.indexes.length)).toEqual(before.indexes);
    expect(new Set(after.indexes).size).toBe(after.indexes.length);
    await page.reload();
    await settled(page, studio, after);
    expect(await everything(page, studio)).toEqual(after);
    // Nothing is known any more of what was decided before, but how turns ended is stored; that is no error either.
    await row(studio, 'I want to talk to a person').first().click();
    await studio.locator('.turn-head', { hasText: 'answered' }).first().waitFor();
    await page.keyboard.press('Escape');
    await row(studio, 'Here I am again').first().click();
    await studio.getByText('Decided before this process started').waitFor();
    await page.keyboard.press('Escape');
  });

  it('shows the phone, mailbox and Telegram of the customer, and what is written on one arrives on the others', { timeout: 60_000 }, async () => {
    await studio.getByRole('button', { name: /^Devices/ }).click();
    const [phone, mailbox, chat] = ['Phone +15550123', 'Mailbox ada@example.org', 'Chat Ada'].map((name) => studio.getByRole('article', { name }));
    await phone?.getByRole('textbox').fill('And where is order 20817 now?');
    await phone?.getByRole('button', { name: 'Send from +15550123' }).click();
    await phone?.locator('.bubble.own', { hasText: 'order 20817 now' }).waitFor();
    await page.locator('#bubbles .bubble', { hasText: 'order 20817 now' }).waitFor();
    await row(studio, 'order 20817 now').waitFor();
    for (const device of [phone, mailbox, chat]) await device?.locator('.bubble:not(.own)', { hasText: /20817/ }).last().waitFor();
    await studio.getByRole('button', { name: /^Devices/ }).click();
  });

  it('asks by code who writes on the phone at home, and lets it go on as that person', { timeout: 60_000 }, async () => {
    const other = await openStudio(FAMILY_ROOM_ID);
    const phone = other.getByRole('article', { name: `Phone ${ADDRESSES.familyPhone}` });
    const write = async (words: string): Promise<void> => {
      await phone.getByRole('textbox').fill(words);
      await phone.getByRole('button', { name: `Send from ${ADDRESSES.familyPhone}` }).click();
    };
    await write('Where is order 20817?');
    await phone.locator('.bubble:not(.own)', { hasText: 'Who is writing?' }).waitFor();
    expect(await row(other, 'Where is order').count()).toBe(0);
    await goTo(other, ROOM_ID);
    const mail = other.getByRole('article', { name: `Mailbox ${ADDRESSES.mail}` }).locator('.bubble:not(.own)', { hasText: 'is your code' });
    const code = /\d{6}/.exec(await mail.last().innerText())?.[0] ?? '';
    await goTo(other, FAMILY_ROOM_ID);
    await write(code);
    const asked = row(other, 'Where is order 20817?');
    await asked.getByText(CUSTOMER.displayName).waitFor();
    await phone.locator('.bubble:not(.own)', { hasText: 'expected tomorrow' }).waitFor();
    expect(await row(other, code).count()).toBe(0);
    await picture(other, 'family-phone');
    await other.close();
  });

  it('shows who somebody is, merges two accounts of one person, and parts them again', { timeout: 60_000 }, async () => {
    const other = await openStudio(ROOM_ID);
    const inspector = other.getByRole('complementary', { name: 'Inspector' });
    await inspector.getByRole('button', { name: /^Ada Park/ }).click();
    const facts = inspector.locator('.part', { has: other.getByRole('heading', { name: 'Identity' }) });
    for (const address of Object.values([ADDRESSES.phone, ADDRESSES.mail])) await facts.getByText(address).waitFor();
    const history = async (): Promise<string> => (await fetch(`${demo.address}/api/rooms/${ROOM_ID}/events?limit=500`)).text();
    const before = await history();
    await facts.getByLabel('Merge with').selectOption(OLD_ACCOUNT.displayName);
    const merged = facts.getByRole('list', { name: 'Merged into this person' });
    await merged.getByText(/^A\. Park was merged in/).waitFor();
    await merged.getByText(/^by \S+, Today/).waitFor();
    await facts.getByText(`${ADDRESSES.mail}, ${OLD_ACCOUNT.mail}`).waitFor();
    await picture(other, 'merged');
    expect(await violations(other)).toEqual([]);
    // The other account is read as this person, and says so.
    await goTo(other, ROOM_ID, `inspect=participant&of=${OLD_ACCOUNT.id}`);
    await facts.getByText('went into this person').waitFor();
    await facts.getByRole('button', { name: 'Undo the merge of A. Park' }).click();
    await merged.waitFor({ state: 'detached' });
    await facts.getByText(OLD_ACCOUNT.mail).waitFor();
    // By an address it is found, too, by whoever knows one; and nobody is merged with themselves.
    await facts.getByRole('button', { name: 'By an address…' }).click();
    for (const [typed, told] of [
      ['nobody@example.org', 'Nobody is known as nobody@example.org.'],
      [OLD_ACCOUNT.mail, 'A. Park is this person already.'],
    ] as const) {
      await facts.getByLabel('Address or id of the person to merge').fill(typed);
      await facts.getByRole('button', { name: 'Merge', exact: true }).click();
      await other.getByText(told).waitFor();
    }
    await facts.getByLabel('Address or id of the person to merge').fill(ADDRESSES.mail);
    await facts.getByRole('button', { name: 'Merge', exact: true }).click();
    await merged.getByText(/^Ada Park was merged in/).waitFor();
    await facts.getByRole('button', { name: 'Undo the merge of Ada Park' }).click();
    await merged.waitFor({ state: 'detached' });
    expect(await history()).toBe(before);
    await other.close();
  });

  it('has nothing serious for axe to find, in light and dark', { timeout: 90_000 }, async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme, reducedMotion: 'reduce', bypassCSP: true });
      const other = await context.newPage();
      await other.goto(demo.address);
      await other.locator('#bubbles .said').first().waitFor();
      await row(other.frameLocator('#studio'), 'Here I am again').first().waitFor();
      expect(await violations(other), colorScheme).toEqual([]);
      await context.close();
    }
  });

  it('fits a narrow screen, and asks nobody but its own server', { timeout: 60_000 }, async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    await page.reload();
    await page.locator('#line[data-state="live"]').waitFor();
    const fits = (): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth <= 400');
    expect(await fits()).toBe(true);
    expect(await page.locator('#studio').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Studio' }).click();
    // It was laid out while the chat was shown, and is at the newest.
    await row(studio, 'expected tomorrow').first().waitFor();
    await studio.locator('.events:not(.writing) > [data-index]').nth(5).waitFor();
    expect(await studio.locator('#timeline').evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight)).toBeLessThan(40);
    expect(await page.locator('#log').isVisible()).toBe(false);
    expect(await fits()).toBe(true);
    expect(await studio.locator('html').evaluate((root) => root.scrollWidth <= 400)).toBe(true);
    expect([outside, complaints]).toEqual([[], []]);
  });

  it('begins with the newest of a long conversation, and reaches back to the first word', { timeout: 90_000 }, async () => {
    demo.kill();
    await fill(join(folder, 'long.db'), 450);
    demo = await Demo.start(join(folder, 'long.db'), 0);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(demo.address);
    await page.locator('#bubbles .bubble', { hasText: 'Message 449' }).waitFor();
    await row(studio, 'Message 449').waitFor();
    const drawn = await texts(page, '#bubbles .bubble');
    expect(drawn.length).toBeLessThanOrEqual(200);
    expect(drawn.at(-1)).toBe('Message 449');
    const button = page.getByRole('button', { name: 'Earlier messages' });
    for (let turn = 0; turn < 2; turn++) {
      const first = await page.locator('#bubbles .bubble').first().innerText();
      const count = await page.locator('#bubbles .bubble').count();
      await button.click();
      await page.locator('#bubbles .bubble').nth(count).waitFor();
      expect(await page.locator('#bubbles .bubble').first().innerText()).not.toBe(first);
    }
    await button.waitFor({ state: 'hidden' });
    expect(await texts(page, '#bubbles .bubble')).toEqual(Array.from({ length: 450 }, (_, n) => `Message ${n}`));
    expect(complaints).toEqual([]);
  });
});

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `demo-${name}.png`) });
}

async function say(page: Page, words: string): Promise<void> {
  await page.getByLabel('Message to the help desk').fill(words);
  await page.getByLabel('Message to the help desk').press('Enter');
}

interface Everything {
  readonly bubbles: readonly string[];
  readonly indexes: readonly number[];
}

/** What the page shows of the conversation, refused messages aside: those only the sender's own page knows. */
async function everything(page: Page, studio: FrameLocator): Promise<Everything> {
  return { bubbles: await texts(page, '#bubbles .said .bubble'), indexes: await indexesOf(studio) };
}

/** Every row Studio has: it draws only those in view, so the timeline is walked from its beginning to its end. */
async function indexesOf(studio: FrameLocator): Promise<number[]> {
  const timeline = studio.locator('#timeline');
  const met = new Set<number>();
  await timeline.evaluate((box) => box.scrollTo({ top: 0 }));
  for (;;) {
    // Two frames: one scrolls, the next draws.
    await timeline.evaluate(
      () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done())))),
    );
    const drawn = await studio
      .locator('.events:not(.writing) > [data-index]')
      .evaluateAll((rows) => rows.map((element) => Number(element.getAttribute('data-index'))));
    expect(new Set(drawn).size).toBe(drawn.length);
    for (const index of drawn) met.add(index);
    const isAtEnd = await timeline.evaluate((box) => {
      const end = box.scrollHeight - box.clientHeight;
      const isThere = box.scrollTop >= end - 2;
      box.scrollTo({ top: Math.min(end, box.scrollTop + box.clientHeight / 2) });
      return isThere;
    });
    if (isAtEnd) return [...met].sort((a, b) => a - b);
  }
}

function row(studio: FrameLocator | Page, words: string): Locator {
  return studio.locator('.events [data-row]', { hasText: words });
}

function texts(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allInnerTexts();
}

/** Waits until the page has as much as it should have. */
async function settled(page: Page, studio: FrameLocator, expected: Everything): Promise<void> {
  await page
    .locator('#bubbles .said')
    .nth(expected.bubbles.length - 1)
    .waitFor();
  await studio.locator(`[data-index="${expected.indexes.at(-1)}"]`).waitFor();
}

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
