// What all plots share: their life in the page, their width, and colours that follow the style.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { time } from "../state/words.js";

/** The value of a colour of the style, which differs between light and dark. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** An axis in the colours of the style. */
export function axis(more = {}) {
  const line = () => colour("--line");
  return { stroke: () => colour("--faint"), grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui", ...more };
}

/** An axis of time, with seconds where its ticks are less than a minute apart. */
export function timeAxis() {
  const values = (_, ticks, __, ___, step) => ticks.map((at) => time(at * 1000, at * 1000).slice(0, step < 60 ? 8 : 5));
  return axis({ space: 75, size: 28, values });
}

/**
 * A plot in an element, whose options are made by `options()` once it is in the page. Returns the references to the element and to
 * the plot. It follows the width of its element and the colours of the style.
 */
export function useChart(options, data) {
  const [element, chart] = [useRef(null), useRef(null)];
  useEffect(() => {
    const box = element.current;
    const plot = new uPlot({ width: box.clientWidth, ...options() }, data, box);
    chart.current = plot;
    const { height } = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }));
    observer.observe(box);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => plot.redraw(false, true);
    scheme.addEventListener("change", redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.destroy();
      chart.current = null;
    };
  }, []);
  return [element, chart];
}
