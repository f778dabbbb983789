// Asking again when something has changed, but at most once a second, so that a process that changes all the time costs the host little.
import { useEffect, useRef } from "preact/hooks";

import { Problem, sentence } from "../net/api.js";

/** The least time between two questions, in milliseconds. */
const EVERY = 1000;

/**
 * Calls `ask()` when one of `keys` has changed, and `refused(why)` if the host refuses. That it does not answer at all is told for the
 * whole page, and it is asked again when it is there.
 */
export function useAsking(keys, ask, refused) {
  const latest = useRef(-EVERY);
  useEffect(() => {
    const look = async () => {
      latest.current = performance.now();
      try {
        await ask();
      } catch (error) {
        if (error instanceof Problem) refused(sentence(error));
      }
    };
    const timer = setTimeout(look, Math.max(0, latest.current + EVERY - performance.now()));
    return () => clearTimeout(timer);
  }, keys);
}
