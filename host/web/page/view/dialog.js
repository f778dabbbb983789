// Dialogs, and the list of keys.
import { signal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect, useRef } from "preact/hooks";

/** Whether the list of keys is shown. */
export const help = signal(false);

/** A modal dialog that is open while it is in the page. The browser keeps the focus in it and gives it back. */
export function Dialog({ label, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${dialog} aria-label=${label} onClose=${onClose}>${children}</dialog>`;
}

const KEYS = [
  ["↑ ↓", "Moves to the line above or below"],
  ["PgUp PgDn Home End", "Moves by a page, or to an end"],
  ["← →", "Folds or unfolds a group"],
  ["Enter", "Shows a process or a group in detail"],
  ["s, x, r", "Starts, stops or restarts the selected process or group"],
  ["K, c", "Sends it a signal, or sets the number of its replicas"],
  ["R", "Shows what a reload of the config would change, and reloads it"],
  ["/", "Goes to the filter"],
  ["Esc", "Empties the filter, closes the detail"],
  ["1 to 5", "Goes to a view"],
  ["?", "Shows these keys"],
];

export function Help() {
  if (!help.value) return null;
  const close = () => (help.value = false);
  return html`<${Dialog} label="Keys" onClose=${close}>
    <h2>Keys</h2>
    <dl class="keys">
      ${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}
    </dl>
    <div class="buttons"><button type="button" class="main" autofocus onClick=${close}>Close</button></div>
  <//>`;
}
