"""Makes a clock and random numbers errors. A component starts with the memory that it had after it was built, so `random.random()`
would be the same numbers in each call, and a clock would end the call without a word. While the modules of the plugin are imported,
which is during the build, both work."""

import datetime
import os
import random
import time
from functools import wraps

CLOCK = "a plugin in Python has no clock: the time is `now` of the trigger, and for a view or a consumer `taken_at` of the world"
CHANCE = "a plugin in Python has no random numbers: `seed` of the trigger looks random, also as random.Random(seed)"

CLOCKS = ["time", "monotonic", "perf_counter", "process_time", "thread_time"]
# These read the clock only if they are given no time; the number is how many arguments they have beside it.
OF_NOW = {"localtime": 0, "gmtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}

_is_built = False


def built() -> None:
    """Is called when all modules were imported."""
    global _is_built
    _is_built = True


def lacking(message, real, with_time=None):
    """Returns a function that does the same as `real` during the build, and afterwards only if it is given more than `with_time`
    arguments."""

    @wraps(real)
    def call(*given, **named):
        if _is_built and (with_time is None or len(given) <= with_time or given[with_time] is None):
            raise RuntimeError(message)
        return real(*given, **named)

    return call


for name in [*CLOCKS, *(f"{clock}_ns" for clock in CLOCKS), "sleep"]:
    if hasattr(time, name):
        setattr(time, name, lacking(CLOCK, getattr(time, name)))
for name, others in OF_NOW.items():
    setattr(time, name, lacking(CLOCK, getattr(time, name), others))

for name, value in list(vars(random).items()):
    if getattr(value, "__self__", None) is random._inst:
        setattr(random, name, lacking(CHANCE, value))
os.urandom = lacking(CHANCE, os.urandom)
random._urandom = os.urandom


def _like(real, methods):
    """Returns a subclass of a type of `datetime` without these methods, whose instances are those of the type itself."""

    class Kind(type):
        def __instancecheck__(cls, one):
            return isinstance(one, real)

        def __subclasscheck__(cls, other):
            return issubclass(other, real)

    def of_now(name):
        return classmethod(lacking(CLOCK, lambda cls, *given, **named: getattr(real, name)(*given, **named)))

    return Kind(real.__name__, (real,), {**{name: of_now(name) for name in methods}, "__module__": "datetime"})


datetime.date = _like(datetime.date, ["today"])
datetime.datetime = _like(datetime.datetime, ["now", "today", "utcnow"])
