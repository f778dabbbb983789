// The time of the host, which moves on once a second while the page is seen.
import { signal } from "@preact/signals";

import { skew } from "../net/api.js";

/** The time in milliseconds since 1970 by the clock of the host. */
export const now = signal(Date.now());

const tick = () => (now.value = Date.now() + skew.value);

setInterval(() => document.hidden || tick(), 1000);
document.addEventListener("visibilitychange", tick);
