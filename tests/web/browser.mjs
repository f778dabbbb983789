// Debian's Chromium for the tests of the web view, and what each page is checked for: errors, and requests to other places.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where `.ci/step web` installs the packages of `host/web/package.json`. */
const MODULES = fileURLToPath(new URL("../../target/web/node_modules", import.meta.url));

const { chromium } = createRequire(join(MODULES, "x.js"))("playwright-core");

const AXE = readFileSync(join(MODULES, "axe-core/axe.min.js"), "utf8");

/** Chromium neither draws with a graphics card nor asks anything of its maker here. */
const ARGUMENTS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export class Browser {
  static async launch() {
    const browser = new Browser();
    browser.chromium = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGUMENTS });
    return browser;
  }

  close() {
    return this.chromium.close();
  }

  /**
   * Opens the page of a host in a window of its own browser, or of that of `beside`, which is a page. What it complains about is in
   * `page.complaints`.
   */
  async open(url, { path = "", colorScheme = "light", viewport = { width: 1280, height: 800 }, beside } = {}) {
    const context = beside?.context() ?? (await this.chromium.newContext({ colorScheme, viewport }));
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push(error.stack));
    page.on("console", (message) => {
      // The browser writes a line for each refusal and each failed request. Those are tested by what the page shows.
      const isOfNetwork = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isOfNetwork) page.complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) page.complaints.push(`a request to ${request.url()}`);
    });
    await page.goto(url + path);
    return page;
  }
}

/** What axe finds wrong with the page as it is now, as text; empty if it finds nothing. */
export async function axe(page) {
  // The policy of the page keeps scripts out; what the debugger evaluates is not bound by it.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)).join("\n");
}
