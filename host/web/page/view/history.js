// The history of a process: a time line of its lives and decisions, and the same as a table.
import { html } from "htm/preact";
import { useRef, useState } from "preact/hooks";

import { address, getLines } from "../net/api.js";
import { now } from "../state/clock.js";
import { counted, delay, exit, local, time } from "../state/words.js";
import { host, moment, processes } from "../state/world.js";
import { useAsking } from "./asking.js";
import { Timeline } from "./timeline.js";

/** The spans of time that can be chosen. */
const SPANS = [["15 minutes", 15], ["hour", 60], ["6 hours", 360], ["day", 1440]];

/** The events that are kept here. The host remembers a number of them too. */
const KEPT = 2000;

/** The lines of the table, which are shown until more are asked for. */
const LINES = 8;

/** The span that is shown at first: the shorter one for a host that has not run longer. */
const first = () => (now.peek() - Date.parse(host.peek()?.started_at) < 15 * 60_000 ? 15 : 60);

export function History({ name }) {
  const [minutes, setMinutes] = useState(first);
  const [all, setAll] = useState(false);
  const { events, missed, why } = useEvents(name, minutes);
  const latest = events.toReversed().slice(0, all ? 200 : LINES);
  return html`<section class="history" aria-labelledby="history">
    <div class="heading">
      <h3 id="history">History</h3>
      <label>Last <select value=${minutes} onChange=${(event) => setMinutes(Number(event.target.value))}>
        ${SPANS.map(([text, value]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select></label>
    </div>
    ${why && html`<p role="alert" class="failed">${why}</p>`}
    ${missed > 0 && html`<p>${counted(missed, "earlier event")} of the host ${missed === 1 ? "is" : "are"} no longer remembered.</p>`}
    <${Timeline} name=${name} events=${events} minutes=${minutes} />
    ${latest.length > 0 &&
    html`<div class="scroll" tabindex="0" role="region" aria-label="Table of the events"><table>
      <thead><tr><th scope="col">Time</th><th scope="col">Incarnation</th><th scope="col">Event</th><th scope="col">What</th></tr></thead>
      <tbody>${latest.map((event) => html`<${Line} key=${`${event.at} ${event.generation}`} event=${event} />`)}</tbody>
    </table></div>`}
    ${events.length > LINES && html`<button type="button" class="quiet" onClick=${() => setAll(!all)}>${all ? "Fewer" : "More"} events</button>`}
  </section>`;
}

/** The events of a process in the last minutes. When it has changed, those that are new are asked for. */
function useEvents(name, minutes) {
  const [state, setState] = useState(NOTHING);
  const process = processes.value.get(name);
  const { boot } = moment.value;
  const kept = useRef({ ...NOTHING, edition: "" });
  const edition = `${minutes} ${boot}`;
  const look = async () => {
    if (kept.current.edition !== edition) kept.current = { ...NOTHING, edition, since: null };
    const { since } = kept.current;
    const next = moment.peek().generation;
    const from = new Date(now.peek() - minutes * 60_000).toISOString();
    const found = await getLines(address("v1/events", since === null ? { select: name, from } : { select: name, since }));
    if (kept.current.edition !== edition) return;
    const { events } = kept.current;
    const latest = events.at(-1)?.generation ?? 0;
    const gap = found.filter(({ kind }) => kind === "missed").reduce((sum, { count }) => sum + count, kept.current.missed);
    // The host may have been further than the page, so that an event comes again.
    const more = found.filter(({ kind, generation }) => kind !== "missed" && generation > latest);
    kept.current = { edition, since: next, events: [...events, ...more].slice(-KEPT), missed: gap };
    setState({ ...kept.current, why: "" });
  };
  useAsking([name, edition, process?.incarnation, process?.version], look, (why) => setState((known) => ({ ...known, why })));
  return state;
}

const NOTHING = { events: [], missed: 0, why: "" };

function Line({ event }) {
  return html`<tr>
    <td>${time(event.at)}</td>
    <td>${event.incarnation}</td>
    <td>${event.kind.replaceAll("_", " ")}</td>
    <td><${What} event=${event} /></td>
  </tr>`;
}

/** What an event says beyond its kind. */
export function What({ event }) {
  if (event.decision) return html`<${Decision} decision=${event.decision} />`;
  if (event.kind === "spawned") return `PID ${event.pid}`;
  return local(event.exit ? `${exit(event.exit)}: ${event.reason}` : event.reason);
}

/** A decision in a sentence, with who made it and who was overruled. */
export function Decision({ decision }) {
  const { action, delay_ms: wait, by, reason, overruled, scope, escalation } = decision;
  const more = [
    wait ? `in ${delay(wait)}` : "",
    scope && scope !== "itself" ? `with its ${scope}` : "",
    escalation && escalation !== "nothing" ? escalation.replaceAll("-", " ") : "",
  ].filter(Boolean);
  return html`<strong>${[action.replaceAll("-", " "), ...more].join(", ")}</strong> by ${by}: ${local(reason + (overruled ? ` (${overruled})` : ""))}`;
}
