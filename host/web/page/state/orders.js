// Orders: what is asked before one is sent, what is sent, and what came of it.
import { signal } from "@preact/signals";

import { Problem, get, post, postLines, sentence } from "../net/api.js";
import { counted } from "./words.js";
import { setsOf } from "./world.js";

/** The order that waits to be confirmed: `{ action, target }` and what its action needs; `null` if none does. */
export const pending = signal(null);

/** What came of the last order: `{ text, failed }`; `null` if it was put away. */
export const outcome = signal(null);

/** The signals that can be chosen; the first is what most programs reload their own config on. */
const SIGNALS = ["HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH"];

/** Carries out an action on processes, and says what is `done` to them. */
const toProcesses = (action, done) => async ({ target }, values) => {
  const { results } = await post(`v1/processes/${action}`, { select: [target], cause: "user", ...values });
  const failed = results.filter((result) => !result.ok);
  if (failed.length) return failure(failed.map(({ name, error }) => `${name}: ${error?.message ?? "not carried out"}`).join("\n"));
  return success(`${target}: ${counted(results.length, "process", "processes")} ${results.length === 1 ? "is" : "are"} being ${done}.`);
};

const success = (text) => ({ text, failed: false });
const failure = (text) => ({ text, failed: true });

const ofPlugin = (target, action, body) => post(`v1/plugins/${encodeURIComponent(target)}/${action}`, body);

/** Says which version of a plugin is in force, and what was checked for it. */
function changed({ plugin, notes }) {
  return success([`${plugin.name}: version ${plugin.version} (${plugin.source}) is in force.`, ...notes].join("\n"));
}

/**
 * The orders by their actions: the verb of the button, the scope that it takes, the question, the fields of its form, and how it is
 * sent. A field has the name and the type of an input, or `options`.
 */
export const ORDERS = {
  start: { verb: "Start", scope: "operate", send: toProcesses("start", "started") },
  stop: { verb: "Stop", scope: "operate", send: toProcesses("stop", "stopped") },
  restart: { verb: "Restart", scope: "operate", send: toProcesses("restart", "restarted") },
  signal: {
    verb: "Signal",
    scope: "operate",
    fields: () => [{ name: "signal", label: "Signal", options: SIGNALS }],
    send: (order, values) => toProcesses("signal", `sent SIG${values.signal}`)(order, values),
  },
  scale: {
    verb: "Scale",
    scope: "operate",
    note: "The number is in force until the next reload of the config, and policies do not change it.",
    fields: ({ set }) => [
      { name: "count", label: `Replicas (${set.least === set.most ? "" : `${set.least} to `}${set.most} in the config)`, type: "number", value: set.wanted, min: 0, required: true },
    ],
    async send({ target }, { count }) {
      const { results } = await post("v1/processes/scale", { replicas: { [target]: Number(count) }, cause: "user" });
      const [{ ok, before, wanted, error }] = results;
      return ok ? success(`${target}: ${counted(wanted, "replica")} wanted now, and ${before} before.`) : failure(`${target}: ${error?.message}`);
    },
  },
  reload: {
    verb: "Reload",
    scope: "admin",
    fields: () => [{ name: "no_restart", label: "Processes that would be restarted keep their old values until their next start", type: "checkbox" }],
    send: async (_, { no_restart: isLazy }) => reloaded(await postLines("v1/config/reload", { no_restart: Boolean(isLazy) })),
  },
  swap: {
    verb: "Swap",
    scope: "admin",
    note: "The new version is compiled and checked first. If it is refused, the present one stays in force.",
    fields: ({ plugin }) => [
      { name: "component", label: "Component: bundled:NAME, an absolute path on the machine of the host, or oci://… or https://… with a digest", type: "text", value: plugin.source, required: true },
      { name: "accept_more", label: "Accept a version that asks for more than the present one", type: "checkbox" },
    ],
    send: async ({ target }, { component, accept_more: isWide }) =>
      changed(await ofPlugin(target, "swap", { component: component.trim(), accept_more: Boolean(isWide) })),
  },
  rollback: {
    verb: "Roll back",
    scope: "admin",
    send: async ({ target }) => changed(await ofPlugin(target, "rollback", {})),
  },
  revive: {
    verb: "Revive",
    scope: "admin",
    send: async ({ target }) => changed(await ofPlugin(target, "revive", {})),
  },
};

/** What a reload has done, of its steps. */
function reloaded(steps) {
  const failed = steps.filter(({ kind }) => kind === "failed").map(({ process, plugin, message, error }) => `${process ?? plugin ?? "host"}: ${error?.message ?? message}`);
  if (failed.length) return failure([`The reload has failed in ${counted(failed.length, "step")}.`, ...failed].join("\n"));
  const done = steps.find(({ kind }) => kind === "done")?.summary;
  if (!done) return failure("The host has ended before the reload was done.");
  const counts = Object.entries(done).filter(([, count]) => count > 0).map(([what, count]) => `${count} ${WHAT[what] ?? what}`);
  return success(`The config is reloaded: ${counts.join(", ") || "nothing has changed"}.`);
}

/** The words for the numbers of a summary that are not numbers of processes. */
const WHAT = { plugins: "of plugins", host: "of the host" };

/** Asks for the confirmation of an order to a process or a group (`NAME:*`), which has `count` processes, or to a plugin. */
export function ask(action, target, more = {}) {
  pending.value = { action, target, ...more };
}

/** Asks for the number of replicas of the set that a process or the only one that a group has. */
export function askToScale(target, names) {
  const sets = setsOf(names);
  if (sets.length === 1) ask("scale", sets[0].name, { set: sets[0] });
  else if (sets.length) outcome.value = failure(`${target} has several sets of replicas: choose a process of one of them.`);
  else outcome.value = failure(`${target} has no replicas: give it \`replicas\` in the config to scale it.`);
}

/** Asks the host what a reload would change, and then for its confirmation. */
export async function askToReload() {
  outcome.value = success("Comparing the config with what runs.");
  try {
    const difference = await get("v1/config/difference");
    outcome.value = null;
    ask("reload", difference.config, { difference });
  } catch (error) {
    outcome.value = failure(sentence(error));
  }
}

/** Sends the confirmed order with the values of its form. */
export async function confirm(values) {
  const order = pending.value;
  const { verb, scope, send } = ORDERS[order.action];
  pending.value = null;
  outcome.value = success(`${verb} ${order.target}: sent.`);
  try {
    outcome.value = await send(order, values);
  } catch (error) {
    outcome.value = failure(`${verb} ${order.target}: ${refused(error, scope)}`);
  }
}

/** The sentences for a refused order; of a missing scope, what to do about it. */
function refused(error, scope) {
  const needs = error instanceof Problem && error.status === 403 && !error.hint;
  return needs ? `${sentence(error)}. A token with the scope ${scope} may do it, unless the host is read-only.` : sentence(error);
}
