"""What schemathesis must not ask for: streams that follow never end, and orders may wait for as long as they are told to."""

import schemathesis


@schemathesis.hook
def map_query(context, query):
    if isinstance(query, dict):
        for endless in ("follow", "every_ms"):
            query.pop(endless, None)
    return query


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and "wait" in body:
        body["wait"] = False
    return body
