/** Debian's Chromium, or the one that `CHROMIUM` names, as every browser test starts it. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const hasBrowser = existsSync(CHROMIUM);

/** Where there is none, the browser tests are left out; in CI they fail. */
export const skipWithoutBrowser = !hasBrowser && process.env['CI'] !== 'true';

/** For the name of a suite: what is missing when it is left out. */
export const whyLeftOut = hasBrowser ? '' : ` (${CHROMIUM} is missing: apt-get install chromium)`;

export async function launchChromium(): Promise<Browser> {
  if (!hasBrowser) throw new Error(`Chromium is missing at ${CHROMIUM}; install Debian's package chromium or set CHROMIUM.`);
  return chromium.launch({
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
}
