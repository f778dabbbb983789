"""The PyPI package `mcp` as a client of `provost mcp` and of `/mcp`, in both eras of the protocol.

Arguments: the binary, the directory of a running host, the URL of its service, and two tokens: one that may read, one that may operate.
"""

import asyncio
import json
import subprocess
import sys
import warnings

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ResourceUpdatedNotification

warnings.simplefilter("ignore")
binary, directory, url, reader, operator = sys.argv[1:]
CHANGED = "provost://processes/web"


def server(*arguments):
    config = f"{directory}/provost.toml"
    return StdioServerParameters(command=binary, args=["-c", config, "mcp", *arguments])


def service(token):
    headers = {"Authorization": f"Bearer {token}"}
    return streamable_http_client(url, http_client=httpx2.AsyncClient(headers=headers, timeout=60))


def restart():
    subprocess.run([binary, "restart", "--wait", "web"], cwd=directory, check=True, capture_output=True)


async def reads(where, mode):
    """Lists tools, calls one, and sees a change."""
    updated = asyncio.Event()

    async def on_message(message):
        if isinstance(message, ResourceUpdatedNotification) and str(message.params.uri) == CHANGED:
            updated.set()

    async with Client(where, mode=mode, message_handler=on_message) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["process_status"].output_schema["type"] == "object", tools
        assert tools["process_status"].annotations.read_only_hint, tools
        result = await client.call_tool("process_status", {"names": ["web"]})
        assert not result.is_error, result
        assert result.structured_content["processes"][0]["name"] == "web", result
        unknown = await client.call_tool("explain", {"name": "wep"})
        assert unknown.is_error and "did you mean `web`?" in unknown.content[0].text, unknown
        for name in ("process_list", "logs_search", "events", "config_diff", "plugin_list", "usage", "state_figures"):
            assert not (await client.call_tool(name, {})).is_error, name
        read = await client.read_resource(CHANGED)
        assert json.loads(read.contents[0].text)["name"] == "web", read
        assert len((await client.list_prompts()).prompts) == 2

        if mode == "legacy":
            await client.subscribe_resource(CHANGED)
            await asyncio.to_thread(restart)
            await asyncio.wait_for(updated.wait(), 60)
        else:
            async with client.listen(resource_subscriptions=[CHANGED]) as changes:
                await asyncio.to_thread(restart)
                event = await asyncio.wait_for(anext(aiter(changes)), 60)
                assert str(event.uri) == CHANGED, event
        return set(tools)


async def main():
    ways = {
        "stdio": (server, lambda: server("--allow-changes")),
        "HTTP": (lambda: service(reader), lambda: service(operator)),
    }
    for way, (reading, changing) in ways.items():
        for mode in ("legacy", "2026-07-28", "auto"):
            tools = await reads(reading(), mode)
            assert "process_stop" not in tools, tools
            async with Client(reading(), mode=mode) as client:
                refused = await client.call_tool("process_stop", {"names": ["web"]})
                assert refused.is_error and "forbidden" in refused.content[0].text, refused
            async with Client(changing(), mode=mode) as client:
                done = await client.call_tool("process_restart", {"names": ["web"]})
                assert done.structured_content["succeeded"] == 1, done
            print(f"PyPI mcp over {way}, {mode}: {len(tools)} tools, a change seen, a change refused, a change made")


asyncio.run(main())
