// The entry of the page.
import { html } from "htm/preact";
import { render } from "preact";

import { App } from "./view/app.js";

render(html`<${App} />`, document.getElementById("page"));
