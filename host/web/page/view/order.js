// The question before an order: what it would do to whom, and the values that it needs.
import { html } from "htm/preact";

import { confirm, ORDERS, pending } from "../state/orders.js";
import { counted, shown } from "../state/words.js";
import { Dialog } from "./dialog.js";

export function Confirmation() {
  const order = pending.value;
  if (!order) return null;
  const { action, target, count = 1, difference } = order;
  const { verb, note, fields } = ORDERS[action];
  const close = () => (pending.value = null);
  const submit = (event) => {
    event.preventDefault();
    confirm(Object.fromEntries(new FormData(event.target)));
  };
  // Without a difference that a reload can bring into force, there is nothing to confirm.
  const isPossible = !difference || isReloadable(difference);
  const inputs = isPossible ? (fields?.(order) ?? []) : [];
  const whom = count === 1 ? "" : ` (${counted(count, "process", "processes")})`;
  const from = action === "rollback" ? ` from version ${order.plugin.version} to version ${order.plugin.former.version} (${order.plugin.former.source})` : "";
  return html`<${Dialog} label=${`${verb} ${target}`} onClose=${close}>
    <form method="dialog" onSubmit=${submit}>
      <p>${verb} <strong>${target}</strong>${whom}${from}?</p>
      ${difference && html`<${Difference} difference=${difference} />`}
      ${inputs.map((field, at) => html`<${Field} key=${field.name} field=${field} isFirst=${at === 0 && field.type !== "checkbox"} />`)}
      ${note && html`<p class="note">${note}</p>`}
      <div class="buttons">
        <button type="button" onClick=${close}>${isPossible ? "Cancel" : "Close"}</button>
        ${isPossible && html`<button type="submit" class="main" autofocus=${!inputs.length || inputs[0].type === "checkbox"}>${verb}</button>`}
      </div>
    </form>
  <//>`;
}

function Field({ field, isFirst }) {
  const { label, options, ...attributes } = field;
  const id = `field-${field.name}`;
  if (field.type === "checkbox") return html`<label class="flag"><input ...${attributes} /> ${label}</label>`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${options
      ? html`<select id=${id} name=${field.name} autofocus=${isFirst}>${options.map((option) => html`<option key=${option}>${option}</option>`)}</select>`
      : html`<input id=${id} ...${attributes} autocomplete="off" spellcheck=${false} autofocus=${isFirst} />`}
  </div>`;
}

const all = ({ processes, plugins, host }) => [...processes, ...plugins].flatMap(({ keys }) => keys).concat(host);

/** Whether a reload would change something, and the host can do so while it runs. */
function isReloadable(difference) {
  const { processes, plugins, host } = difference;
  const isSome = processes.length + plugins.length + host.length > 0;
  return isSome && !all(difference).some(({ effect }) => effect === "new_host");
}

const EFFECTS = { live: "in place", restart: "with a restart", new_host: "needs a new host" };

/** What a reload would change, as a table. */
function Difference({ difference }) {
  const { processes, plugins, host, unchanged } = difference;
  const items = [
    ...processes.map((item) => ({ ...item, kind: "process" })),
    ...plugins.map((item) => ({ ...item, kind: "plugin" })),
    ...(host.length ? [{ name: "", kind: "host", change: "changed", keys: host }] : []),
  ];
  const same = `${counted(unchanged.processes, "process", "processes")} and ${counted(unchanged.plugins, "plugin")} stay as they are.`;
  if (!items.length) return html`<p>Nothing differs from what runs.</p>`;
  return html`
    ${!isReloadable(difference) && html`<p class="failed">A reload is refused, because some of the changes need a new host.</p>`}
    <div class="scroll difference" tabindex="0" role="region" aria-label="What a reload would change"><table>
      <thead><tr><th scope="col">What</th><th scope="col">Change</th><th scope="col">Key</th><th scope="col">Now</th><th scope="col">Then</th><th scope="col">Effect</th></tr></thead>
      <tbody>${items.flatMap((item) => (item.keys.length ? item.keys : [null]).map((key, at) => html`<${Change} key=${`${item.kind} ${item.name} ${at}`} item=${item} value=${key} />`))}</tbody>
    </table></div>
    <p>${same}</p>
  `;
}

function Change({ item, value }) {
  const isChange = item.change === "changed";
  const kept = (value?.keep ?? item.keep) && " (was set at run time)";
  return html`<tr>
    <td>${item.kind} ${item.name}</td>
    <td>${item.change}</td>
    <td>${value && shown(value.key)}${value?.members.length > 0 && ` (of ${value.members.join(", ")})`}</td>
    <td><bdi>${shown(value?.old ?? "")}</bdi>${kept}</td>
    <td><bdi>${shown(value?.new ?? "")}</bdi>${value?.content_changed && " (the file has changed)"}</td>
    <td>${isChange && (EFFECTS[value?.effect] ?? value?.effect)}</td>
  </tr>`;
}
