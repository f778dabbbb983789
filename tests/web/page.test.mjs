// The web view in a browser, with a real host behind it.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { axe } from "./browser.mjs";
import { eventually, Host } from "./host.mjs";
import { enter, host, line, open, show, tokens, use } from "./session.mjs";

/** The processes that are made to crash one after the other. */
const VICTIMS = 20;

/** A small service with groups, dependencies, a job, output and a process that fails. */
const CONFIG = `
[plugins.backoff]
component = "bundled:backoff"
settings = { first = "30s", factor = 1.0, max = "30s", jitter = 0.0, on = "failure" }

[plugins.prometheus]
component = "bundled:prometheus"

[process.migrate]
type = "job"
command = "echo migrating; echo done"

[process.database]
command = "echo 'the database is open'; exec sleep 1000"
group = "storage"
policies = ["backoff"]
depends_on = { migrate = "completed" }

[process.cache]
command = "exec sleep 1000"
group = "storage"
policies = ["backoff"]
env = { CACHE_PASSWORD = "a secret" }
ready = { exec = "true" }
health = { exec = "test ! -e sick", every = "1s", failures = 1000 }

[process.web]
command = "i=0; while :; do i=$((i+1)); printf 'request \\\\033[32m%s\\\\033[0m took %s ms\\\\n' $i $((i % 7)); sleep 0.2; done"
policies = ["backoff"]
depends_on = { database = "ready", cache = "ready" }

[process.mailer]
command = "echo 'no mail server' >&2; exit 75"
group = "workers"
policies = ["backoff"]
depends_on = { database = "ready" }

[process.chatter]
command = "i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo line $i '(of few)'; done; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i of many; done; exec sleep 1000"

[process.victim]
command = "exec sleep 1000"
group = "victims"
replicas = ${VICTIMS}
policies = ["backoff"]
`;

use(CONFIG);

test("the page asks for a token once and then shows the processes", async () => {
  const page = await open();
  await page.getByLabel("Token").fill("pvt_wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Token").fill(tokens.read);
  await page.keyboard.press("Enter");
  await line(page, "web").getByText("running").waitFor();
  await line(page, "mailer").getByText("backoff").waitFor();
  await page.reload();
  await line(page, "web").getByText("running").waitFor();
  assert.equal(await page.getByLabel("Token").count(), 0);
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByLabel("Token").waitFor();
});

test("a crash is seen without a reload, soon", async () => {
  const page = await enter(tokens.read);
  await page.getByLabel("Filter the processes").fill("victim");
  await line(page, `victim.${VICTIMS}`).getByText("running").waitFor();
  const times = [];
  for (let victim = 1; victim <= VICTIMS; victim += 1) {
    const { pid } = await host.process(`victim.${victim}`);
    const seen = page.evaluate(seesEnd, `victim.${victim}`);
    // The stream is quiet before each crash, and crashes come at any time of its interval.
    await page.waitForTimeout(700 + 37 * victim);
    const killed = performance.timeOrigin + performance.now();
    process.kill(pid, "SIGKILL");
    times.push((await seen) - killed);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor((times.length - 1) * share)].toFixed(1);
  console.log(`from crash to screen: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, longest ${at(1)} ms (${times.length} crashes)`);
  await line(page, "victim.1").getByText("SIGKILL").waitFor();
});

/** Returns the time at which a line, in the page, is drawn with another phase than `running`. */
function seesEnd(name) {
  return new Promise((resolve) => {
    const look = () => {
      const text = document.querySelector(`[data-name="${name}"]`)?.textContent ?? "running";
      if (text.includes("running")) return;
      observer.disconnect();
      // The frame that follows the change has it.
      requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, characterData: true, subtree: true });
  });
}

test("a process is restarted with a token that may operate, and not with one that may read", async () => {
  const { pid } = await host.process("cache");
  const reader = await enter(tokens.read, { path: "#/processes/cache" });
  await reader.getByRole("button", { name: "Restart", exact: true }).click();
  await reader.getByRole("dialog").getByRole("button", { name: "Restart", exact: true }).click();
  await reader.getByRole("status").getByText("operate").waitFor();
  assert.equal((await host.process("cache")).pid, pid);

  const operator = await enter(tokens.operate, { path: "#/processes/cache" });
  await operator.getByRole("button", { name: "Restart", exact: true }).click();
  await operator.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal((await host.process("cache")).pid, pid, "it was not confirmed");
  await operator.getByRole("button", { name: "Restart", exact: true }).click();
  await operator.getByRole("dialog").getByRole("button", { name: "Restart", exact: true }).click();
  await operator.getByRole("status").getByText("1 process is being restarted").waitFor();
  const now = await eventually("another life", async () => {
    const found = await host.process("cache");
    return found.incarnation === 2 && found.phase === "running" && found.pid;
  });
  await operator.locator(".facts").getByText(String(now), { exact: true }).waitFor();
});

test("the detail says why a process is in its state, what happened and what it printed", async () => {
  const page = await enter(tokens.read, { path: "#/processes/mailer" });
  const detail = page.getByRole("region", { name: "mailer" });
  await detail.getByText("mailer is in backoff and will be started again").waitFor();
  await detail.getByRole("cell", { name: "restart, in 30 s by backoff" }).first().waitFor();
  await detail.getByText("no mail server").first().waitFor();
  const drawing = detail.getByRole("img", { name: /^Time line of mailer: \d+ starts? and \d+ decisions?/ });
  await drawing.waitFor();
  const inked = await drawing.locator("canvas").evaluate((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0));
  assert.ok(inked, "the time line is drawn");
  const { width, height } = await drawing.boundingBox();
  await drawing.hover({ position: { x: width - 30, y: height / 3 } });
  await detail.getByText(/^backoff from \d\d:\d\d:\d\d for .*, incarnation \d+$/).waitFor();
});

test("the detail has the checks with their last results, and the names of variables without their values", async () => {
  const page = await enter(tokens.read, { path: "#/processes/cache" });
  const detail = page.getByRole("region", { name: "cache", exact: true });
  const check = (text) => detail.locator(".facts .whole").filter({ hasText: text });
  await check(/^Ready: command true, every .*passed at \d\d:/).waitFor();
  await check(/^Healthy: command test ! -e sick, every 1 s, .*, a restart after 1,000 failures in a row.*passed at /).waitFor();
  const sick = join(host.dir, "sick");
  writeFileSync(sick, "");
  await check(/^Healthy: .*failed at /).waitFor();
  rmSync(sick);
  await check(/^Healthy: .*passed at /).waitFor();
  const variables = detail.getByText(/^Environment: \d+ variables, whose values are not shown$/);
  assert.ok(!(await detail.getByText("CACHE_PASSWORD", { exact: true }).isVisible()));
  await variables.click();
  await detail.getByText("CACHE_PASSWORD", { exact: true }).waitFor();
  assert.ok(!(await page.content()).includes("a secret"));
});

test("each line that is seen has small curves of what its process uses, and the detail has those of the last hour", async () => {
  const page = await enter(tokens.read);
  for (const of of ["cpu", "memory"]) await line(page, "web").locator(`.of-${of} .spark path`).waitFor({ state: "attached" });
  assert.match(await line(page, "web").locator(".of-memory .spark path").getAttribute("d"), /^M[\d.]+ [\d.]+L56\.0 /);
  assert.equal(await line(page, "mailer").locator(".spark").count(), 0, "what does not run uses nothing");
  await line(page, "web").click();
  const detail = page.getByRole("region", { name: "web" });
  await detail.getByRole("img", { name: /^CPU since .*at most [\d.]+ %/ }).waitFor();
  await detail.getByRole("img", { name: /^Memory since .*at most [\d.]+ .iB/ }).waitFor();
});

test("output comes live, is searched, frozen and shown without what terminals would do", async () => {
  const page = await enter(tokens.read, { path: "#/processes/web" });
  const output = page.getByRole("log");
  const last = async () => Number((await output.locator("bdi").last().textContent()).match(/^request (\d+) took/)[1]);
  await output.getByText("request").first().waitFor();
  const first = await last();
  await eventually("more lines", async () => (await last()) > first);
  await page.getByLabel("Freeze").check();
  const frozen = await last();
  await page.waitForTimeout(1000);
  assert.equal(await last(), frozen);
  await page.getByLabel("Freeze").uncheck();
  await eventually("lines go on", async () => (await last()) > frozen);
  await page.getByLabel("Search the output").fill("took 6");
  await eventually("only what was found", async () => {
    const lines = await output.locator("bdi").allTextContents();
    return lines.length > 0 && lines.every((text) => text.includes("took 6"));
  });
  assert.ok((await output.locator("mark").allTextContents()).every((text) => text === "took 6"));
  await page.getByLabel("Only what is found").uncheck();
  await eventually("all lines, with marks where it was found", async () => {
    const marks = await output.locator("mark").count();
    return marks > 0 && marks < (await output.locator("bdi").count()) / 2;
  });
  await page.getByLabel("Stream").selectOption("standard error");
  await eventually("nothing of that stream", async () => (await output.locator("bdi").count()) === 0);
});

test("lines that the page does not have are found by the host in its log files", async () => {
  const page = await enter(tokens.read, { path: "#/processes/chatter" });
  const output = page.getByRole("log");
  await output.getByText("line 1000 of many").waitFor();
  await page.getByLabel("Search the output").fill("LINE 17 (OF");
  await page.getByText("0 lines", { exact: true }).waitFor();
  await page.getByLabel("Older lines").check();
  await output.getByText("line 17 (of few)").waitFor();
  await page.getByText("1 line", { exact: true }).waitFor();
  await page.getByLabel("Older lines").uncheck();
  await page.getByLabel("Search the output").fill("");
  await output.getByText("line 1000 of many").waitFor();
});

test("all of it is reached with the keyboard", async () => {
  const page = await enter(tokens.read);
  await line(page, "web").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("workers");
  await eventually("one line of the group", async () => (await page.locator("[data-name]").count()) === 1);
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "mailer" }).waitFor();
  await page.keyboard.press("r");
  await page.getByRole("dialog").getByText("Restart mailer?").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "mailer" }).waitFor({ state: "detached" });
  await page.keyboard.press("/");
  await page.keyboard.press("Escape");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const selected = page.locator("#selected-line");
  await selected.getByText("database").waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await line(page, "database").waitFor({ state: "detached" });
  assert.equal(await selected.getAttribute("aria-expanded"), "false");
  await page.keyboard.press("ArrowRight");
  await line(page, "database").waitFor();
  await page.keyboard.press("2");
  await page.getByRole("heading", { name: "Dependencies", exact: true }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
});

test("the graph has what a process waits for to its left", async () => {
  const page = await enter(tokens.read, { path: "#/graph" });
  const box = async (name) => (await page.getByRole("link", { name: new RegExp(`^${name} `) }).boundingBox()).x;
  await page.getByRole("link", { name: /^web / }).waitFor();
  const places = await Promise.all(["migrate", "database", "web"].map(box));
  assert.deepEqual(places, places.toSorted((a, b) => a - b));
  assert.equal(await page.locator("path.edge").count(), 4);
  await page.getByRole("link", { name: /^web / }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "web" }).waitFor();
});

test("plugins, the host and its state core have their figures", async () => {
  const page = await enter(tokens.read, { path: "#/plugins" });
  const row = page.getByRole("row", { name: /^backoff active/ });
  await eventually("the calls are counted", async () => Number(await row.getByRole("cell").nth(4).textContent()) > 0);
  await page.goto(`${host.url}#/host`);
  await page.locator(".facts").getByText(host.config).waitFor();
  await page.getByRole("row", { name: /^atomic/ }).waitFor();
});

test("a page that is hidden follows nothing, and resumes after what it has seen", async () => {
  const page = await enter(tokens.read, { path: "#/processes/web" });
  await page.getByRole("log").getByText("request").first().waitFor();
  let requests = new Set();
  page.on("request", (request) => requests.add(request));
  for (const gone of ["requestfinished", "requestfailed"]) page.on(gone, (request) => requests.delete(request));
  await show(page, false);
  await show(page, true);
  const streams = await eventually("the streams are open again", () => {
    const found = [...requests].filter((request) => request.headers().accept === "text/event-stream");
    return found.length === 2 && found;
  });
  const status = streams.find((request) => request.url().includes("v1/status"));
  assert.match(status.headers()["last-event-id"] ?? "", /^\w+\.\d+$/);
  await eventually("output goes on", async () => {
    const lines = await page.getByRole("log").locator("bdi").allTextContents();
    return new Set(lines).size === lines.length && lines.length > 1;
  });
  await show(page, false);
  await eventually("nothing is followed", () => requests.size === 0);
  requests = new Set();
  await page.waitForTimeout(3000);
  assert.equal(requests.size, 0);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    const page = await open({ colorScheme });
    assert.equal(await axe(page), "", "the question for the token");
    await page.getByLabel("Token").fill(tokens.operate);
    await page.keyboard.press("Enter");
    for (const [path, what] of [
      ["#/processes", "[data-name=web]"],
      ["#/processes/cache", "summary"],
      ["#/processes/web", "role=log"],
      ["#/processes/workers:*", "role=log"],
      ["#/graph", "path.edge"],
      ["#/events", "td"],
      ["#/plugins", "td"],
      ["#/host", "td"],
    ]) {
      await page.goto(host.url + path);
      await page.locator(what).first().waitFor({ state: "attached" });
      assert.equal(await axe(page), "", path);
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.equal(await axe(page), "", "the keys");
    await page.keyboard.press("Escape");
    await page.goto(`${host.url}#/processes/web`);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("dialog").waitFor();
    assert.equal(await axe(page), "", "the question whether to stop");
    await page.keyboard.press("Escape");
    await page.setViewportSize({ width: 420, height: 800 });
    assert.equal(await axe(page), "", "a narrow window");
  });

  test(`its picture is taken, ${colorScheme}`, async () => {
    const to = process.env.PICTURES ?? fileURLToPath(new URL("../../target/web/pictures", import.meta.url));
    mkdirSync(to, { recursive: true });
    await host.command("restart", "web");
    const page = await enter(tokens.operate, { colorScheme, path: "#/processes/web", viewport: { width: 1180, height: 860 } });
    await page.getByRole("combobox", { name: /^Last/ }).selectOption("15 minutes");
    await page.getByRole("button", { name: "Fold victims" }).click();
    await page.getByRole("cell", { name: "PID" }).first().waitFor();
    // A few samples of the usage, and lines of output.
    await page.waitForTimeout(8000);
    await page.screenshot({ path: `${to}/web-${colorScheme}.png` });
  });
}

test("the page says that the host is gone, and shows the new one when it is there", async () => {
  const page = await enter(tokens.read, { path: "#/processes/web" });
  await line(page, "web").getByText("running").waitFor();
  const { pid } = await host.process("web");
  await page.locator(".facts").getByText(String(pid), { exact: true }).waitFor();
  await host.down();
  await page.getByRole("alert").getByText("What is shown is the last known state").waitFor();
  await line(page, "web").waitFor();
  await host.up();
  const now = await eventually("the new one runs", async () => (await host.process("web")).pid);
  assert.notEqual(now, pid);
  await page.locator(".facts").getByText(String(now), { exact: true }).waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  const seen = await page.getByRole("log").locator("bdi").last().textContent();
  await eventually("its output goes on", async () => (await page.getByRole("log").locator("bdi").last().textContent()) !== seen);
});

test("a thousand processes are filtered, sorted and scrolled", async () => {
  const many = Array.from({ length: 1000 }, (_, at) => `[process.job-${at}]\ncommand = "true"\nautostart = false\ngroup = "batch-${at % 10}"\n`);
  const crowd = await Host.start(many.join(""));
  try {
    const page = await enter(await crowd.token("read"), {}, crowd);
    await page.getByText("1,000 processes", { exact: true }).waitFor();
    const lines = page.locator("[data-name]");
    assert.ok((await lines.count()) < 60, "only what is seen is in the page");
    const began = performance.now();
    await page.getByLabel("Filter the processes").fill("job-77");
    await page.getByText("11 of 1,000 processes").waitFor();
    console.log(`1,000 processes are filtered in ${(performance.now() - began).toFixed(0)} ms`);
    assert.equal(await lines.count(), 11);
    await page.getByLabel("Filter the processes").fill("");
    await page.getByLabel("Groups").uncheck();
    await page.getByRole("button", { name: "Name" }).click();
    await page.getByRole("button", { name: "Name" }).click();
    await line(page, "job-999").waitFor();
    await page.getByRole("treegrid").focus();
    await page.keyboard.press("End");
    await line(page, "job-0").waitFor();
    await page.locator("#selected-line").getByText("job-0").waitFor();
    const frames = await page.evaluate(scrolls);
    console.log(`scrolling through 1,000 lines: ${frames.count} frames, the longest ${frames.longest.toFixed(0)} ms`);
    assert.ok((await lines.count()) < 60);
  } finally {
    await crowd.end();
  }
});

/** Scrolls through the list, in the page, and returns how many frames that took and the longest time between two. */
async function scrolls() {
  const grid = document.querySelector("[role=treegrid]");
  let [count, longest, before] = [0, 0, performance.now()];
  for (grid.scrollTop = 0; grid.scrollTop + grid.clientHeight < grid.scrollHeight - 1; grid.scrollTop += 300) {
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - before);
    [count, before] = [count + 1, now];
  }
  return { count, longest };
}
