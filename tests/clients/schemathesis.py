"""What schemathesis must not ask for: streams that follow never end, and orders may wait for as long as they are told to."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.query, dict):
        for endless in ("follow", "every_ms"):
            case.query.pop(endless, None)
    if isinstance(case.body, dict) and case.body.get("wait") is True:
        case.body["wait"] = False
