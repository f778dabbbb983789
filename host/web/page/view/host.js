// The host itself: what it is, what it lacks, and the figures of its state core.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";

import { get, sentence } from "../net/api.js";
import { now } from "../state/clock.js";
import { askToReload } from "../state/orders.js";
import { bytes, cores, counted, duration, latency, local, time } from "../state/words.js";
import { host, hostUsage, moment } from "../state/world.js";

export function Host() {
  const known = host.value;
  if (!known) return html`<section aria-label="Host"><h2>Host</h2><p>Loading</p></section>`;
  const own = hostUsage.value;
  const facts = [
    ["Version", known.version],
    ["PID", known.pid],
    ["Up for", `${duration(now.value - Date.parse(known.started_at))}, since ${time(known.started_at)}`],
    ["Config", known.config],
    ["Config loaded", time(known.config_loaded_at)],
    ["Config file", known.config_changed ? "has changed since" : known.config_changed === false ? "is the one in force" : ""],
    ["Socket", known.socket],
    ["Generation", moment.value.generation.toLocaleString("en")],
    ["CPU", own && cores(own.cpu)],
    ["Memory", own && bytes(own.rss_bytes)],
    ["Threads", own?.threads],
    ["Descriptors", own?.fds],
  ];
  return html`<section aria-labelledby="host">
    <div class="heading">
      <h2 id="host">Host</h2>
      <div class="buttons"><button type="button" onClick=${askToReload}>Reload the config</button></div>
    </div>
    <dl class="facts">${facts.filter(([, value]) => value).map(([key, value]) => html`<div key=${key}><dt>${key}</dt><dd>${value}</dd></div>`)}</dl>
    <h3>What it lacks</h3>
    ${known.degraded.length === 0 && html`<p>Nothing.</p>`}
    <ul>${known.degraded.map((lack) => html`<li key=${lack.what}>${lack.what}: ${local(lack.reason)} (since ${time(lack.since)})</li>`)}</ul>
    ${known.left.length > 0 &&
    html`<h3>What could not be ended</h3>
      <ul>${known.left.map((left) => html`<li key=${left.pid}>${left.process ?? "unknown"}${left.pid ? `, PID ${left.pid}` : ""}: ${local(left.reason)}</li>`)}</ul>`}
    <${State} />
  </section>`;
}

/** The figures of the state core, which are looked at every two seconds while they are seen. */
function State() {
  const [state, setState] = useState(null);
  const [why, setWhy] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    const look = async () => {
      if (document.hidden) return;
      try {
        setState(await get("v1/state", { signal: stop.signal }));
        setWhy("");
      } catch (error) {
        if (!stop.signal.aborted && error.status) setWhy(sentence(error));
      }
    };
    look();
    const timer = setInterval(look, 2000);
    return () => (stop.abort(), clearInterval(timer));
  }, []);
  if (!state) return html`<h3>State core</h3>${why && html`<p role="alert" class="failed">${why}</p>`}`;
  return html`
    <h3>State core</h3>
    <p>
      The backend ${state.backend} is in force. ${counted(state.commits, "commit")}, and refused:
      ${" "}${counted(state.stale_incarnation + state.stale_version, "stale one")}, ${counted(state.illegal, "illegal one")}.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Figures of the state core"><table>
      <thead><tr>
        <th scope="col">Backend</th><th scope="col" class="number">Reads</th><th scope="col" class="number">Commits</th><th scope="col" class="number">Retries</th>
        <th scope="col" class="number">Read p50</th><th scope="col" class="number">Read p99</th><th scope="col" class="number">Commit p50</th>
        <th scope="col" class="number">Commit p99</th><th scope="col" class="number">Snapshot p50</th><th scope="col" class="number">Differences</th>
      </tr></thead>
      <tbody>
        ${state.backends.map((one) => {
          const timed = (figures, key) => (figures.timed ? latency(figures[key]) : "");
          return html`<tr key=${one.backend}>
            <th scope="row">${one.backend}</th>
            <td class="number">${one.reads.toLocaleString("en")}</td><td class="number">${one.commits.toLocaleString("en")}</td><td class="number">${one.retries}</td>
            <td class="number">${timed(one.read, "p50_ns")}</td><td class="number">${timed(one.read, "p99_ns")}</td>
            <td class="number">${timed(one.commit, "p50_ns")}</td><td class="number">${timed(one.commit, "p99_ns")}</td>
            <td class="number">${timed(one.snapshot, "p50_ns")}</td><td class="number">${one.differences}</td>
          </tr>`;
        })}
      </tbody>
    </table></div>
  `;
}
