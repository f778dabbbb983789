// The events of all processes, the latest first.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { address, sentence } from "../net/api.js";
import { WAITING } from "../net/places.js";
import { follow } from "../net/stream.js";
import { link } from "../state/route.js";
import { counted, time } from "../state/words.js";
import { What } from "./history.js";

/** The events that are kept, and those that are in the page. */
const [KEPT, IN_PAGE] = [5000, 200];

let ids = 0;

export function Events() {
  const [state, setState] = useState({ events: [], missed: 0, why: "" });
  const [filter, setFilter] = useState("");
  const kept = useRef({ events: [], missed: 0, why: "" });
  useEffect(() => {
    let timer = 0;
    const show = () => {
      timer ||= setTimeout(() => {
        timer = 0;
        setState({ ...kept.current, events: kept.current.events.slice() });
      }, 200);
    };
    const end = follow(address("v1/events", { limit: "1000", follow: "1" }), {
      receive(event) {
        const all = kept.current;
        if (event.kind === "missed") all.missed += event.count;
        else all.events.push({ ...event, id: (ids += 1) });
        if (all.events.length >= 2 * KEPT) all.events = all.events.slice(-KEPT);
        all.why = "";
        show();
      },
      waits() {
        kept.current.why = WAITING;
        show();
      },
      lost(error) {
        if (error?.status) kept.current.why = sentence(error);
        show();
      },
    });
    return () => (end(), clearTimeout(timer));
  }, []);
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (event) => `${event.process} ${event.kind} ${event.phase} ${event.reason} ${event.decision?.by ?? ""}`.toLowerCase();
  const found = words.length ? state.events.filter((event) => words.every((word) => text(event).includes(word))) : state.events;
  const escaped = (event) => {
    if (event.key !== "Escape" || !filter) return;
    setFilter("");
    event.preventDefault();
  };
  return html`<section aria-labelledby="events">
    <div class="heading">
      <h2 id="events">Events</h2>
      <input type="search" aria-label="Filter the events" placeholder="Filter by process, event, reason" spellcheck=${false} value=${filter}
        onInput=${(event) => setFilter(event.target.value)} onKeyDown=${escaped} />
      <p role="status">${counted(found.length, "event")}</p>
    </div>
    ${state.why && html`<p role="alert" class="failed">${state.why}</p>`}
    ${state.missed > 0 && html`<p>${counted(state.missed, "event")} could not be shown.</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label="Table of the events"><table>
      <thead><tr><th scope="col">Time</th><th scope="col">Process</th><th scope="col" class="wide">Incarnation</th><th scope="col">Event</th><th scope="col" class="wide">Phase</th><th scope="col">What</th></tr></thead>
      <tbody>
        ${found.slice(-IN_PAGE).reverse().map(
          (event) => html`<tr key=${event.id}>
            <td>${time(event.at)}</td>
            <td><a href=${link("processes", event.process)}>${event.process}</a></td>
            <td class="wide">${event.incarnation}</td>
            <td>${event.kind.replaceAll("_", " ")}</td>
            <td class="wide"><span class=${`phase ${event.phase}`}>${event.phase}</span></td>
            <td><${What} event=${event} /></td>
          </tr>`,
        )}
      </tbody>
    </table></div>
  </section>`;
}
