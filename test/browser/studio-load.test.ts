/** Studio under weight and loss: long rooms, a burst, a server that goes away, and one that asks who you are. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { apiKeys, createApiKey } from 'roomkit/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipWithoutBrowser } from './chromium.js';
import { indexes, row, StudioBrowser, violations } from './studio-page.js';
import { openWorld, ROOM, say, type World } from './studio-world.js';

const quietly = { addressedTo: [], wait: 'commit' } as const;

describe.skipIf(skipWithoutBrowser)('Studio under weight and loss', { timeout: 90_000 }, () => {
  let browser: StudioBrowser;
  let folder = '';

  beforeAll(async () => {
    browser = await StudioBrowser.launch();
    folder = await mkdtemp(join(tmpdir(), 'roomkit-studio-'));
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('reaches from the newest to the first of ten thousand events, drawing only those in view', async () => {
    const world = await openWorld();
    await fill(world, 'warehouse', 10_000);
    const page = await browser.open(`${world.url}#/rooms/warehouse`);
    await row(page, 'Message 9999').waitFor();
    const timeline = page.getByRole('region', { name: 'Timeline' });
    const met = new Set<number>();
    for (let turn = 0; turn < 400 && !met.has(1); turn++) {
      const drawn = await indexes(page);
      expect(drawn.length).toBeLessThan(120);
      expect(drawn).toEqual([...drawn].sort((a, b) => a - b));
      expect(new Set(drawn).size).toBe(drawn.length);
      for (const index of drawn) met.add(index);
      // As fast as a wheel that is spun: up by several screens, then wait for what comes before.
      await timeline.evaluate((box) => box.scrollTo({ top: Math.max(0, box.scrollTop - 20_000) }));
      await settled(page);
    }
    await page.getByText('The room begins here.').waitFor();
    await row(page, 'Message 0').first().waitFor();
    await page.getByRole('button', { name: /Newest/ }).click();
    await row(page, 'Message 9999').waitFor();

    // A link into the middle reads only what lies around it, and goes on from there in both directions.
    await page.context().close();
    const linked = await browser.open(`${world.url}#/rooms/warehouse?event=5000&inspect=event`);
    await linked.locator('.event.selected', { hasText: 'Message 4999' }).waitFor();
    await linked.getByRole('button', { name: /Newest/ }).click();
    await row(linked, 'Message 9999').waitFor();
    await say(world.kit, 'web', 'bridge', 'And on it goes', 'warehouse');
    await row(linked, 'And on it goes').waitFor();
    expect(browser.complaints).toEqual([]);
    await linked.context().close();
    await world.close();
  });

  it('stays where somebody reads while others write, and tells how many', async () => {
    const world = await openWorld();
    await fill(world, 'warehouse', 400);
    const page = await browser.open(`${world.url}#/rooms/warehouse`);
    await row(page, 'Message 399').waitFor();
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.evaluate((box) => box.scrollTo({ top: box.scrollTop - 3000 }));
    await page.getByRole('button', { name: /Newest/ }).waitFor();
    await settled(page);
    const read = await topRow(page);
    await fill(world, 'warehouse', 50, 'Later');
    await page.getByRole('button', { name: /50 new/ }).waitFor();
    expect(await topRow(page)).toBe(read);
    await page.getByRole('button', { name: /50 new/ }).click();
    await row(page, 'Later 49').waitFor();
    await page.getByRole('button', { name: /Newest/ }).waitFor({ state: 'detached' });
    await page.context().close();
    await world.close();
  });

  it('lets go of the newest when somebody scrolls up, also in the moment in which something new comes', { timeout: 60_000 }, async () => {
    const world = await openWorld();
    await fill(world, 'warehouse', 200);
    const page = await browser.open(`${world.url}#/rooms/warehouse`);
    await row(page, 'Message 199').waitFor();
    const timeline = page.getByRole('region', { name: 'Timeline' });
    for (let turn = 0; turn < 25; turn++) {
      const coming = fill(world, 'warehouse', 6, `Meanwhile ${turn}`);
      for (let frame = 0; frame < turn % 5; frame++) await page.evaluate('new Promise((resolve) => requestAnimationFrame(resolve))');
      await timeline.evaluate((box) => box.scrollTo({ top: Math.max(0, box.scrollTop - 2000) }));
      await coming;
      await settled(page);
      expect(await timeline.getAttribute('data-following'), `turn ${turn}`).toBe('false');
      await page.getByRole('button', { name: /Newest|new/ }).click();
      await row(page, `Meanwhile ${turn} 5`).waitFor();
    }
    await page.context().close();
    await world.close();
  });

  it('follows a burst of thousands without gap, double or standing still', async () => {
    const world = await openWorld();
    const page = await browser.open(`${world.url}#/rooms/warehouse`);
    await page.getByRole('heading', { name: 'Warehouse bridge' }).waitFor();
    // 200 a second for ten seconds, in steps, as a busy vendor would send them.
    for (let second = 0; second < 100; second++) {
      for (let n = 0; n < 20; n++) await world.kit.sendEvent('warehouse', 'web', `Burst ${second * 20 + n}`, quietly);
      await page.evaluate('new Promise((resolve) => setTimeout(resolve, 20))');
    }
    await row(page, 'Burst 1999').waitFor();
    expect(await page.getByRole('region', { name: 'Timeline' }).getAttribute('data-following')).toBe('true');
    const latest = (await world.kit.getRoom('warehouse')).latestIndex;
    const met: number[] = [];
    const timeline = page.getByRole('region', { name: 'Timeline' });
    for (let turn = 0; turn < 200 && met.at(0) !== 0; turn++) {
      const drawn = await indexes(page);
      met.unshift(...drawn.filter((index) => index < (met[0] ?? Infinity)));
      await timeline.evaluate((box) => box.scrollTo({ top: Math.max(0, box.scrollTop - 1200) }));
      await settled(page);
    }
    // Row 0 is a fold of one or more; everything after it is there once, in order.
    expect(met.slice(met.indexOf(latest - 1999))).toEqual(Array.from({ length: 2000 }, (_, n) => latest - 1999 + n));
    expect(browser.complaints).toEqual([]);
    await page.context().close();
    await world.close();
  });

  it('says that the connection is lost, counts down, and has everything once when the server is back', async () => {
    const file = join(folder, 'restart.db');
    let world = await openWorld({ file });
    const { port } = world.server;
    await fill(world, ROOM, 30);
    const page = await browser.open(`${world.url}#/rooms/${ROOM}?devices=open`);
    await page.getByRole('region', { name: 'Devices' }).getByRole('button', { name: 'Ada Park' }).click();
    await page.getByLabel('Message as Ada Park').waitFor();
    await row(page, 'Message 29').waitFor();
    await world.close();
    await page.getByText('Connection lost.').waitFor();
    await page.getByText(/Trying again in \d+ s/).waitFor();
    const before = await indexes(page);

    // What happened while nobody could look: the file was written by somebody else.
    world = await openWorld({ file, serve: { port: 0 } });
    await fill(world, ROOM, 20, 'Meanwhile');
    await world.close();
    world = await openWorld({ file, port });
    await page
      .getByRole('button', { name: 'Try now' })
      .click()
      .catch(() => undefined); // it may have tried by itself
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await row(page, 'Meanwhile 19').waitFor();
    await page.getByText('Connection lost.').waitFor({ state: 'detached' });
    const after = await indexes(page);
    expect(new Set(after).size).toBe(after.length);
    expect(after.at(-1)).toBe((before.at(-1) ?? 0) + 20);
    // The customer's chat is back too.
    await page.getByLabel('Message as Ada Park').fill('Are you back?');
    await page.getByLabel('Message as Ada Park').press('Enter');
    await row(page, 'Are you back?').waitFor();
    await page.context().close();
    await world.close();
  });

  it('asks for a key where the server does, takes no wrong one, and forgets it with the tab', async () => {
    const { key, hash } = await createApiKey('studio');
    const reader = await createApiKey('reader');
    const keys = apiKeys([
      { id: 'studio', hash, scopes: ['read', 'write', 'operate'] },
      { id: 'reader', hash: reader.hash, scopes: ['read'] },
    ]);
    const world = await openWorld({ serve: { authenticate: keys } });
    const page = await browser.open(`${world.url}#/rooms/${ROOM}`, { scripted: true });
    await page.getByLabel('API key or token').fill('rk_studio_wrong');
    await page.getByRole('button', { name: 'Open Studio' }).click();
    await page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('API key or token').fill(key);
    await page.getByRole('button', { name: 'Open Studio' }).click();
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await say(world.kit, 'web', 'ada', 'Hello there');
    await row(page, 'Hello there').waitFor();
    expect(page.url()).not.toContain(key);
    await page.reload();
    await row(page, 'Hello there').waitFor();
    const other = await browser.open(world.url);
    await other.getByLabel('API key or token').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key or token').waitFor();
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain(key);

    // A key that may read and no more is told what it lacks.
    await page.getByLabel('API key or token').fill(reader.key);
    await page.getByRole('button', { name: 'Open Studio' }).click();
    await page.getByRole('alert').filter({ hasText: 'it needs the scope operate' }).waitFor();
    await page.context().close();
    await other.context().close();
    await world.close();
  });
});

async function fill(world: World, roomId: string, count: number, word = 'Message'): Promise<void> {
  for (let n = 0; n < count; n++) await world.kit.sendEvent(roomId, 'web', `${word} ${n}`, quietly);
}

/** Two frames: what was scrolled is drawn and measured. */
async function settled(page: Page): Promise<void> {
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
}

/** Which row lies at the upper edge of the timeline. */
function topRow(page: Page): Promise<string | null> {
  return page.getByRole('region', { name: 'Timeline' }).evaluate((box) => {
    const { left, top } = box.getBoundingClientRect();
    return (
      document
        .elementFromPoint(left + 200, top + 4)
        ?.closest('[data-row]')
        ?.getAttribute('data-index') ?? null
    );
  });
}
