// Orders to processes: what is confirmed, what is sent, and what came of it.
import { signal } from "@preact/signals";

import { Problem, post, sentence } from "../net/api.js";
import { counted } from "./words.js";

/** The order that waits to be confirmed: `{ action, target, count }`; `null` if none does. */
export const pending = signal(null);

/** What came of the last order: `{ text, failed }`; `null` if it was put away. */
export const outcome = signal(null);

export const ACTIONS = {
  start: { verb: "Start", done: "started" },
  stop: { verb: "Stop", done: "stopped" },
  restart: { verb: "Restart", done: "restarted" },
};

/** Asks for the confirmation of an order to a process or a group (`NAME:*`), which has `count` processes. */
export function ask(action, target, count = 1) {
  pending.value = { action, target, count };
}

/** Sends the confirmed order. */
export async function confirm() {
  const { action, target } = pending.value;
  pending.value = null;
  outcome.value = { text: `${ACTIONS[action].verb} ${target}: sent.`, failed: false };
  try {
    const { results } = await post(`v1/processes/${action}`, { select: [target], cause: "user" });
    const failed = results.filter((result) => !result.ok);
    const text = failed.length
      ? failed.map(({ name, error }) => `${name}: ${error?.message ?? "not carried out"}`).join("; ")
      : `${target}: ${counted(results.length, "process is", "processes are")} being ${ACTIONS[action].done}.`;
    outcome.value = { text, failed: failed.length > 0 };
  } catch (error) {
    outcome.value = { text: `${ACTIONS[action].verb} ${target}: ${refused(error)}`, failed: true };
  }
}

/** The sentences for a refused order; of a missing scope, what to do about it. */
function refused(error) {
  const needs = error instanceof Problem && error.status === 403 && !error.hint;
  return needs ? `${sentence(error)} It needs a token with the scope operate.` : sentence(error);
}
