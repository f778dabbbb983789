// Makes a clock and random numbers errors. A component starts with the memory that it had after it was built, so `Date.now()` would be the
// time of the build for ever, and `Math.random()` the same numbers in each call. While the modules of the plugin are evaluated, which is
// during the build, both work.

const CLOCK = 'a plugin in JavaScript has no clock: the time is `now` of the trigger, and for a view or a consumer `takenAt` of the world';
const CHANCE = 'a plugin in JavaScript has no random numbers: `seed` of the trigger looks random';

let isBuilt = false;

// Called when all modules were evaluated.
export function built() {
  isBuilt = true;
}

function lacking(message, real) {
  return function (...given) {
    if (isBuilt) throw new Error(message);
    return Reflect.apply(real, this, given);
  };
}

const RealDate = globalThis.Date;
const now = lacking(CLOCK, RealDate.now);
RealDate.now = now;
globalThis.Date = new Proxy(RealDate, {
  apply: lacking(CLOCK, (real, self, given) => Reflect.apply(real, self, given)),
  construct(real, given, made) {
    if (given.length === 0) now();
    return Reflect.construct(real, given, made === globalThis.Date ? real : made);
  },
});
RealDate.prototype.constructor = globalThis.Date;
Math.random = lacking(CHANCE, Math.random);

for (const [holder, name, message] of [
  [globalThis.performance, 'now', CLOCK],
  [globalThis.crypto, 'getRandomValues', CHANCE],
  [globalThis.crypto, 'randomUUID', CHANCE],
]) {
  if (holder && name in holder) Object.defineProperty(holder, name, { value: lacking(message, holder[name]) });
}
