/** Studio against a real kit over SQLite on a real port: each screen says what is so, each write does what it says. */
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { Agent, MockAIProvider, ProviderError, type RoomEvent } from 'roomkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { skipWithoutBrowser } from './chromium.js';
import { row, StudioBrowser, violations } from './studio-page.js';
import { openWorld, ROOM, say, type World } from './studio-world.js';

describe.skipIf(skipWithoutBrowser)('Studio in Chromium', { timeout: 60_000 }, () => {
  let world: World;
  let browser: StudioBrowser;
  let page: Page;
  const at = (hash = ''): string => `${world.url}#/rooms/${ROOM}${hash}`;
  const stored = async (words: string): Promise<RoomEvent | undefined> =>
    (await world.kit.getTimeline(ROOM, { newestFirst: true, limit: 100 })).find(
      ({ content }) => content.type === 'text' && content.body.startsWith(words),
    );
  const openAgentRoom = async (roomId: string, agent: Agent): Promise<void> => {
    const { kit } = world;
    kit.registerChannel(agent);
    await kit.createRoom({ roomId });
    await kit.attachChannel(roomId, 'web');
    await kit.attachChannel(roomId, agent.channelId, { category: 'intelligence' });
    await kit.ensureParticipant(roomId, 'web', 'jo', { displayName: 'Jo Lindqvist' });
  };
  const inspector = (): ReturnType<Page['locator']> => page.getByRole('complementary', { name: 'Inspector' });

  beforeAll(async () => {
    browser = await StudioBrowser.launch();
    world = await openWorld();
    const { kit, sms } = world;
    await say(kit, 'web', 'ada', 'Hi, I was charged twice for order 12345.');
    await say(kit, 'sms', '+14155550134', 'my card is 4111 1111 1111 1111 if that helps');
    await say(kit, 'email', 'promo@example.com', 'You have won a cruise!!!');
    await kit.sendEvent(ROOM, 'web', 'A note for the desk', { visibility: 'internal', addressedTo: [] });
    sms.failNext({ success: false, error: 'invalid_number', retryable: false });
    await kit.sendEvent(ROOM, 'web', 'Your refund is on its way', { addressedTo: [] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });

  beforeEach(async () => {
    await page?.context().close();
  });

  it('leads from the front door to the rooms, and asks nobody but its own server', async () => {
    page = await browser.open(world.server.url);
    expect(page.url()).toBe(`${world.url}`);
    const rooms = page.getByRole('navigation', { name: 'Rooms' });
    await rooms.getByRole('link', { name: /Ada Park/ }).waitFor();
    await rooms.getByRole('link', { name: /Jo Lindqvist/ }).waitFor();
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await rooms.getByRole('link', { name: /Ada Park/ }).click();
    await row(page, 'charged twice').first().waitFor();
    await page.waitForURL((url) => url.hash.startsWith(`#/rooms/${ROOM}`));
    expect([browser.outside, browser.complaints]).toEqual([[], []]);
  });

  it('serves its files with a policy, caches what never changes, and nothing else', async () => {
    const shell = await fetch(world.url);
    expect(shell.headers.get('cache-control')).toBe('no-cache');
    expect(shell.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(shell.headers.get('x-content-type-options')).toBe('nosniff');
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(await shell.text())?.[1];
    const asset = await fetch(`${world.url}${script ?? 'none'}`);
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    const style = /href="\.\/(assets\/[^"]+\.css)"/.exec(await (await fetch(world.url)).text())?.[1];
    const parts = await Promise.all(
      [script, style].map(async (path) => new Uint8Array(await (await fetch(`${world.url}${path ?? 'none'}`)).arrayBuffer())),
    );
    expect(parts.reduce((total, part) => total + gzipSync(part).length, 0)).toBeLessThan(150 * 1024);
    for (const path of ['../package.json', '%2e%2e/server/index.js', 'assets/none.js', '.hidden', 'assets/..%5c..%5cindex.html'])
      expect((await fetch(`${world.url}${path}`)).status, path).toBe(404);
    expect((await fetch(world.url, { method: 'POST' })).status).toBe(404);
  });

  it('tells on each row who spoke, whom it reached, what a hook rewrote, blocked and hid', async () => {
    page = await browser.open(at());
    await row(page, 'my card is •••• •••• •••• 1111')
      .getByText(/redact_cards rewrote this · /)
      .waitFor();
    const spam = row(page, 'You have won a cruise');
    await spam.getByText(/blocked by spam_filter/).waitFor();
    await spam.getByText('nobody').waitFor();
    expect(
      await spam
        .locator('.words p')
        .first()
        .evaluate((words) => getComputedStyle(words).textDecorationLine),
    ).toBe('line-through');
    await row(page, 'A note for the desk').getByText('hidden').waitFor();
    const refund = row(page, 'Your refund is on its way');
    await refund.getByText(/SMS failed: .*invalid_number/).waitFor({ state: 'attached' });
    await refund.getByText('E-mail sent').waitFor({ state: 'attached' });
    await page.locator('.handoff', { hasText: 'Triage handed over to Billing — Charged twice for order 12345' }).waitFor();
    await page.getByRole('button', { name: /5 channels attached/ }).click();
    await page.locator('.fold li', { hasText: 'attached' }).nth(4).waitFor();
    await page.getByRole('list', { name: 'Phases of the conversation' }).getByText('Billing').waitFor();
    await row(page, 'I can see both charges').first().getByText('lookup_order').waitFor();
  });

  it('shows where the time of a turn went, and what each hook decided', async () => {
    page = await browser.open(at());
    await row(page, 'I can see both charges').last().click();
    const bars = inspector().locator('.waterfall');
    for (const label of ['redact_cards', 'spam_filter', 'route, commit', 'generate 1', 'lookup_order', 'generate 2', 'to SMS', 'to E-mail'])
      await bars.getByText(label, { exact: true }).first().waitFor();
    expect(await bars.locator('li', { hasText: 'generate 2' }).getAttribute('title')).toMatch(/desk-large · .* ms · (<|\d)/);
    await bars.getByText('first token').waitFor();
    await bars.getByText('1,405').waitFor();
    // (640 + 702) × 3 + (22 + 41) × 15, in millionths.
    await bars.getByText('0.005').waitFor();
    await bars.getByText('cost', { exact: true }).waitFor();
    await inspector().getByText('caused by').waitFor();
    await page.waitForURL(/event=\d+&inspect=event/);

    // A link sent to a colleague shows the same.
    const link = page.url();
    await page.context().close();
    page = await browser.open(link);
    await inspector().locator('.waterfall').getByText('lookup_order').waitFor();
    await page.locator('.event.selected', { hasText: 'I can see both charges' }).waitFor();

    await row(page, 'You have won a cruise').click();
    await inspector().locator('[data-verdict=block]', { hasText: 'spam_filter' }).waitFor();
  });

  it('shows what each model was given, what was tried again, and how the turn ended', async () => {
    page = await browser.open(at());
    await row(page, 'I can see both charges').last().click();
    const turn = inspector().locator('.turn');
    await turn.getByText('answered', { exact: true }).waitFor();
    await turn.locator('.turn-head', { hasText: '1,405 tokens · cost 0.005' }).waitFor();
    const steps = turn.locator('.steps > li');
    expect(await steps.locator('.step-head b').allTextContents()).toEqual(['desk-large', 'lookup_order', 'desk-large']);
    await steps
      .nth(2)
      .locator('.figures', { hasText: /first token .* · 702 in, 41 out · cost 0\.0027/ })
      .waitFor();
    const prompt = steps.nth(2).locator('.prompt');
    await prompt.locator('summary').focus();
    await page.keyboard.press('Enter');
    await prompt.locator('.offered').getByText('lookup_order').waitFor();
    const trace = (await world.kit.getTimeline(ROOM, { limit: 100 }))
      .map(({ id }) => world.kit.getTrace(id))
      .findLast((one) => one?.turnSteps.some(({ name }) => name === 'lookup_order'));
    const parts = trace?.turnSteps.findLast(({ kind, name }) => kind === 'generation' && name === 'desk-large')?.prompt?.parts ?? [];
    expect(parts.map(({ part }) => part)).toEqual(['identity', 'notes', 'tools', 'history', 'asked', 'work']);
    expect(await prompt.locator('tbody td:nth-child(3)').allTextContents()).toEqual(parts.map(({ chars }) => chars.toLocaleString('en')));
    expect(await prompt.locator('.share-bar i').count()).toBe(parts.length);

    const busy = new ProviderError('busy', { provider: 'mock', code: 'overloaded', retryable: true });
    const spare = new MockAIProvider({ model: 'spare', responses: ['The spare one answers'] });
    const failing = new MockAIProvider({ model: 'weak', script: [busy, busy] });
    await openAgentRoom(
      'recovering',
      new Agent('patient', { provider: failing, fallbackProvider: spare, retryPolicy: { maxRetries: 1, baseDelaySeconds: 0.01 } }),
    );
    await say(world.kit, 'web', 'jo', 'Are you there?', 'recovering');
    page = await browser.open(`${world.url}#/rooms/recovering`);
    await row(page, 'The spare one answers').click();
    const tried = inspector().locator('.turn .steps > li');
    await tried.nth(0).getByText('overloaded, tried again').waitFor();
    await tried.nth(1).getByText('overloaded, the fallback took over').waitFor();
    await tried.nth(2).getByText('spare').waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('shows what was answered together, what was cut short and what was turned away, each with the event it is about', async () => {
    const slow = new MockAIProvider({ streaming: true, delayMs: 40, responses: ['One answer for all that came', 'And one for the rest'] });
    await openAgentRoom('bursts', new Agent('patient-burst', { provider: slow, collision: { policy: 'burst', debounceMs: 30 } }));
    page = await browser.open(`${world.url}#/rooms/bursts`);
    await page.getByRole('heading', { name: 'Nothing was said yet' }).waitFor();
    await Promise.all(['first line', 'second line', 'third line'].map((words) => say(world.kit, 'web', 'jo', words, 'bursts')));
    const third = (await world.kit.getTimeline('bursts', { limit: 50 })).find(({ content }) => 'body' in content && content.body === 'third line');
    const mark = row(page, 'second line').getByRole('button', { name: `Answered together with ${third?.index}` });
    await mark.waitFor();
    await row(page, 'And one for the rest').getByText('answers 2 messages').waitFor();
    await mark.click();
    await page.locator('.event.selected', { hasText: 'third line' }).waitFor();
    await inspector().locator('.decisions', { hasText: 'Waited: Patient burst was busy' }).getByText('by policy burst').waitFor();
    await row(page, 'second line').click();
    await inspector().locator('.turn-head').getByText('merged').waitFor();
    await inspector()
      .locator('.decisions')
      .getByRole('button', { name: `event ${third?.index}` })
      .click();
    await page.locator('.event.selected', { hasText: 'third line' }).waitFor();
    await row(page, 'And one for the rest').click();
    await inspector().locator('.links li', { hasText: 'second line' }).getByText('answers too').waitFor();

    // One that is cut short, and one that is turned away.
    for (const [roomId, policy] of [
      ['cut', 'interrupt'],
      ['busy', 'reject'],
    ] as const) {
      const provider = new MockAIProvider({
        streaming: true,
        delayMs: 40,
        responses: ['Something that takes a while to say', 'The answer to the newest'],
      });
      await openAgentRoom(roomId, new Agent(`agent-${roomId}`, { provider, collision: { policy } }));
    }
    await Promise.all(['older', 'newer'].map((words) => say(world.kit, 'web', 'jo', words, 'cut')));
    await Promise.all(['older', 'newer'].map((words) => say(world.kit, 'web', 'jo', words, 'busy')));
    page = await browser.open(`${world.url}#/rooms/cut`);
    await row(page, 'older')
      .getByRole('button', { name: /Cut short by \d+/ })
      .click();
    await page.locator('.event.selected', { hasText: 'newer' }).waitFor();
    await row(page, 'older').click();
    await inspector().locator('.turn-head').getByText('interrupted').waitFor();
    page = await browser.open(`${world.url}#/rooms/busy`);
    await row(page, 'newer').getByText('Turned away: Agent busy was busy').waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('shows what one hook decided lately, and how each delivery went, one step from the event', async () => {
    page = await browser.open(at());
    await row(page, 'You have won a cruise').click();
    await inspector().locator('.hooks').getByRole('button', { name: 'spam_filter' }).click();
    await inspector().getByRole('heading', { name: 'spam_filter' }).waitFor();
    await inspector().getByText('Hook · before_broadcast').waitFor();
    // Everything that came from outside was shown to it, and one of it was stopped.
    const traces = (await world.kit.getTimeline(ROOM, { limit: 100 })).map(({ id }) => world.kit.getTrace(id));
    const asked = traces.filter((trace) => trace?.hooks.some(({ hook }) => hook === 'spam_filter')).length;
    expect(asked).toBeGreaterThan(2);
    await inspector().locator('.facts-list div', { hasText: 'Asked' }).getByText(String(asked), { exact: true }).waitFor();
    await inspector().locator('.facts-list div', { hasText: 'Blocked' }).getByText('1', { exact: true }).waitFor();
    await inspector().locator('.runs [data-verdict=block]', { hasText: 'blocked: spam' }).getByRole('button').click();
    await page.locator('.event.selected', { hasText: 'You have won a cruise' }).waitFor();
    await inspector()
      .getByRole('heading', { name: /^Event/ })
      .waitFor();

    await row(page, 'Your refund is on its way').click();
    await inspector()
      .locator('.reached li', { hasText: 'SMS' })
      .getByRole('button', { name: /failed/ })
      .click();
    await inspector().getByRole('heading', { name: 'To SMS' }).waitFor();
    await inspector()
      .locator('ol.reached li', { hasText: /^1/ })
      .getByText(/invalid_number/)
      .waitFor();
    await inspector().locator('.facts-list div', { hasText: 'State' }).getByText('failed').waitFor();
    await inspector().locator('.facts-list div', { hasText: 'Provider' }).getByText('twilio').waitFor();
    await page.waitForURL(/event=\d+&inspect=delivery&of=sms/);
    page = await browser.open(page.url());
    await inspector().getByRole('heading', { name: 'To SMS' }).waitFor();
    await inspector()
      .getByRole('button', { name: /^Event/ })
      .click();
    await inspector().locator('.reached li', { hasText: 'Web' }).waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('is worked by keyboard alone', async () => {
    page = await browser.open(at());
    await row(page, 'Your refund is on its way').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('k');
    await page.locator('.event.selected', { hasText: 'Your refund is on its way' }).waitFor();
    await page.keyboard.press('k');
    await page.locator('.event.selected', { hasText: 'A note for the desk' }).waitFor();
    await page.locator('.event.selected .ix:focus').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await inspector()
      .getByRole('heading', { name: /^Event \d+$/ })
      .waitFor();
    await page.keyboard.press('Escape');
    await inspector().getByRole('heading', { name: 'Channels' }).waitFor();
    await page.keyboard.press('h');
    await inspector().getByRole('heading', { name: 'Health' }).waitFor();
    await inspector().getByText('breaker').or(inspector().getByText('ready')).first().waitFor();
    await page.keyboard.press('h');
    await page.keyboard.press(']');
    await page.waitForURL((url) => !url.hash.includes(ROOM));
  });

  it('finds a text in all rooms and opens its event', async () => {
    page = await browser.open(world.url);
    await page.getByRole('link', { name: /Ada Park/ }).waitFor();
    await page.keyboard.press('/');
    await page.getByRole('combobox', { name: 'Find a room' }).fill('voided');
    await page
      .getByRole('option', { name: /voided/ })
      .first()
      .waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.event.selected', { hasText: 'voided' }).waitFor();
    await page.keyboard.press('/');
    await page.getByRole('combobox', { name: 'Find a room' }).fill('nothing has these words');
    await page.getByText('Nothing has “nothing has these words” in it.').waitFor();
  });

  it('shows the room as one channel knows it', async () => {
    page = await browser.open(at());
    await row(page, 'A note for the desk').waitFor();
    await page.getByLabel('Only what a channel could see').selectOption('sms');
    await row(page, 'A note for the desk').waitFor({ state: 'detached' });
    await row(page, 'Your refund is on its way').waitFor();
    expect(await row(page, 'You have won a cruise').count()).toBe(0);
    await page.waitForURL(/as=sms/);
    await say(world.kit, 'web', 'ada', 'Seen by all'); // live, through the same eyes
    await row(page, 'Seen by all').waitFor();
    await page.getByLabel('Only what a channel could see').selectOption('');
    await row(page, 'A note for the desk').waitFor();
  });

  it('lets somebody speak as a customer, shows the answer as it grows, and tells what was refused', async () => {
    await page?.context().close();
    await world.close();
    world = await openWorld({ wordMs: 25 });
    page = await browser.open(at());
    await page.getByText('Speak as a customer').click(); // the words say what to do, so they do it
    await page.getByRole('region', { name: 'Devices' }).getByRole('button', { name: 'Ada Park' }).click();
    const chat = page.getByRole('article', { name: 'Web chat of Ada Park' });
    const box = chat.getByLabel('Message as Ada Park');
    await box.fill('I was charged twice');
    await box.press('Enter');
    const growing = page.locator('.event.live .words');
    await growing.getByText('I can see both').waitFor();
    await chat.locator('.bubble', { hasText: 'I can see both' }).locator('.caret').waitFor();
    await row(page, 'within three working days').locator('.ix', { hasText: /\d/ }).waitFor();
    await growing.waitFor({ state: 'detached' });
    expect(await row(page, 'within three working days').count()).toBe(1);
    await chat.locator('.bubble', { hasText: 'within three working days' }).waitFor();
    await box.fill('You have won a cruise');
    await box.press('Enter');
    await chat.getByText('Not sent: spam').waitFor();
    await row(page, 'You have won a cruise')
      .getByText(/blocked by spam_filter/)
      .waitFor();
    await row(page, 'You have won a cruise').click();
    await page.getByText('blocked: spam').waitFor();
    await page.getByText('Nobody: it was stopped before it went out.').waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('shows a reply grow with the eyes of a channel that will see it, and nothing of one that it will not', async () => {
    page = await browser.open(at('?as=web'));
    const eyes = page.getByLabel('Only what a channel could see');
    await row(page, 'charged twice').first().waitFor();
    const first = say(world.kit, 'web', 'ada', 'Was I charged again?');
    await page.locator('.event.live .words').getByText('I can see both').waitFor();
    await first;
    await page.locator('.event.live').waitFor({ state: 'detached' });
    expect(await eyes.inputValue()).toBe('web');

    await world.kit.setVisibility(ROOM, 'billing', 'sms');
    const shown = await row(page, 'I can see both').count();
    let seen = false;
    await page.exposeFunction('saw', () => (seen = true));
    await page.evaluate(() => {
      const { saw } = globalThis as unknown as { saw(): void }; // exposed by the line above
      new MutationObserver(() => document.querySelector('.event.live') !== null && saw()).observe(document.body, { childList: true, subtree: true });
    });
    await say(world.kit, 'web', 'ada', 'And now, was I charged?');
    await row(page, 'And now, was I charged?').waitFor();
    await say(world.kit, 'sms', '+14155550134', 'The last word');
    await row(page, 'The last word').waitFor();
    expect([seen, await row(page, 'I can see both').count()]).toEqual([false, shown]);
    await world.kit.setVisibility(ROOM, 'billing', 'all');
  });

  it('opens a device that a link names, and takes it from the address', async () => {
    page = await browser.open(at('?device=web/ada'));
    await page.getByRole('article', { name: 'Web chat of Ada Park' }).waitFor();
    await page.waitForURL(/devices=open/);
    expect(page.url()).not.toContain('device=');
    page = await browser.open(at('?device=sms/ada'));
    await page.getByRole('region', { name: 'Devices' }).getByRole('button', { name: 'Ada Park' }).waitFor();
    expect(await page.getByRole('article').count()).toBe(0);
  });

  it('changes the words of a message, and deletes one with its answers when one is sure', async () => {
    const { kit } = world;
    await kit.sendEvent(ROOM, 'web', 'The parcle is on its way', { addressedTo: [] });
    page = await browser.open(at());
    await row(page, 'The parcle').click();
    await inspector().getByRole('button', { name: 'Edit' }).click();
    const editor = inspector().getByRole('textbox', { name: /Words of event/ });
    expect(await editor.inputValue()).toBe('The parcle is on its way');
    await page.keyboard.press('Escape');
    await editor.waitFor({ state: 'detached' });
    // Who is fast presses a key before the editor was painted, and means the editor.
    await inspector()
      .getByRole('button', { name: 'Edit' })
      .evaluate(async (button: HTMLElement) => {
        button.click();
        while (document.querySelector('.editor textarea') === null) await Promise.resolve();
        document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
      });
    await editor.waitFor({ state: 'detached' });
    await inspector().getByRole('button', { name: 'Edit' }).click();
    await editor.fill('The parcel is on its way');
    await page.keyboard.press('Control+Enter');
    await row(page, 'The parcel is on its way').getByText('edited').waitFor();
    await editor.waitFor({ state: 'detached' });
    const event = await stored('The parcel');
    expect(event?.metadata).toMatchObject({ edited: true });

    // A refusal is told, and what was written stays.
    await inspector().getByRole('button', { name: 'Edit' }).click();
    await page.route('**/events/*', (route) =>
      route.request().method() === 'PATCH'
        ? route.fulfill({ status: 403, json: { code: 'forbidden', detail: 'The key has not the scope operate.' } })
        : route.continue(),
    );
    await editor.fill('Something else');
    await inspector().getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').filter({ hasText: 'The key has not the scope operate.' }).waitFor();
    expect(await editor.inputValue()).toBe('Something else');
    expect(browser.complaints.splice(0)).toEqual([expect.stringContaining('403')]); // the browser's own word about it
    await page.unroute('**/events/*');
    await inspector().getByRole('button', { name: 'Cancel' }).click();

    await kit.sendEvent(ROOM, 'sms', 'It is due on Monday', { addressedTo: [], ...(event !== undefined && { parentEventId: event.id }) });
    await row(page, 'It is due on Monday').waitFor();
    await inspector().getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: `Delete event ${event?.index}?` });
    await dialog.getByText('and the answer it caused').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await stored('The parcel')).toMatchObject({ id: event?.id, content: { body: 'The parcel is on its way' } });
    await inspector().getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await row(page, 'The parcel is on its way').waitFor({ state: 'detached' });
    await row(page, 'It is due on Monday').waitFor({ state: 'detached' });
    expect([await stored('The parcel'), await stored('It is due')]).toEqual([undefined, undefined]);
    await inspector().getByRole('heading', { name: 'Channels' }).waitFor();
    await kit.sendEvent(ROOM, 'web', 'And on it goes', { addressedTo: [] });
    await row(page, 'And on it goes').waitFor();
  });

  it('mutes, narrows and widens a channel, each with its entry in the timeline', async () => {
    page = await browser.open(at('?inspect=channel&of=sms'));
    const muted = inspector().getByRole('switch', { name: /Muted/ });
    await muted.check();
    await page.locator('.fold', { hasText: /sms: channel muted/ }).waitFor();
    expect((await world.kit.listBindings(ROOM)).find(({ channelId }) => channelId === 'sms')?.muted).toBe(true);
    await muted.uncheck();
    await inspector()
      .getByLabel(/Access/)
      .selectOption('read_only');
    await inspector()
      .getByLabel(/Visibility/)
      .selectOption('intelligence');
    await page.getByRole('status').filter({ hasText: 'reaches: intelligence' }).waitFor();
    expect((await world.kit.listBindings(ROOM)).find(({ channelId }) => channelId === 'sms')).toMatchObject({
      muted: false,
      access: 'read_only',
      visibility: 'intelligence',
    });
    await page
      .getByRole('button', { name: /channel.* muted|channels? changed/ })
      .first()
      .waitFor();
  });

  it('takes the conversation over and hands it back', async () => {
    page = await browser.open(at());
    await inspector().getByRole('button', { name: 'Take over' }).click();
    await page.locator('.handoff', { hasText: 'A person took over from' }).waitFor();
    await inspector().getByText('A person has the conversation').waitFor();
    await inspector().getByLabel('Hand over to').selectOption('triage');
    await page.locator('.handoff').last().getByText('Triage').waitFor();
    await inspector().getByText('Triage has the conversation').waitFor();
  });

  it('tries a failed delivery again, without asking', async () => {
    await world.kit.setAccess(ROOM, 'sms', 'read_write');
    world.sms.failNext({ success: false, error: 'invalid_number', retryable: false });
    await world.kit.sendEvent(ROOM, 'web', 'Try me again', { addressedTo: [] });
    page = await browser.open(at());
    await row(page, 'Try me again').click();
    const line = inspector().locator('.reached li', { hasText: 'SMS' });
    await line.getByText(/invalid_number/).waitFor();
    await line.getByRole('button', { name: 'Retry' }).click();
    await line.getByText(/sent/).waitFor();
    expect(world.sms.sent.some(({ content }) => content.type === 'text' && content.body === 'Try me again')).toBe(true);
  });

  it('closes a room only when one is sure, and opens it again', async () => {
    page = await browser.open(`${world.url}#/rooms/warehouse`);
    await inspector().getByRole('button', { name: 'Close room' }).click();
    const dialog = page.getByRole('dialog', { name: 'Close this room?' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect((await world.kit.getRoom('warehouse')).status).toBe('active');
    await inspector().getByRole('button', { name: 'Close room' }).click();
    await dialog.getByRole('button', { name: 'Close room' }).click();
    await page.locator('.room-head .pill', { hasText: 'closed' }).waitFor();
    expect((await world.kit.getRoom('warehouse')).status).toBe('closed');
    await inspector().getByRole('button', { name: 'Reopen room' }).click();
    await page.locator('.room-head .pill', { hasText: 'active' }).waitFor();
  });

  it('teaches where there is nothing yet, and says what is missing', async () => {
    page = await browser.open(`${world.url}#/rooms/nowhere`);
    await page.getByRole('heading', { name: 'There is no such room' }).waitFor();
    await world.kit.createRoom({ roomId: 'silent' });
    page = await browser.open(`${world.url}#/rooms/silent`);
    await page.getByRole('heading', { name: 'Nothing was said yet' }).waitFor();
    await page.getByText('kit.processInbound(').waitFor();
    await page.getByText("await kit.attachChannel('silent', 'web');").first().waitFor();
    // Channels that were attached are nothing that was said.
    page = await browser.open(world.url);
    await page
      .getByRole('link', { name: /Night line/ })
      .getByText('Nothing was said yet')
      .waitFor();
    await page
      .getByRole('main')
      .getByRole('button', { name: /^Open / })
      .click();
    await page.waitForURL(/#\/rooms\//);
    page = await browser.open(`${world.url}#/rooms/night-line`);
    await page.locator('.fold', { hasText: 'attached' }).waitFor();
    await page.getByRole('heading', { name: 'Nothing was said yet' }).waitFor();
    await say(world.kit, 'web', 'night', 'Good evening', 'night-line');
    await row(page, 'Good evening').waitFor();
    await page.getByRole('heading', { name: 'Nothing was said yet' }).waitFor({ state: 'detached' });
  });

  it.each([false, true])('has nothing serious for axe to find, dark: %s', async (dark) => {
    const { kit } = world;
    await say(kit, 'email', 'promo@example.com', 'You have won a cruise!!!');
    await kit.sendEvent(ROOM, 'web', 'Only a note', { visibility: 'internal', addressedTo: [] });
    const index = (await kit.getTimeline(ROOM, { newestFirst: true, limit: 40 })).find(({ source }) => source.channelId === 'billing')?.index;
    const screens = [
      '',
      `?event=${index}&inspect=event`,
      '?inspect=channel&of=sms',
      `?event=${index}&inspect=delivery&of=web`,
      '?inspect=hook&of=spam_filter',
      '?inspect=participant&of=ada',
      '?inspect=health',
      '?devices=open',
    ];
    for (const hash of screens) {
      page = await browser.open(at(hash), { dark, scripted: true });
      await page.locator('.events [data-row]').first().waitFor();
      await inspector().getByRole('heading').first().waitFor();
      expect(await violations(page), `${hash} dark ${dark}`).toEqual([]);
      await page.context().close();
    }
    page = await browser.open(at(`?event=${index}&inspect=event`), { dark, scripted: true });
    await inspector().getByRole('button', { name: 'Edit' }).click();
    await inspector().getByRole('textbox').waitFor();
    expect(await violations(page), `editing, dark ${dark}`).toEqual([]);
    await inspector().getByRole('button', { name: 'Cancel' }).click();
    await inspector().getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await violations(page), `deleting, dark ${dark}`).toEqual([]);
    await page.context().close();
    page = await browser.open(world.url, { dark, scripted: true });
    await page.getByRole('link', { name: /Ada Park/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('/');
    await page.getByRole('combobox', { name: 'Find a room' }).fill('refund');
    await page
      .getByRole('option', { name: /refund/ })
      .first()
      .waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('is one column at 400 px, and nothing sticks out', async () => {
    page = await browser.open(world.url, { width: 400, height: 780 });
    const fits = async (what: string): Promise<void> => {
      expect(await page.evaluate('document.documentElement.scrollWidth'), what).toBeLessThanOrEqual(400);
      const wide = await page
        .locator('main, nav, aside, .timeline')
        .evaluateAll((boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).length);
      expect(wide, what).toBe(0);
    };
    await page.getByRole('link', { name: /Ada Park/ }).click();
    await row(page, 'Only a note').first().waitFor();
    await fits('room');
    await row(page, 'Only a note').first().click();
    await inspector().getByRole('heading', { name: /Event/ }).waitFor();
    await fits('inspector');
    await page.getByRole('button', { name: 'Room', exact: true }).click();
    await page.getByRole('button', { name: 'Details' }).click();
    await inspector().getByRole('heading', { name: 'Channels' }).waitFor();
    await fits('details');
    await page.goBack();
    await page.getByRole('button', { name: 'Rooms', exact: true }).click();
    await page.getByRole('link', { name: /Jo Lindqvist/ }).waitFor();
    await fits('rooms');
    expect([browser.outside, browser.complaints.filter((one) => !one.includes('404'))]).toEqual([[], []]);
  });
});
