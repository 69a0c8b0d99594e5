/** A browser with Studio in it, for tests: what it complained of, whom it asked, and what axe finds. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from './chromium.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class StudioBrowser {
  /** What pages complained of themselves; an absent server is no fault of theirs. */
  readonly complaints: string[] = [];
  /** Requests that left this machine. */
  readonly outside: string[] = [];

  private constructor(readonly browser: Browser) {}

  static async launch(): Promise<StudioBrowser> {
    return new StudioBrowser(await launchChromium());
  }

  async open(url: string, options: { width?: number; height?: number; dark?: boolean; scripted?: boolean } = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
      colorScheme: options.dark === true ? 'dark' : 'light',
      reducedMotion: 'reduce',
      // For axe, which is put into the page from outside.
      bypassCSP: options.scripted === true,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('request', (request) => {
      if (new URL(request.url()).hostname !== '127.0.0.1') this.outside.push(request.url());
    });
    page.on('pageerror', (error) => this.complaints.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED|status of 401/.test(message.text())) this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** Serious and critical violations, as sentences; none is the goal. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    // Put there by the line above.
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    return (await axe.run()).violations;
  });
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} — ${failureSummary}`));
}

/** Indexes of the rows that are drawn, in the order they stand. */
export function indexes(page: Page): Promise<number[]> {
  return page.locator('.events:not(.writing) > [data-index]').evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('data-index'))));
}

export function row(page: Page, words: string): ReturnType<Page['locator']> {
  return page.locator('.events [data-row]', { hasText: words });
}
