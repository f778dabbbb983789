// The question for a token, without which the host answers nothing.
import { html } from "htm/preact";
import { useState } from "preact/hooks";

import { enter, refusal } from "../net/api.js";

export function Enter() {
  const [text, setText] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (text.trim()) enter(text.trim());
  };
  return html`<main class="enter">
    <h1>Provost</h1>
    <form onSubmit=${submit}>
      <label for="token">Token</label>
      <input id="token" type="password" autocomplete="off" spellcheck=${false} autofocus value=${text}
        aria-describedby="about" aria-invalid=${refusal.value ? "true" : undefined} onInput=${(event) => setText(event.target.value)} />
      <button type="submit">Enter</button>
      ${refusal.value && html`<p role="alert" class="failed">${refusal.value}</p>`}
      <p id="about">
        On the machine of the host, <code>provost token new NAME --scope read</code> makes one. The scope <code>operate</code>${" "}
        also allows to start, stop and restart. The token is kept in this tab until it is closed.
      </p>
    </form>
  </main>`;
}
