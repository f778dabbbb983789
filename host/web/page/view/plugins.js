// The plugins: their versions, their calls and faults, how long they take.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";

import { address, sentence } from "../net/api.js";
import { WAITING } from "../net/places.js";
import { follow } from "../net/stream.js";
import { ask, ORDERS } from "../state/orders.js";
import { bytes, counted, latency, local } from "../state/words.js";

export function Plugins() {
  const [plugins, setPlugins] = useState(null);
  const [why, setWhy] = useState("");
  useEffect(
    () =>
      follow(address("v1/status", { parts: "plugins", every_ms: "1000" }), {
        receive: (message) => (message.plugins && setPlugins(message.plugins), setWhy("")),
        waits: () => setWhy(WAITING),
        lost: (error) => error?.status && setWhy(sentence(error)),
      }),
    [],
  );
  return html`<section aria-labelledby="plugins">
    <h2 id="plugins">Plugins</h2>
    ${why && html`<p role="alert" class="failed">${why}</p>`}
    ${plugins?.length === 0 && html`<p>No plugin is loaded.</p>`}
    ${plugins?.length > 0 &&
    html`<div class="scroll" tabindex="0" role="region" aria-label="Figures of the plugins"><table>
      <thead><tr>
        <th scope="col">Plugin</th><th scope="col">Status</th><th scope="col">Version</th><th scope="col">Component</th><th scope="col">Roles</th>
        <th scope="col" class="number">Calls</th><th scope="col" class="number">Faults</th><th scope="col" class="number">p50</th>
        <th scope="col" class="number">p95</th><th scope="col" class="number">p99</th><th scope="col" class="number">Longest</th>
        <th scope="col" class="number">Memory</th><th scope="col" class="number">Clamped</th><th scope="col" class="number">Queued</th><th scope="col" class="number">Missed</th>
        <th scope="col" class="orders">Orders</th>
      </tr></thead>
      <tbody>${plugins.map((plugin) => html`<${Plugin} key=${plugin.name} plugin=${plugin} />`)}</tbody>
    </table></div>`}
    ${plugins?.map((plugin) => html`<${Trouble} key=${plugin.name} plugin=${plugin} />`)}
  </section>`;
}

function Plugin({ plugin }) {
  const { call } = plugin;
  const timed = (ns) => (call.timed ? latency(ns) : "");
  const isWell = plugin.status === "active";
  return html`<tr>
    <th scope="row">${plugin.name}</th>
    <td><span class=${`phase ${isWell ? "running" : plugin.status === "compiling" ? "starting" : "fatal"}`}>${plugin.status}</span></td>
    <td>${plugin.version}${plugin.former ? ` (former: ${plugin.former.version})` : ""}</td>
    <td title=${`SHA-256 ${plugin.digest}, signed by ${plugin.signed_by ?? "nobody"}`}>${plugin.source}</td>
    <td>${plugin.roles.join(", ")}</td>
    <td class="number">${plugin.calls.toLocaleString("en")}</td>
    <td class="number">${plugin.faults.toLocaleString("en")}</td>
    <td class="number">${timed(call.p50_ns)}</td><td class="number">${timed(call.p95_ns)}</td>
    <td class="number">${timed(call.p99_ns)}</td><td class="number">${timed(call.max_ns)}</td>
    <td class="number">${bytes(plugin.memory_bytes_max)}</td>
    <td class="number">${plugin.clamps}</td><td class="number">${plugin.queued}</td><td class="number">${plugin.missed}</td>
    <td class="orders"><${Orders} plugin=${plugin} /></td>
  </tr>`;
}

/** The orders that a plugin takes as it is. */
function Orders({ plugin }) {
  const orders = ["swap", ...(plugin.former ? ["rollback"] : []), ...(plugin.status === "quarantined" ? ["revive"] : [])];
  return orders.map((action) => {
    const { verb } = ORDERS[action];
    return html`<button key=${action} type="button" aria-label=${`${verb} ${plugin.name}`} onClick=${() => ask(action, plugin.name, { plugin })}>${verb}</button>`;
  });
}

/** Why a plugin is not active, and its last fault. */
function Trouble({ plugin }) {
  const fault = plugin.last_fault;
  if (!plugin.reason && !fault) return null;
  const kinds = Object.entries(plugin.faults_by_kind ?? {}).filter(([, count]) => count > 0);
  return html`<section aria-label=${`Faults of ${plugin.name}`}>
    <h3>${plugin.name}</h3>
    ${plugin.reason && html`<p>${local(plugin.reason)}</p>`}
    ${fault && html`<p>Last fault (${fault.kind}): ${local(fault.message)}</p>`}
    ${kinds.length > 0 && html`<p>${kinds.map(([kind, count]) => counted(count, kind, kind)).join(", ")}</p>`}
  </section>`;
}
