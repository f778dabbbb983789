// The history of a process: a time line of its lives and decisions, and the same as a table.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { address, sentence } from "../net/api.js";
import { follow } from "../net/stream.js";
import { counted, delay, exit, time } from "../state/words.js";
import { Timeline } from "./timeline.js";

/** The spans of time that can be chosen. */
const SPANS = [["15 minutes", 15], ["hour", 60], ["6 hours", 360], ["day", 1440]];

/** The events that are kept here. The host remembers a number of them too. */
const KEPT = 2000;

/** The lines of the table, which are shown until more are asked for. */
const LINES = 12;

export function History({ name }) {
  const [minutes, setMinutes] = useState(60);
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
      <thead><tr><th scope="col">Time</th><th scope="col">Life</th><th scope="col">Event</th><th scope="col">What</th></tr></thead>
      <tbody>${latest.map((event) => html`<${Line} key=${`${event.at} ${event.generation}`} event=${event} />`)}</tbody>
    </table></div>`}
    ${events.length > LINES && html`<button type="button" class="quiet" onClick=${() => setAll(!all)}>${all ? "Fewer" : "More"} events</button>`}
  </section>`;
}

/** The events of a process in the last minutes, and what comes. They are shown at most five times a second. */
function useEvents(name, minutes) {
  const [state, setState] = useState({ events: [], missed: 0, why: "" });
  const kept = useRef({ events: [], missed: 0, why: "" });
  useEffect(() => {
    kept.current = { events: [], missed: 0, why: "" };
    let timer = 0;
    const show = () => {
      timer ||= setTimeout(() => {
        timer = 0;
        setState({ ...kept.current });
      }, 200);
    };
    const from = new Date(Date.now() - minutes * 60_000).toISOString();
    const end = follow(address("v1/events", { select: name, from, follow: "1" }), {
      receive(event) {
        const { events, missed } = kept.current;
        if (event.kind === "missed") kept.current = { events, missed: missed + event.count, why: "" };
        else kept.current = { events: [...events, event].slice(-KEPT), missed, why: "" };
        show();
      },
      // A resumed stream goes on after the last event; one of another host begins anew.
      lost(error) {
        if (error?.status) kept.current.why = sentence(error);
        show();
      },
    });
    return () => (end(), clearTimeout(timer));
  }, [name, minutes]);
  return state;
}

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
  return event.exit ? `${exit(event.exit)}: ${event.reason}` : event.reason;
}

/** A decision in a sentence, with who made it and who was overruled. */
export function Decision({ decision }) {
  const { action, delay_ms: wait, by, reason, overruled, scope, escalation } = decision;
  const more = [
    wait ? `in ${delay(wait)}` : "",
    scope && scope !== "itself" ? `with its ${scope}` : "",
    escalation && escalation !== "nothing" ? escalation.replaceAll("-", " ") : "",
  ].filter(Boolean);
  return html`<strong>${[action.replaceAll("-", " "), ...more].join(", ")}</strong> by ${by}: ${reason}${overruled ? ` (${overruled})` : ""}`;
}
