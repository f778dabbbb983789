// The phases of a process over time, as its events tell them.

/**
 * The spans of a process in each phase: `{ phase, from, to, incarnation }`, in seconds. What it did before the first
 * event is told by its `before`; without an event it was in its present phase all the time.
 */
export function spans(events, process, from, to) {
  if (!events.length) return process ? [{ phase: process.phase, from, to, incarnation: process.incarnation }] : [];
  const found = [];
  const close = (at) => {
    if (found.length) found.at(-1).to = at;
  };
  for (const event of events) {
    const at = Date.parse(event.at) / 1000;
    if (!found.length && event.before && event.kind !== "added") {
      found.push({ phase: event.before, from, to: at, incarnation: event.incarnation });
    }
    close(at);
    found.push({ phase: event.phase, from: at, to, incarnation: event.incarnation });
  }
  close(to);
  return found.filter((span) => span.to >= from && span.from <= to);
}
