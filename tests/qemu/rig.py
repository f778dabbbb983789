"""What the claims need: the unit, the host, processes, and the run of all claims. The machine is changed as they like."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import traceback

UNIT = "provost.service"
CONFIG = pathlib.Path("/etc/provost/provost.toml")
OWN = '[host]\nruntime_dir = "/run/provost"\nlog_dir = "/var/lib/provost/logs"\ncache_dir = "/var/cache/provost"\n'
HOST = OWN + 'cgroup = "/sys/fs/cgroup/provost.slice"\n'
SLICE = pathlib.Path("/sys/fs/cgroup/provost.slice")
PATIENCE_S = 120
claims = []


def claim(function):
    claims.append(function)
    return function


def run(*command, code=0):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert ran.returncode == code, f"{command} ended with {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def provost(*arguments, code=0):
    return run("/usr/local/bin/provost", "-c", str(CONFIG), *arguments, code=code)


def unit(name):
    return run("systemctl", "show", "--value", "-p", name, UNIT).strip()


def eventually(what, look, is_right=bool):
    """Waits until a value is right, and returns it. A failure of `look` counts as a value that is not right."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            value = look()
            if is_right(value):
                return value
        except (AssertionError, OSError, http.client.HTTPException, ValueError, KeyError, IndexError, StopIteration) as error:
            value = error
        assert time.monotonic() < end, f"not in time: {what}; it is {value!r}"
        time.sleep(0.2)


def api(path):
    """Asks the host itself: a command for each look costs a second where the guest is emulated."""
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    with contextlib.closing(connection.sock):
        connection.sock.connect("/run/provost/provost.sock")
        connection.request("GET", path)
        return connection.getresponse().read().decode()


def status():
    return json.loads(api("/v1/status"))


def process(name):
    return next(one for one in status()["processes"] if one["name"] == name)


def until_phase(name, phase):
    return eventually(f"{name} is {phase}", lambda: process(name), lambda one: one["phase"] == phase)


def until_incarnation(name, incarnation):
    is_right = lambda one: one["incarnation"] == incarnation and one["phase"] == "running"
    return eventually(f"{name} runs again", lambda: process(name), is_right)


def events(name, kind):
    of_all = map(json.loads, api("/v1/events").splitlines())
    return [event for event in of_all if event["kind"] == kind and event["process"] == name]


def lives():
    return {one["name"]: (one["pid"], one["incarnation"], one["started_at"], one["restarts"]) for one in status()["processes"]}


def kill(*pids, number=signal.SIGKILL):
    for pid in pids:
        os.kill(pid, number)


def is_alive(pid):
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}").read_text()


def row(text, name):
    return next(line for line in text.splitlines() if line.startswith(name))[len(name):].split()


def cgroup(pid):
    return pathlib.Path("/sys/fs/cgroup" + proc(pid, "cgroup").splitlines()[0].removeprefix("0::"))


def figures(path):
    return {line.split()[0]: int(line.split()[1]) for line in path.read_text().splitlines()}


def until_another_host(former):
    """Waits for a host with another number, and returns its status."""
    return eventually("another host answers", status, lambda it: it["host"]["pid"] not in (former, None) and not it["host"]["trial"])


def write(config, host=HOST):
    CONFIG.write_text(host + config)


def fresh(config, host=HOST):
    """Starts the unit with this config, after everything of before has ended."""
    stop()
    write(config, host)
    run("systemctl", "start", UNIT)


def stop():
    """Ends the unit and everything in it, whatever state it is in."""
    run("systemctl", "reset-failed")
    subprocess.run(["systemctl", "stop", UNIT], check=False, capture_output=True, timeout=120)
    if not members(SLICE):
        return
    subprocess.run(["provost", "-c", str(CONFIG), "down"], check=False, capture_output=True, timeout=120)
    if (SLICE / "cgroup.kill").exists():
        (SLICE / "cgroup.kill").write_text("1")
    eventually("nothing is left", lambda: members(SLICE), lambda left: not left)


def members(directory):
    """All processes in a cgroup and below it."""
    found = []
    for procs in [directory / "cgroup.procs", *directory.glob("**/*/cgroup.procs")]:
        try:
            found += [int(pid) for pid in procs.read_text().split()]
        except OSError:
            pass
    return found


def drop_in(text):
    directory = pathlib.Path(f"/run/systemd/system/{UNIT}.d")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "claims.conf").write_text(text)
    run("systemctl", "daemon-reload")


def main():
    CONFIG.parent.mkdir(exist_ok=True)
    run("systemctl", "daemon-reload")
    controllers = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    systemd = run("systemctl", "--version").splitlines()[0]
    print(f"\nclaims: Linux {os.uname().release}; {systemd}; controllers {' '.join(controllers)}")
    hold = 0
    chosen = [one for one in claims if not sys.argv[1:] or one.__name__ in sys.argv[1:]]
    for one in chosen:
        began = time.monotonic()
        try:
            one()
        except Exception:
            print(f"FAILED {one.__name__}\n{traceback.format_exc()}")
            print(subprocess.run(["journalctl", "-u", UNIT, "-n", "40", "-o", "cat"], capture_output=True, text=True, check=False).stdout)
        else:
            hold += 1
            print(f"ok {one.__name__} ({time.monotonic() - began:.1f} s)")
    stop()
    print(f"claims: {hold} of {len(chosen)} hold")
