/**
 * Visits to a page in a real Chromium. What must never happen on one is a fault: an error in the script, anything that the
 * console calls an error (a breach of the page's own policy is one), a request to anybody but the gateway.
 */
import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from './chromium.js';

export const ARTEFACTS: string = new URL('../artifacts/', import.meta.url).pathname;

/** Generous: the page asks once a second, and the machine may be busy. */
export const IN_TIME = { timeout: 15_000 };

export class Visits {
  /** Of the visits since the last were ended. */
  readonly faults: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<Visits> {
    mkdirSync(ARTEFACTS, { recursive: true });
    return new Visits(await launchChromium());
  }

  async open(address: string, hash = '', options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width: 1440, height: 960 }, ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && this.faults.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !/^(?:data|blob):/.test(request.url())) this.faults.push(request.url());
    });
    await page.goto(`${address}/${hash}`);
    return page;
  }

  async end(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
    this.faults.length = 0;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
  }
}
