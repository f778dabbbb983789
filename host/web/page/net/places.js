// The places for streams, which all windows of a browser share. A browser opens six connections to a host at the same time and keeps
// every further request waiting, so more streams than places would leave a window without any answer. The window that is used takes a
// place from one that is not, and the others go on when a place is free.

/** The names of the places: two connections less than a browser opens, which are left for single requests. */
const PLACES = [0, 1, 2, 3].map((place) => `provost-stream-${place}`);

/** What a person is told while a stream waits. */
export const WAITING = "Other windows of this browser follow the host. This one goes on when it is used, or when another one is closed.";

/** The places of this window. */
const own = new Set();

/** Whether streams need places: with HTTP/2 they share one connection, and without a secure context windows cannot know of each other. */
const isShort = () => navigator.locks && !/^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");

/**
 * Waits for a place and returns a function that gives it back, or nothing if `signal` was aborted before.
 *
 * If none is free, one of another window is taken when this one has the focus, now if `isEager` or from then on; until then
 * `waits()` is called once. `lost()` is called when another window has taken the place.
 */
export async function take(signal, { isEager, waits, lost }) {
  if (!isShort()) return () => {};
  for (const name of PLACES) {
    const free = await hold(name, { ifAvailable: true }, lost);
    if (free) return free;
  }
  if (isEager && document.hasFocus()) return stolen(lost);
  if (signal.aborted) return undefined;
  waits();
  return queued(signal, lost);
}

/** Holds a place as a lock of the browser, and resolves to a function that gives it back; to nothing if it was not granted. */
function hold(name, options, lost) {
  return new Promise((resolve) => {
    let isHeld = false;
    const granted = (lock) =>
      lock && new Promise((free) => {
        isHeld = true;
        own.add(name);
        resolve(() => {
          isHeld = false;
          own.delete(name);
          free();
        });
      });
    // The request ends with an error when the wait is given up, and when the place is taken away.
    const ended = () => {
      if (isHeld) {
        own.delete(name);
        lost();
      }
      resolve();
    };
    navigator.locks.request(name, options, granted).then(ended, ended);
  });
}

/** Takes a place from another window. There is one, because a window has fewer streams than there are places. */
function stolen(lost) {
  const name = PLACES.find((place) => !own.has(place));
  // Two streams of this window must not choose the same place.
  own.add(name);
  return hold(name, { steal: true }, lost);
}

/** Waits until a place is free or this window gets the focus. */
function queued(signal, lost) {
  return new Promise((resolve) => {
    const waiting = new AbortController();
    const settle = (place) => {
      if (waiting.signal.aborted) return place?.();
      waiting.abort();
      removeEventListener("focus", used);
      resolve(place);
    };
    const used = () => {
      waiting.abort();
      removeEventListener("focus", used);
      resolve(stolen(lost));
    };
    addEventListener("focus", used);
    signal.addEventListener("abort", () => settle(), { once: true });
    for (const name of PLACES) hold(name, { signal: waiting.signal }, lost).then((place) => place && settle(place));
  });
}
