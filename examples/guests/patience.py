"""A restart policy in Python."""
from wit_world import exports
from wit_world.exports import restart_policy as rp


class RestartPolicy(exports.RestartPolicy):
    def on_exit(self, ended, world):
        if ended.failures == 0:
            return rp.Decision(rp.Action_StayDown(), "it has done its work")
        restarting = rp.Restarting(50 * ended.failures, rp.Scope.ITSELF)
        return rp.Decision(rp.Action_Restart(restarting), f"failure {ended.failures} of {world.size()} processes")
