// What the tests of a file share: a browser, a host with a token for each scope, and the pages, which are closed after each test.
import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";

import { Browser } from "./browser.mjs";
import { Host } from "./host.mjs";

/** The host of the file. */
export let host;

/** The secrets of the tokens by their scopes. */
export let tokens;

let browser;
let pages = [];

/** Starts a browser, and a host with these processes and plugins, for the tests of a file. */
export function use(config) {
  before(async () => {
    [browser, host] = await Promise.all([Browser.launch(), Host.start(config)]);
    const scopes = ["read", "operate", "admin"];
    tokens = Object.fromEntries(await Promise.all(scopes.map(async (scope) => [scope, await host.token(scope)])));
  });
  afterEach(async () => {
    const complaints = pages.flatMap((page) => page.complaints);
    await Promise.all([...new Set(pages.map((page) => page.context()))].map((context) => context.close()));
    pages = [];
    assert.deepEqual(complaints, []);
  });
  after(async () => {
    await browser?.close();
    await host?.end();
  });
}

/** Opens the page of a host, without a token. */
export async function open(options, at = host) {
  const page = await browser.open(at.url, options);
  pages.push(page);
  return page;
}

/** Opens the page of a host and enters a token. */
export async function enter(token, options, at = host) {
  const page = await open(options, at);
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.locator(".connection.live").waitFor();
  return page;
}

/** The line of a process in the list. */
export const line = (page, name) => page.locator(`[data-name="${name}"]`);

/** Hides a window, or shows it, as the browser does it. */
export const show = (page, isShown) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, !isShown);
