// What a process is set up with: its checks with their last results, and the names of its variables.
import { html } from "htm/preact";
import { useState } from "preact/hooks";

import { get } from "../net/api.js";
import { now } from "../state/clock.js";
import { counted, delay, local, shown, time } from "../state/words.js";
import { moment, processes } from "../state/world.js";
import { useAsking } from "./asking.js";

/** The seconds between two looks at the results of checks, which are no changes of the process. */
const EVERY = 5;

export function Setup({ name }) {
  const { environment, checks, why } = useSetup(name);
  const given = [["Ready", checks?.readiness], ["Healthy", checks?.health]].filter(([, check]) => check);
  return html`
    ${why && html`<p role="alert" class="failed">${why}</p>`}
    ${given.length > 0 && html`<section aria-labelledby="checks">
      <h3 id="checks">Checks</h3>
      <dl class="facts">${given.map(([what, check]) => html`<${Check} key=${what} what=${what} check=${check} />`)}</dl>
    </section>`}
    ${environment && html`<details>
      <summary>Environment: ${counted(environment.length, "variable")}, whose values are not shown</summary>
      <ul class="members">${environment.map((key) => html`<li key=${key}><code>${shown(key)}</code></li>`)}</ul>
    </details>`}
  `;
}

/** The words for how a check checks. */
const KINDS = { tcp: "TCP connection to", http: "GET of", exec: "command", log: "line with" };

function Check({ what, check }) {
  const { kind, target, every_ms: every, timeout_ms: timeout, failures, within_ms: within, last } = check;
  const when = [
    every && `every ${delay(every)}`,
    timeout && `for at most ${delay(timeout)}`,
    within && `within ${delay(within)}`,
    failures && `a restart after ${counted(failures, "failure")} in a row`,
  ].filter(Boolean);
  const result = last && html`<span class=${`phase ${last.passed ? "running" : "fatal"}`}>${last.passed ? "passed" : "failed"}</span> at ${time(last.at)}${last.found && `: ${local(last.found)}`}`;
  return html`<div class="whole">
    <dt>${what}: ${KINDS[kind] ?? kind} <code>${shown(target)}</code>${when.map((part) => `, ${part}`)}</dt>
    <dd>${result ?? "was not tried yet"}</dd>
  </div>`;
}

/** The checks and variables of a process as it is now. */
function useSetup(name) {
  const [setup, setSetup] = useState({});
  const process = processes.value.get(name);
  const isChecked = setup.checks?.readiness || setup.checks?.health;
  const keys = [name, moment.value.boot, process?.incarnation, process?.version, isChecked ? Math.floor(now.value / 1000 / EVERY) : 0];
  const look = async () => setSetup(await get(`v1/processes/${encodeURIComponent(name)}`));
  useAsking(keys, look, (why) => setSetup((known) => ({ ...known, why })));
  return setup;
}
