/** Approvals in Studio: seen at once and everywhere, answered once, with the arguments one sees, by mouse and by keyboard. */
import { Agent, defineTool, MockAIProvider, type AIContext, type Approval, type ScriptedReply } from 'roomkit';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { skipWithoutBrowser } from './chromium.js';
import { row, StudioBrowser, violations } from './studio-page.js';
import { openWorld, say, type World } from './studio-world.js';
import { verifies } from '../requirements.js';

const ROOM = 'refunds';

describe.skipIf(skipWithoutBrowser)('Approvals in Studio', { timeout: 60_000 }, () => {
  let world: World;
  let browser: StudioBrowser;
  let page: Page;
  const ran: unknown[] = [];
  const waiting = async (): Promise<readonly Approval[]> => world.kit.listApprovals({ roomId: ROOM, state: 'pending' });
  const card = (): ReturnType<Page['locator']> => page.locator('.events .approval').last();
  const ask = async (words: string): Promise<void> => {
    const before = (await waiting()).length;
    await say(world.kit, 'web', 'jo', words, ROOM);
    expect(await waiting()).toHaveLength(before + 1);
  };

  beforeAll(async () => {
    browser = await StudioBrowser.launch();
    world = await openWorld();
    const { kit } = world;
    const refund = defineTool({
      name: 'refund',
      description: 'Pays back.',
      parameters: { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'], additionalProperties: false },
      requiresApproval: true,
      handler: (args) => {
        ran.push(args);
        return 'paid';
      },
    });
    kit.registerChannel(new Agent('ben', { provider: new MockAIProvider({ responder: answer }), tools: [refund] }));
    await kit.createRoom({ roomId: ROOM });
    await kit.attachChannel(ROOM, 'web');
    await kit.attachChannel(ROOM, 'ben', { category: 'intelligence' });
    await kit.ensureParticipant(ROOM, 'web', 'jo', { displayName: 'Jo Lindqvist' });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });

  beforeEach(async () => {
    await page?.context().close();
    ran.length = 0;
  });

  it('shows at once what waits, in the header, in the room and in the timeline, and runs it once however often one clicks', async () => {
    verifies('APR-03');
    page = await browser.open(`${world.url}#/rooms/${ROOM}`);
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await ask('refund 20 please');
    await page.getByRole('banner').getByRole('button', { name: '1 approval waits' }).waitFor();
    await page.getByRole('main').getByRole('button', { name: '1 approval waits' }).waitFor();
    await page.getByRole('status').filter({ hasText: '1 approval waits for a person' }).waitFor({ state: 'attached' });
    await card().getByText('Ben wants to call refund for Jo Lindqvist').waitFor();
    await card().getByText('valid for 24 h').waitFor();
    expect(JSON.parse((await card().getByLabel('Arguments of refund').textContent()) ?? '')).toEqual({ amount: 20 });
    let asked = 0;
    page.on('request', (request) => (asked += request.url().endsWith('/resolve') ? 1 : 0));
    await card().getByRole('button', { name: 'Approve', exact: true }).dblclick();
    await card().getByText('approved by').waitFor();
    await row(page, 'It was: paid').first().waitFor();
    expect([ran, asked]).toEqual([[{ amount: 20 }], 1]);
    await page
      .getByRole('banner')
      .getByRole('button', { name: /approval/ })
      .waitFor({ state: 'detached' });
    // The turn of the message tells that it waited.
    await row(page, 'refund 20 please').click();
    await page.locator('.decisions').getByText('Waits for a person to allow a tool').waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('rejects with a reason, which the agent is told', async () => {
    page = await browser.open(`${world.url}#/rooms/${ROOM}`);
    await ask('refund 30 please');
    await card().getByRole('button', { name: 'Reject …' }).click();
    const reason = card().getByLabel('Why not? The agent is told.');
    await reason.fill('Too late for that');
    await reason.press('Enter');
    await card()
      .getByText(/rejected by .*: Too late for that/)
      .waitFor();
    await row(page, 'Too late for that').last().waitFor();
    expect(ran).toEqual([]);
  });

  it('changes arguments, and says beside them what does not fit', async () => {
    verifies('APR-04');
    page = await browser.open(`${world.url}#/rooms/${ROOM}?inspect=approvals`);
    await ask('refund 500 please');
    const panel = page.getByRole('complementary', { name: 'Inspector' });
    const wide = panel.locator('.approval').first();
    await wide.getByRole('button', { name: 'Jo Lindqvist', exact: true }).waitFor();
    await wide.getByRole('button', { name: 'Change arguments …' }).click();
    const editor = wide.getByLabel('What is to run in place of it, as JSON');
    expect(JSON.parse(await editor.inputValue())).toEqual({ amount: 500 });
    const approve = wide.getByRole('button', { name: 'Approve this' });
    await editor.fill('{ "amount": ');
    await wide.getByText(/This is no JSON yet/).waitFor();
    expect([await approve.isDisabled(), await editor.getAttribute('aria-invalid')]).toEqual([true, 'true']);
    await editor.fill('{ "amount": "much" }');
    await approve.click();
    await wide.getByText(/The arguments for 'refund' do not fit/).waitFor();
    const [row1] = await waiting();
    expect(row1?.state).toBe('pending');
    await editor.fill('{ "amount": 5 }');
    await approve.click();
    await panel.getByText('with changed arguments').first().waitFor();
    expect(ran).toEqual([{ amount: 5 }]);
    await panel.getByText('Nothing waits.').waitFor();
    expect(browser.complaints.splice(0).filter((one) => !one.includes('400'))).toEqual([]);
  });

  it('says when somebody else was faster, and shows what they decided', async () => {
    verifies('APR-03');
    page = await browser.open(`${world.url}#/rooms/${ROOM}`);
    await ask('refund 40 please');
    const wanted = (await waiting()).at(-1);
    await page.route('**/resolve', async (route) => {
      await world.kit.resolveApproval(wanted?.id ?? '', { approve: false, by: 'kim', reason: 'Not this one' });
      await route.continue();
    });
    await card().getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByRole('status').filter({ hasText: 'Somebody was faster: it was rejected by kim.' }).waitFor();
    await card().getByText('rejected by kim: Not this one').waitFor();
    expect(ran).toEqual([]);
    // Answered elsewhere while one looks on: the buttons go.
    await page.unroute('**/resolve');
    await ask('refund 41 please');
    await card().getByRole('button', { name: 'Approve', exact: true }).waitFor();
    const other = (await waiting()).at(-1);
    await world.kit.resolveApproval(other?.id ?? '', { approve: true, by: 'kim' });
    await card().getByText('approved by kim').waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('is worked by keyboard alone', async () => {
    await ask('refund 50 please');
    page = await browser.open(`${world.url}#/rooms/${ROOM}`);
    await card().waitFor();
    await page.keyboard.press('a');
    const panel = page.getByRole('complementary', { name: 'Inspector' });
    await panel.getByRole('heading', { name: 'Approvals' }).waitFor();
    await panel.getByRole('button', { name: 'Change arguments …' }).focus();
    await page.keyboard.press('Enter');
    await panel.locator('textarea:focus').waitFor();
    await page.keyboard.press('Escape');
    await panel.locator('textarea').waitFor({ state: 'detached' });
    await panel.getByRole('button', { name: 'Approve', exact: true }).focus();
    await page.keyboard.press('Enter');
    await panel.getByText('Nothing waits.').waitFor();
    await page.keyboard.press('a');
    await panel.getByRole('heading', { name: 'Channels' }).waitFor();
    expect(ran).toEqual([{ amount: 50 }]);
  });

  it.each([false, true])('has nothing serious for axe to find, and fits 400 px, dark: %s', async (dark) => {
    await ask(`refund ${dark ? 61 : 60} please`);
    page = await browser.open(`${world.url}#/rooms/${ROOM}?inspect=approvals`, { dark, scripted: true });
    const panel = page.getByRole('complementary', { name: 'Inspector' });
    await panel.locator('.approval').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await panel.getByRole('button', { name: 'Change arguments …' }).first().click();
    await panel.locator('textarea').fill('no');
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 400, height: 780 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    await page.getByRole('button', { name: 'Room', exact: true }).click();
    await card().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    expect(await violations(page)).toEqual([]);
    await card().getByRole('button', { name: 'Reject …' }).click();
    await card().getByLabel('Why not? The agent is told.').press('Enter');
    await card()
      .getByText(/rejected by/)
      .waitFor();
    expect(await violations(page)).toEqual([]);
  });
});

function answer({ messages }: AIContext): ScriptedReply {
  const last = messages.at(-1);
  const parts = typeof last?.content === 'string' || last === undefined ? [] : last.content;
  const result = parts.find((part) => part.type === 'tool_result');
  if (result !== undefined) return `It was: ${typeof result.result === 'string' ? result.result : 'more than words'}`;
  const said = typeof last?.content === 'string' ? last.content : parts.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
  const amount = Number(/refund (\d+)(?!.*refund)/s.exec(said)?.[1] ?? 0);
  return { content: 'I will ask.', toolCalls: [{ id: `refund-${amount}`, name: 'refund', arguments: { amount } }] };
}
