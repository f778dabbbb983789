// The detail of a process or of a group: why it is in its state, what happened, what it uses, what it prints.
import { html } from "htm/preact";
import { useState } from "preact/hooks";

import { get } from "../net/api.js";
import { now } from "../state/clock.js";
import { ask, ORDERS } from "../state/orders.js";
import { go, link, route } from "../state/route.js";
import { counted, duration, exit, local, time } from "../state/words.js";
import { moment, processes, setsOf } from "../state/world.js";
import { useAsking } from "./asking.js";
import { Decision, History } from "./history.js";
import { Phase } from "./list.js";
import { Logs } from "./logs.js";
import { Setup } from "./setup.js";
import { Usage } from "./usage.js";

export function Detail({ target }) {
  const group = target.endsWith(":*") ? target.slice(0, -2) : "";
  return html`<section class="detail" aria-label=${group || target}>
    ${group ? html`<${Group} group=${group} target=${target} />` : html`<${One} name=${target} />`}
  </section>`;
}

/** The orders that every process and group takes. */
const ACTIONS = ["start", "stop", "restart", "signal"];

function Heading({ title, children, target, count, sets }) {
  const orders = [...ACTIONS.map((action) => [action, target, { count }]), ...(sets.length === 1 ? [["scale", sets[0].name, { set: sets[0] }]] : [])];
  return html`<div class="heading">
    <h2>${title}</h2>
    ${children}
    <div class="buttons">
      ${orders.map((order) => html`<button key=${order[0]} type="button" onClick=${() => ask(...order)}>${ORDERS[order[0]].verb}</button>`)}
      <button type="button" class="quiet" aria-label="Close the detail" onClick=${() => go(route.value.view)}>×</button>
    </div>
  </div>`;
}

function Group({ group, target }) {
  const members = [...processes.value.values()].filter((process) => process.group === group);
  if (!members.length) return html`<${Missing} name=${group} />`;
  const sets = setsOf(members.map(({ name }) => name));
  return html`
    <${Heading} title=${group} target=${target} count=${members.length} sets=${sets}>
      <p>Group of ${counted(members.length, "process", "processes")}</p>
    <//>
    <ul class="members">
      ${members.map((process) => html`<li key=${process.name}><a href=${link("processes", process.name)}>${process.name}</a> <${Phase} process=${process} /></li>`)}
    </ul>
    ${sets.map((set) => html`<p key=${set.name}>
      ${set.name}: ${set.running} of ${counted(set.wanted, "replica")} run${set.least < set.most ? `, between ${set.least} and ${set.most} as needed` : ""}.
      ${sets.length > 1 && html` <button type="button" aria-label=${`Scale ${set.name}`} onClick=${() => ask("scale", set.name, { set })}>Scale</button>`}
    </p>`)}
    <${Logs} key=${target} select=${target} named />
  `;
}

function Missing({ name }) {
  const text = processes.value.size ? `There is no ${name}.` : "Loading";
  return html`<p>${text}</p><p><a href=${link("processes")}>All processes</a></p>`;
}

function One({ name }) {
  const process = processes.value.get(name);
  const told = useExplanation(name, process);
  if (!process) return html`<${Missing} name=${name} />`;
  return html`
    <${Heading} title=${name} target=${name} count=${1} sets=${setsOf([name])}><p><${Phase} process=${process} /></p><//>
    ${told.why && html`<p role="alert" class="failed">${told.why}</p>`}
    <p class="sentence">${local(told.explanation?.sentence ?? "")}</p>
    <${Facts} process=${process} whole=${told.explanation?.process} />
    <${Setup} name=${name} />
    <${Usage} name=${name} />
    <${History} name=${name} />
    <${Logs} select=${name} />
  `;
}

/** The explanation of a process as it is now. */
function useExplanation(name, process) {
  const [told, setTold] = useState({});
  // A host that was started again counts from the beginning.
  const keys = [name, moment.value.boot, process?.incarnation, process?.version];
  const look = async () => {
    if (process) setTold({ explanation: await get(`v1/processes/${encodeURIComponent(name)}/explain`) });
  };
  useAsking(keys, look, (why) => setTold((known) => ({ ...known, why })));
  return told;
}

/** The facts that are sentences and take a whole line. */
const SENTENCES = new Set(["Fails", "Decision"]);

function Facts({ process, whole }) {
  const facts = [
    ["PID", process.pid],
    ["Up for", process.pid && process.started_at && `${duration(now.value - Date.parse(process.started_at))}, since ${time(process.started_at)}`],
    ["Next", process.next_action_at && soon(process)],
    ["Wanted", `${process.desired}, ${process.type}`],
    ["Group", process.group && html`<a href=${link("processes", `${process.group}:*`)}>${process.group}</a>`],
    ["Ready", process.ready ? "yes" : "no"],
    ["Health", process.health !== "unknown" && process.health],
    ["Fails", process.failing && `${local(process.failing.why)} (since ${time(process.failing.since)})`],
    ["Incarnation", process.incarnation],
    ["Restarts", whole ? `${process.restarts}, ${counted(whole.failures, "failure")} in a row` : process.restarts],
    ["Last exit", process.exit && `${exit(process.exit)}, ${time(process.ended_at)}`],
    ["Decision", whole?.decision && html`<${Decision} decision=${whole.decision} />`],
  ];
  return html`<dl class="facts">
    ${facts.filter(([, value]) => value || value === 0).map(([key, value]) => html`<div key=${key} class=${SENTENCES.has(key) ? "whole" : ""}><dt>${key}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

function soon(process) {
  const left = Date.parse(process.next_action_at) - now.value;
  return left > 0 ? `in ${duration(left + 999)}` : "now";
}
