"""A plugin of Provost. Each role is one class below. Editors take the types from target/bindings, which a build writes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import log, settings
from wit_world.imports.snapshots import Snapshot
# [[restart-policy]]
from wit_world.exports import restart_policy
# [[start-policy]]
from wit_world.exports import start_policy
# [[health-policy]]
from wit_world.exports import health_policy
# [[scale-policy]]
from wit_world.exports import scale_policy
# [[usage-policy]]
from wit_world.exports import usage_policy
# [[status-view]]
from wit_world.exports import status_view
# [[status-consumer]]
from wit_world.exports import status_consumer
from wit_world.imports.types import Phase
# [[]]


@dataclass(frozen=True)
class Settings:
    """The settings that the operator writes under `[plugins.{{name}}] settings`, with their defaults. settings.schema.json
    describes them."""

    # [[restart-policy]]
    tries: int = 5  # the number of failures in a row after which a process is given up
    pause_ms: int = 500  # the delay before the first restart; the second one is twice as long, and so on
    # [[start-policy]]
    settle_ms: int = 1000  # how long a process waits before it is started after a failure
    # [[health-policy]]
    failed_checks: int = 3  # the number of failed checks in a row after which a process is restarted
    # [[scale-policy]]
    busy_from: int = 8  # the first hour of the day (UTC) in which all replicas run
    busy_to: int = 18  # the last one
    # [[usage-policy]]
    memory_mib_max: int = 512  # the resident memory above which a process is restarted
    # [[status-view]]
    title: str = "Processes"  # the first line of the page
    # [[status-consumer]]
    verbose: bool = False  # whether a process that becomes ready is logged, too
    # [[]]


def read(text: str) -> Settings:
    """Reads settings. An error names the wrong key."""
    given = json.loads(text)
    known: dict[str, type] = {field.name: type(field.default) for field in fields(Settings)}
    for key, value in given.items():
        if key not in known:
            raise ValueError(f"settings: {key} is unknown, expected one of {', '.join(known)}")
        wanted = known[key]
        if type(value) is not wanted:
            raise ValueError(f"settings: {key}: expected {wanted.__name__}, not {value!r}")
        if isinstance(value, int) and value < 0:
            raise ValueError(f"settings: {key}: expected a whole number from 0 on")
    return Settings(**given)


Role = TypeVar("Role")
Input = ParamSpec("Input")
Output = TypeVar("Output")


def role(judge: Callable[Concatenate[Role, Settings, Input], Output]) -> Callable[Concatenate[Role, Input], Output]:
    """Wraps the method of a role: it is given the settings first, and an exception is logged with its message and line before
    it ends the call. The host would know it only as `unreachable`."""

    @wraps(judge)
    def call(self: Role, /, *given: Input.args, **named: Input.kwargs) -> Output:
        try:
            return judge(self, read(settings.json()), *given, **named)
        except Exception as error:
            # The module traceback would open the source file, which no plugin can. The last place in this file says most.
            place = error.__traceback__
            step = place
            while step:
                place = step if step.tb_frame.f_code.co_filename == __file__ else place
                step = step.tb_next
            where = f" at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
            log.write(log.Level.ERROR, f"{type(error).__name__}: {error}{where}")
            raise

    return call


class Configurable(exports.Configurable):
    def validate_settings(self, text: str) -> None:
        try:
            read(text)
        except ValueError as error:
            raise Err(str(error))


# [[restart-policy]]
class RestartPolicy(exports.RestartPolicy):
    """Restarts what fails, each time a little later, and gives up after `tries` failures in a row."""

    @role
    def on_exit(self, chosen: Settings, ended: restart_policy.Ended, world: Snapshot) -> restart_policy.Decision:
        if ended.failures == 0:
            return restart_policy.Decision(restart_policy.Action_StayDown(), "it has done its work")
        if ended.failures > chosen.tries:
            given_up = restart_policy.Action_GiveUp(restart_policy.Escalation_Nothing())
            return restart_policy.Decision(given_up, f"failed {ended.failures} times in a row")
        delay = chosen.pause_ms * ended.failures
        restarting = restart_policy.Restarting(delay, restart_policy.Scope.ITSELF)
        reason = f"try {ended.failures} of {chosen.tries}"
        return restart_policy.Decision(restart_policy.Action_Restart(restarting), reason)


# [[start-policy]]
class StartPolicy(exports.StartPolicy):
    """Starts a process that has failed only after it has waited for `settle_ms`."""

    @role
    def before_start(self, chosen: Settings, plan: start_policy.Plan, world: Snapshot) -> start_policy.Decision:
        rest = chosen.settle_ms - plan.waited
        if plan.failures == 0 or rest <= 0:
            return start_policy.Decision(start_policy.Action_Allow([]), "nothing speaks against it")
        return start_policy.Decision(start_policy.Action_Wait(rest), f"{plan.failures} failures before: waiting {rest} ms")


# [[health-policy]]
class HealthPolicy(exports.HealthPolicy):
    """Restarts a process after `failed_checks` failed checks in a row; until then it is degraded."""

    @role
    def on_probe(self, chosen: Settings, observation: health_policy.Observation, world: Snapshot) -> health_policy.Decision:
        row, most = observation.in_a_row, chosen.failed_checks
        if observation.passed:
            return health_policy.Decision(health_policy.Action.HEALTHY, f"{row} checks in a row have passed")
        if row >= most:
            return health_policy.Decision(health_policy.Action.RESTART, f"{row} checks in a row have failed")
        return health_policy.Decision(health_policy.Action.DEGRADED, f"check {row} of {most} in a row has failed")


# [[scale-policy]]
class ScalePolicy(exports.ScalePolicy):
    """Runs all replicas in the busy hours of the day, and the fewest at other times."""

    @role
    def replicas(self, chosen: Settings, demand: scale_policy.Demand, world: Snapshot) -> scale_policy.Decision:
        hour = demand.now // 3_600_000 % 24
        if chosen.busy_from <= hour <= chosen.busy_to:
            return scale_policy.Decision(scale_policy.Action_Replicas(demand.most), f"{hour} h is busy")
        return scale_policy.Decision(scale_policy.Action_Replicas(demand.least), f"{hour} h is quiet")


# [[usage-policy]]
class UsagePolicy(exports.UsagePolicy):
    """Restarts a process that uses more memory than `memory_mib_max`."""

    @role
    def on_sample(self, chosen: Settings, sample: usage_policy.Sample, world: Snapshot) -> usage_policy.Decision:
        used, most = sample.usage.rss_bytes >> 20, chosen.memory_mib_max
        if used > most:
            return usage_policy.Decision(usage_policy.Action_Restart(None), f"{used} MiB, more than {most}")
        return usage_policy.Decision(usage_policy.Action_Keep(), f"{used} of {most} MiB")


# [[status-view]]
class StatusView(exports.StatusView):
    """Renders a line for each process: `provost view {{name}}`."""

    @role
    def render(self, chosen: Settings, request: status_view.Request, world: Snapshot) -> status_view.Response:
        if request.path:
            return status_view.Response("text/plain", b"there is no such page\n", 404)
        rows = [f"{row.name} {row.phase.name.lower()} {row.restarts}\n" for row in world.page(0, 1024)]
        return status_view.Response("text/plain; charset=utf-8", (chosen.title + "\n" + "".join(rows)).encode(), 200)


# [[status-consumer]]
class StatusConsumer(exports.StatusConsumer):
    """Logs the processes that are given up on, and with `verbose` those that become ready."""

    @role
    def on_change(self, chosen: Settings, batch: status_consumer.Batch, world: Snapshot) -> None:
        for event in batch.events:
            process = event.process
            if process.phase == Phase.FATAL and event.before != Phase.FATAL:
                log.write(log.Level.WARN, f"{process.name} is given up on: {process.reason}")
            elif chosen.verbose and process.ready and event.before == Phase.STARTING:
                log.write(log.Level.INFO, f"{process.name} is ready")
# [[]]
