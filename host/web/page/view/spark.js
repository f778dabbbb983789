// A small curve beside a number. The number says the same to those who do not see it.
import { html } from "htm/preact";

import { curve } from "../state/trends.js";

/** The size of the box, in pixels. */
const BOX = { width: 56, height: 14 };

export function Spark({ trend, value, least }) {
  const path = trend && curve(trend.points, value, least, BOX);
  return path && html`<svg class="spark" width=${BOX.width} height=${BOX.height + 2} viewBox=${`0 -1 ${BOX.width} ${BOX.height + 2}`} aria-hidden="true"><path d=${path} /></svg>`;
}
