"""A plugin of Provost. Each role is one class below."""

import json
from functools import wraps

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import log, settings
from wit_world.exports import restart_policy

# The settings that the operator writes under `[plugins.outage-python] settings`, with their defaults.
DEFAULTS = {
    "tries": 5,  # the number of failures in a row after which a process is given up
    "pause_ms": 500,  # the delay before the first restart; the second one is twice as long, and so on
}


def read(text):
    """Reads settings. An error names the wrong key."""
    given = json.loads(text)
    for key, value in given.items():
        if key not in DEFAULTS:
            raise ValueError(f"settings: {key} is unknown, expected one of {', '.join(DEFAULTS)}")
        wanted = type(DEFAULTS[key])
        if type(value) is not wanted:
            raise ValueError(f"settings: {key}: expected {wanted.__name__}, not {value!r}")
        if wanted is int and value < 0:
            raise ValueError(f"settings: {key}: expected a whole number from 0 on")
    return DEFAULTS | given


def role(judge):
    """Wraps the method of a role: it is given the settings first, and an exception is logged with its message and line before
    it ends the call. The host would know it only as `unreachable`."""

    @wraps(judge)
    def call(self, *given):
        try:
            return judge(self, read(settings.json()), *given)
        except Exception as error:
            # The module traceback would open the source file, which no plugin can. The last place in this file says most.
            place = step = error.__traceback__
            while step:
                place = step if step.tb_frame.f_code.co_filename == __file__ else place
                step = step.tb_next
            file = place.tb_frame.f_code.co_filename
            log.write(log.Level.ERROR, f"{type(error).__name__}: {error} at {file}:{place.tb_lineno}")
            raise

    return call


class Configurable(exports.Configurable):
    def validate_settings(self, text):
        try:
            read(text)
        except ValueError as error:
            raise Err(str(error))


class RestartPolicy(exports.RestartPolicy):
    """Restarts what fails, each time a little later, and gives up after `tries` failures in a row. While several processes, and more
    than half of all, are down, the fault is somewhere else, and it goes on trying."""

    @role
    def on_exit(self, chosen, ended, world):
        if ended.failures == 0:
            return restart_policy.Decision(restart_policy.Action_StayDown(), "it has done its work")
        counts = world.counts()
        down = counts.backoff + counts.exited + counts.fatal
        if ended.failures > chosen["tries"] and down > 1 and 2 * down > world.size():
            restarting = restart_policy.Restarting(chosen["pause_ms"] * chosen["tries"], restart_policy.Scope.ITSELF)
            reason = f"{down} of {world.size()} processes are down: an outage"
            return restart_policy.Decision(restart_policy.Action_Restart(restarting), reason)
        if ended.failures > chosen["tries"]:
            given_up = restart_policy.Action_GiveUp(restart_policy.Escalation_Nothing())
            return restart_policy.Decision(given_up, f"failed {ended.failures} times in a row")
        delay = chosen["pause_ms"] * ended.failures
        restarting = restart_policy.Restarting(delay, restart_policy.Scope.ITSELF)
        reason = f"try {ended.failures} of {chosen['tries']}"
        return restart_policy.Decision(restart_policy.Action_Restart(restarting), reason)


