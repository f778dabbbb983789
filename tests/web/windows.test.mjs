// Several windows of one browser, which opens at most six connections to a host for all of them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually } from "./host.mjs";
import { enter, host, line, show, tokens, use } from "./session.mjs";

/** More than the connections of a browser, and each of them wants to follow the status and the output. */
const WINDOWS = 8;

use(`
[process.clock]
command = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done"

[process.victim]
command = "exec sleep 1000"
`);

/** Opens a window beside others, with the output of a process. */
async function another(beside) {
  const page = await enter(tokens.operate, { path: "#/processes/clock", beside });
  await page.getByRole("log").getByText("tick").first().waitFor();
  return page;
}

const last = async (page) => (await page.getByRole("log").locator("bdi").allTextContents()).at(-1);

/** Shows that a window follows the host: its output goes on, an order is answered, and a change of the status is there. */
async function isLive(page) {
  const before = await last(page);
  await eventually("output goes on", async () => (await last(page)) !== before);
  const { pid } = await host.process("victim");
  await line(page, "victim").click();
  await page.getByRole("heading", { name: "victim" }).waitFor();
  await page.getByRole("button", { name: "Restart", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restart", exact: true }).click();
  await page.getByText("victim: 1 process is being restarted.").waitFor();
  const now = await eventually("another life", async () => {
    const found = await host.process("victim");
    return found.pid !== pid && found.phase === "running" && found.pid;
  });
  await page.locator(".facts").getByText(String(now), { exact: true }).waitFor();
  await line(page, "clock").click();
  await page.getByRole("log").getByText("tick").first().waitFor();
}

/** Uses a window: it gets the focus, as by a click. */
const focus = (page) => page.evaluate(() => dispatchEvent(new Event("focus")));

test("of many windows that are seen, the one that is used is live, and the others say that they wait", async () => {
  const pages = [await another()];
  while (pages.length < WINDOWS) pages.push(await another(pages[0]));
  await isLive(pages.at(-1));
  await pages[0].getByText("Other windows of this browser follow the host.").first().waitFor();
  await pages[0].locator(".connection.waiting").waitFor();

  await focus(pages[0]);
  await pages[0].locator(".connection.live").waitFor();
  await isLive(pages[0]);
  assert.equal(await pages[0].getByText("Other windows of this browser follow the host.").count(), 0);
  // When windows are closed, the others take their places without being used.
  while (pages.length > 2) await pages.pop().close();
  for (const page of pages) {
    await page.locator(".connection.live").waitFor();
    const before = await last(page);
    await eventually("output goes on", async () => (await last(page)) !== before);
  }
});

test("of many windows behind each other, the one that is seen is live, and goes on where it was hidden", async () => {
  const pages = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    if (pages.length) await show(pages.at(-1), false);
    pages.push(await another(pages[0]));
  }
  await isLive(pages.at(-1));
  await show(pages.at(-1), false);
  const ids = [];
  pages[0].on("request", (request) => ids.push(request.headers()["last-event-id"]));
  const before = await last(pages[0]);
  await show(pages[0], true);
  await eventually("output goes on", async () => (await last(pages[0])) !== before);
  const seen = (await pages[0].getByRole("log").locator("bdi").allTextContents()).map((text) => Number(text.slice("tick ".length)));
  seen.forEach((tick, at) => assert.ok(at === 0 || tick === seen[at - 1] + 1, `each line once: ${seen.slice(0, at + 1)}`));
  await eventually("both streams are resumed by their ids", () => {
    assert.equal(ids.filter(Boolean).length, 2, String(ids));
    return true;
  });
  await isLive(pages[0]);
});
