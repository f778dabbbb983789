// The orders of the page beside starting and stopping: signals, replicas, the config and plugins, by mouse and by keyboard.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { axe } from "./browser.mjs";
import { eventually } from "./host.mjs";
import { enter, host, line, tokens, use } from "./session.mjs";

use(`
[plugins.backoff]
component = "bundled:backoff"

[process.listener]
command = "trap 'echo got USR1' USR1; echo listening; while :; do sleep 0.1; done"
policies = ["backoff"]

[process.worker]
command = "exec sleep 1000"
group = "workers"
replicas = { min = 1, max = 4 }

[process.spare]
command = "exec sleep 1000"
`);

const button = (at, name) => at.getByRole("button", { name, exact: true });
const told = (page, text) => page.locator(".outcome").getByText(text);

/** Presses the button of the confirmation. */
async function confirm(page, verb) {
  await button(page.getByRole("dialog"), verb).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

test("a signal is chosen and sent", async () => {
  const page = await enter(tokens.operate, { path: "#/processes/listener" });
  await page.getByRole("log").getByText("listening").waitFor();
  await button(page, "Signal").click();
  await page.getByLabel("Signal", { exact: true }).selectOption("USR1");
  assert.equal(await axe(page), "");
  await confirm(page, "Signal");
  await told(page, "listener: 1 process is being sent SIGUSR1.").waitFor();
  await page.getByRole("log").getByText("got USR1").waitFor();
});

test("replicas are scaled with the keyboard, and what has none says so", async () => {
  const page = await enter(tokens.operate);
  await line(page, "worker.1").getByText("running").waitFor();
  await line(page, "worker.3").getByText("stopped").waitFor();
  await page.getByLabel("Filter the processes").fill("worker");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("c");
  const field = page.getByLabel("Replicas (1 to 4 in the config)");
  await field.waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await told(page, "worker: 3 replicas wanted now, and 1 before.").waitFor();
  await line(page, "worker.3").getByText("running").waitFor();
  await page.goto(`${host.url}#/processes/workers:*`);
  await page.getByText("worker: 3 of 3 replicas run, between 1 and 4 as needed.").waitFor();

  await page.goto(`${host.url}#/processes`);
  await page.getByLabel("Filter the processes").fill("spare");
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("c");
  await told(page, "spare has no replicas").waitFor();
});

// This one needs the number of replicas that the test before has set.
test("a reload shows what it would change, and is refused with less than the scope admin", async () => {
  const before = readFileSync(host.config, "utf8");
  try {
    writeFileSync(host.config, `${before.replace("[process.spare]", "[process.spare]\nstop = { grace = \"3s\" }")}\n[process.late]\ncommand = "exec sleep 1000"\n`);
    const page = await enter(tokens.operate);
    await line(page, "spare").waitFor();
    await page.keyboard.press("R");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("row", { name: "process late added" }).waitFor();
    await dialog.getByRole("row", { name: /process worker changed replicas .*was set at run time/ }).waitFor();
    await dialog.getByRole("row", { name: /process spare changed stop\.grace .*3s/ }).waitFor();
    assert.equal(await axe(page), "");
    await confirm(page, "Reload");
    await told(page, "takes the scope `admin`").waitFor();
    assert.equal(await line(page, "late").count(), 0);

    const admin = await enter(tokens.admin, { path: "#/host" });
    await admin.getByText("has changed since").waitFor();
    await button(admin, "Reload the config").click();
    await confirm(admin, "Reload");
    await told(admin, /The config is reloaded: 1 added, 2 changed/).waitFor();
    await line(page, "late").getByText("running").waitFor();
    await button(admin, "Reload the config").click();
    await admin.getByText("Nothing differs from what runs.").waitFor();
    assert.equal(await button(admin.getByRole("dialog"), "Reload").count(), 0, "there is nothing to confirm");
  } finally {
    writeFileSync(host.config, before);
  }
});

test("a config that is wrong or needs a new host is not reloaded, and the page says why", async () => {
  const before = readFileSync(host.config, "utf8");
  const page = await enter(tokens.admin, { path: "#/host" });
  try {
    writeFileSync(host.config, before.replace("[process.spare]", "[process.spare]\ncolour = 1"));
    await button(page, "Reload the config").click();
    await told(page, "colour").waitFor();
    writeFileSync(host.config, `[host]\nlog_dir = "elsewhere"\n${before}`);
    await button(page, "Reload the config").click();
    await page.getByRole("dialog").getByText("some of the changes need a new host").waitFor();
    assert.equal(await button(page.getByRole("dialog"), "Reload").count(), 0);
  } finally {
    writeFileSync(host.config, before);
  }
});

test("a plugin is swapped and rolled back, and not with the scope operate", async () => {
  const version = async (page) => (await page.getByRole("row", { name: /^backoff active/ }).getByRole("cell").nth(1).textContent()).trim();
  const operator = await enter(tokens.operate, { path: "#/plugins" });
  await button(operator, "Swap backoff").click();
  await confirm(operator, "Swap");
  await told(operator, "takes the scope `admin`").waitFor();
  assert.equal(await version(operator), "1");

  const admin = await enter(tokens.admin, { path: "#/plugins" });
  await button(admin, "Swap backoff").click();
  await admin.getByLabel(/^Component/).fill("/nowhere/at.wasm");
  await confirm(admin, "Swap");
  await told(admin, "/nowhere/at.wasm").waitFor();
  assert.equal(await version(admin), "1", "what is refused changes nothing");
  await button(admin, "Swap backoff").click();
  await admin.getByLabel(/^Component/).fill("bundled:otp");
  assert.equal(await axe(admin), "");
  await admin.keyboard.press("Enter");
  await told(admin, /^backoff: version 2 \(bundled:otp\) is in force/).waitFor();
  await eventually("the other version is shown", async () => (await version(operator)) === "2 (former: 1)");
  await button(admin, "Roll back backoff").click();
  await admin.getByRole("dialog").getByText("from version 2 to version 1 (bundled:backoff)").waitFor();
  await confirm(admin, "Roll back");
  await eventually("the former version is back", async () => /^[13] /.test(await version(operator)));
  await told(admin, "(bundled:backoff) is in force").waitFor();
});
