"""What docs/deploy.md, docs/limits.md and docs/processes.md claim about systemd, controllers and Linux 6.1, tried as root below
systemd in a machine of its own. One line is printed for each claim."""

import json
import os
import pathlib
import signal
import subprocess
import time

from rig import (
    OWN, SLICE, UNIT, cgroup, claim, drop_in, events, eventually, figures, fresh, is_alive, kill, lives, main, members,
    proc, process, provost, row, run, status, stop, unit, until_another_host, until_incarnation, until_phase, write,
)

WEB = '[process.web]\ncommand = ["/bin/sleep", "100000"]\n'
COUNTS = "[process.counts]\ncommand = 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done'\n"
CODED = "[process.coded]\ncommand = \"trap 'exit 7' USR1; while :; do sleep 0.05; done\"\n"
LIMITED = '[process.limited]\ncommand = ["/bin/sleep", "100000"]\ncgroup = { memory = "64MiB", cpu = "50%", pids = 20 }\n'


# Below systemd.


@claim
def a_start_returns_when_the_host_answers_and_the_unit_has_its_status():
    fresh(WEB + COUNTS)
    host = status()["host"]
    assert unit("ActiveState") == "active" and unit("StatusText") == "supervises 2 processes", unit("StatusText")
    assert unit("MainPID") == str(host["keeper_pid"]) and int(proc(host["pid"], "stat").split(") ")[1].split()[1]) == host["keeper_pid"]
    assert "supervises 2 processes" in run("systemctl", "status", UNIT)
    assert (proc(host["pid"], "comm"), proc(host["keeper_pid"], "comm")) == ("provost\n", "provost-keeper\n")


@claim
def a_unit_with_a_broken_config_fails_to_start_and_says_why():
    stop()
    write("[process.web]\nno = 1\n")
    drop_in("[Service]\nRestart=no\n")
    try:
        run("systemctl", "start", UNIT, code=1)
        assert unit("ActiveState") == "failed", unit("ActiveState")
        assert "provost.toml:" in run("journalctl", "-u", UNIT, "-n", "20", "-o", "cat")
    finally:
        drop_in("")


@claim
def processes_get_the_score_and_the_limit_of_the_unit_and_nothing_that_speaks_to_systemd():
    fresh(WEB)
    pid = until_phase("web", "running")["pid"]
    environ = proc(pid, "environ")
    for name in ("NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_"):
        assert name not in environ, environ
    assert proc(pid, "oom_score_adj").strip() == "-500"
    assert row(proc(pid, "limits"), "Max open files")[0] == "524288"


@claim
def a_reload_of_the_unit_reloads_the_config_and_touches_nothing_else():
    fresh(WEB)
    before = until_phase("web", "running")["pid"]
    write(WEB + COUNTS)
    run("systemctl", "reload", UNIT)
    until_phase("counts", "running")
    eventually("the reload is over", lambda: unit("ActiveState"), lambda state: state == "active")
    assert process("web")["pid"] == before


@claim
def a_host_that_is_killed_is_replaced_below_the_unit():
    fresh(WEB + COUNTS + CODED)
    until_phase("counts", "running")
    before, main, host = lives(), unit("MainPID"), status()["host"]["pid"]
    kill(host)
    until_another_host(host)
    assert lives() == before
    assert (unit("MainPID"), unit("NRestarts"), unit("ActiveState")) == (main, "0", "active")


@claim
def an_end_while_there_is_no_host_has_its_code_on_this_kernel():
    fresh(CODED)
    one, host = until_phase("coded", "running"), status()["host"]["pid"]
    time.sleep(0.5)
    kill(host)
    kill(one["pid"], number=signal.SIGUSR1)
    until_incarnation("coded", 2)
    exits = events("coded", "exited")
    assert len(exits) == 1 and exits[0]["exit"] == {"code": 7}, exits


@claim
def an_upgrade_in_place_keeps_the_unit_its_main_process_and_all_processes():
    fresh(WEB + COUNTS)
    until_phase("counts", "running")
    before, main, host = lives(), unit("MainPID"), status()["host"]["pid"]
    run("cp", "/usr/local/bin/provost", "/usr/local/bin/provost-next")
    said = provost("upgrade", "/usr/local/bin/provost-next")
    assert "2 processes went on" in said, said
    assert lives() == before and status()["host"]["pid"] != host
    provost("upgrade", "--keeper", "/usr/local/bin/provost")
    assert lives() == before
    assert (unit("MainPID"), unit("NRestarts"), unit("ActiveState")) == (main, "0", "active")
    assert unit("StatusText") == "supervises 2 processes"
    run("systemctl", "stop", UNIT)
    assert not any(is_alive(life[0]) for life in before.values())


@claim
def a_keeper_that_is_killed_is_replaced_and_systemd_tries_again_until_the_host_ends():
    fresh(WEB + CODED)
    one = until_phase("coded", "running")
    time.sleep(0.5)
    before, main, host = lives(), int(unit("MainPID")), status()["host"]["pid"]
    kill(main)
    after = until_another_host(host)
    assert lives() == before and after["host"]["keeper_pid"] not in (None, main)
    eventually("systemd tries", lambda: int(unit("NRestarts")), lambda tries: tries >= 2)
    assert lives() == before
    # Its parent is systemd now, which reaps it at once, and this kernel keeps nothing of how it has ended.
    kill(one["pid"], number=signal.SIGUSR1)
    second = until_incarnation("coded", 2)
    assert events("coded", "exited")[-1]["exit"] == {"error": "ended unobserved"}, events("coded", "exited")
    kill(second["pid"], number=signal.SIGUSR1)
    until_incarnation("coded", 3)
    assert events("coded", "exited")[-1]["exit"] == {"code": 7}, "it is a child of this keeper"
    provost("down")
    eventually("the next attempt succeeds", lambda: unit("ActiveState"), lambda state: state == "active")
    assert int(unit("MainPID")) == status()["host"]["keeper_pid"]


@claim
def after_both_were_killed_systemd_starts_a_keeper_that_adopts_all_processes():
    fresh(WEB + COUNTS + CODED)
    one = until_phase("coded", "running")
    time.sleep(2.5)
    before, main, host = lives(), int(unit("MainPID")), status()["host"]["pid"]
    kill(main, host)
    assert all(is_alive(life[0]) for life in before.values())
    until_another_host(host)
    assert lives() == before, (before, lives())
    assert int(unit("MainPID")) == status()["host"]["keeper_pid"] and unit("ActiveState") == "active"
    kill(one["pid"], number=signal.SIGUSR1)
    until_incarnation("coded", 2)
    assert events("coded", "exited")[-1]["exit"] == {"error": "ended unobserved"}
    # Each line is there once, or again at the seam if it was logged and still in the pipe; none is missing.
    lines = [int(line.split()[-1]) for line in provost("logs", "-n", "100000", "counts").splitlines() if "line" in line]
    missing = set(range(1, max(lines) + 1)) - set(lines)
    assert not missing, missing


@claim
def another_process_with_the_number_of_one_that_ended_is_not_adopted():
    fresh(WEB)
    before = until_phase("web", "running")
    time.sleep(2.5)
    # Time enough to give the number to another process before the next `up`.
    drop_in("[Service]\nRestartSec=3s\n")
    try:
        host = status()["host"]["pid"]
        kill(int(unit("MainPID")), host, before["pid"])
        eventually("it is reaped", lambda: os.path.exists(f"/proc/{before['pid']}"), lambda there: not there)

        def with_its_number():
            pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(before["pid"] - 1))
            other = subprocess.Popen(["/bin/sleep", "100000"])
            if other.pid != before["pid"]:
                other.kill()
                other.wait()
            return other

        other = eventually("the number is used again", with_its_number, lambda other: other.pid == before["pid"])
        until_another_host(host)
        second = until_incarnation("web", 2)
        assert second["pid"] != other.pid and other.poll() is None
        other.kill()
        other.wait()
    finally:
        drop_in("")


@claim
def a_table_of_another_boot_is_kept_aside():
    fresh(WEB)
    pid = until_phase("web", "running")["pid"]
    time.sleep(2.5)
    drop_in("[Service]\nRestart=no\n")
    try:
        kill(int(unit("MainPID")), status()["host"]["pid"])
        kill(pid)
        eventually("the unit has ended", lambda: unit("ActiveState"), lambda state: state == "failed")
        # What a start of the machine changes, as seen from within.
        boot = pathlib.Path("/run/boot-id")
        boot.write_text("00000000-0000-4000-8000-000000000000\n")
        run("mount", "--bind", str(boot), "/proc/sys/kernel/random/boot_id")
        run("systemctl", "start", UNIT)
        assert until_phase("web", "running")["pid"] != pid
        assert os.path.exists("/run/provost/processes.table.other-boot"), os.listdir("/run/provost")
    finally:
        run("umount", "/proc/sys/kernel/random/boot_id")
        drop_in("")


@claim
def a_stop_ends_everything_in_order_and_keeps_the_runtime_directory():
    ends = "trap 'sleep 0.5; echo last > /run/ended; exit 0' TERM; touch /run/runs; while :; do sleep 0.05; done"
    stop()
    for name in ("/run/ended", "/run/runs"):
        pathlib.Path(name).unlink(missing_ok=True)
    fresh(f'[process.slow]\ncommand = "{ends}"\n' + WEB)
    eventually("it runs", lambda: os.path.exists("/run/runs"))
    run("systemctl", "stop", UNIT)
    assert unit("ActiveState") == "inactive" and unit("Result") == "success"
    assert pathlib.Path("/run/ended").read_text() == "last\n"
    assert not members(SLICE) and os.path.isdir("/run/provost")
    run("systemctl", "start", UNIT)
    main = unit("MainPID")
    run("systemctl", "restart", UNIT)
    assert unit("ActiveState") == "active" and unit("MainPID") != main


@claim
def a_watchdog_of_the_unit_is_fed_by_the_host_also_by_the_next_one():
    stop()
    drop_in("[Service]\nWatchdogSec=15s\n")
    try:
        fresh(WEB)
        main, host = unit("MainPID"), status()["host"]["pid"]
        time.sleep(20)
        kill(host)
        until_another_host(host)
        time.sleep(20)
        assert (unit("MainPID"), unit("NRestarts"), unit("ActiveState")) == (main, "0", "active")
    finally:
        drop_in("")


# Control groups with controllers.


@claim
def limits_of_a_cgroup_are_those_of_the_kernel():
    fresh(LIMITED)
    one = until_phase("limited", "running")
    group = cgroup(one["pid"])
    assert group.parent.parent == SLICE and group.name == "limited@1", group
    read = lambda name: (group / name).read_text().strip()
    assert (read("memory.max"), read("cpu.max"), read("pids.max")) == (str(64 << 20), "50000 100000", "20")
    host = status()["host"]
    assert cgroup(host["pid"]) == cgroup(host["keeper_pid"]) == SLICE / UNIT
    kill(host["pid"])
    until_another_host(host["pid"])
    assert cgroup(process("limited")["pid"]) == group and read("memory.max") == str(64 << 20)
    # Another service comes and goes, and systemd reads its units again: what it sets up for the slice stays.
    run("systemd-run", "--wait", "--slice=provost.slice", "-p", "MemoryMax=100M", "true")
    run("systemctl", "daemon-reload")
    assert read("memory.max") == str(64 << 20)


@claim
def without_a_directory_in_the_config_the_host_moves_aside_in_the_cgroup_of_the_service():
    for limit in ('cpu = "50%"', "pids = 20", 'memory = "64MiB"'):
        fresh(f'[process.limited]\ncommand = ["/bin/sleep", "100000"]\ncgroup = {{ {limit} }}\n', OWN)
        one = until_phase("limited", "running")
        host = status()["host"]
        assert cgroup(one["pid"]).parent.parent == SLICE / UNIT
        assert {cgroup(host["pid"]).name, cgroup(host["keeper_pid"]).name} == {"@host"}
    assert "docs/deploy.md names a `cgroup`" in run("journalctl", "-u", UNIT, "-n", "20", "-o", "cat")
    provost("down")
    until_another_host(host["pid"])
    until_phase("limited", "running")


@claim
def the_processor_time_and_the_number_of_processes_are_bounded():
    fresh(
        "[process.busy]\ncommand = 'while :; do :; done'\ncgroup = { cpu = \"50%\" }\n"
        "[process.many]\ncommand = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait'\ncgroup = { pids = 5 }\n"
    )
    group = cgroup(until_phase("busy", "running")["pid"])
    before = figures(group / "cpu.stat")
    time.sleep(3)
    after = figures(group / "cpu.stat")
    share = (after["usage_usec"] - before["usage_usec"]) / 3e6
    assert 0.3 < share < 0.6 and after["nr_throttled"] > before["nr_throttled"], share
    refused = lambda: provost("logs", "-n", "1000", "many")
    eventually("a fork is refused", refused, lambda text: "fork" in text.lower())


@claim
def a_process_that_is_killed_by_its_memory_limit_has_the_cause_oom():
    eats = "python3 -c 'a = bytearray(500000000)'"
    fresh(
        WEB
        + f'[process.main]\ncommand = "exec {eats}"\ncgroup = {{ memory = "32MiB" }}\nautostart = false\n'
        + f'[process.shell]\ncommand = "{eats}; exit $?"\ncgroup = {{ memory = "32MiB" }}\nautostart = false\n'
        + '[process.killed]\ncommand = ["/bin/sleep", "100000"]\ncgroup = { memory = "32MiB" }\n'
    )
    before = process("web")["pid"]
    provost("start", "main", "shell")
    for name, exit in (("main", {"signal": 9, "name": "SIGKILL"}), ("shell", {"code": 137})):
        end = eventually(f"{name} has ended", lambda: events(name, "exited")[0])
        assert (end["cause"], end["exit"]) == ("oom", exit) and end["reason"].endswith(": its memory ran out"), end
    # A SIGKILL of somebody else is no `oom`.
    kill(until_phase("killed", "running")["pid"])
    end = eventually("it has ended", lambda: events("killed", "exited")[0])
    assert end["cause"] == "crash", end
    # OOMPolicy=continue: the service and the others go on.
    assert unit("ActiveState") == "active" and process("web")["pid"] == before


@claim
def a_stop_ends_every_process_of_a_cgroup_whatever_it_has_done():
    leaves = "env -i /bin/sh -c 'trap \\\"\\\" TERM; setsid sleep 1000 & setsid setsid sh -c \\\"trap : TERM; while :; do sleep 1; done\\\" &'"
    fresh(f'[process.tree]\ncommand = "{leaves}; sleep 0.2; exec sleep 1000"\ncgroup = {{}}\nstop = {{ grace = "1s" }}\n')
    one = until_phase("tree", "running")
    group = cgroup(one["pid"])
    assert group.name == "tree@1"
    inside = eventually("all have left", lambda: members(group), lambda pids: len(pids) >= 3)
    provost("stop", "--wait", "tree")
    assert not any(is_alive(pid) for pid in inside) and not group.exists()


@claim
def processes_with_limits_are_adopted_after_both_were_killed():
    fresh(LIMITED + WEB)
    one = until_phase("limited", "running")
    group = cgroup(one["pid"])
    time.sleep(2.5)
    before, host = lives(), status()["host"]["pid"]
    kill(int(unit("MainPID")), host)
    until_another_host(host)
    assert lives() == before and cgroup(one["pid"]) == group
    assert unit("ActiveState") == "active" and int(unit("MainPID")) == status()["host"]["keeper_pid"]
    # And a next life has its limits again.
    kill(one["pid"])
    second = until_incarnation("limited", 2)
    assert (cgroup(second["pid"]) / "memory.max").read_text().strip() == str(64 << 20)


@claim
def a_host_with_limits_that_ends_is_started_again():
    fresh(LIMITED)
    host = status()["host"]["pid"]
    provost("down")
    until_another_host(host)
    until_phase("limited", "running")
    run("systemctl", "restart", UNIT)
    until_phase("limited", "running")
    host = status()["host"]["pid"]
    # Also after the keeper alone was killed, once the host has ended.
    kill(int(unit("MainPID")))
    after = until_another_host(host)
    eventually("systemd tries", lambda: int(unit("NRestarts")), lambda tries: tries >= 1)
    provost("down")
    until_another_host(after["host"]["pid"])
    until_phase("limited", "running")


# Rights.


@claim
def a_process_is_what_its_config_says_when_its_program_begins():
    fresh(
        '[process.rights]\ncommand = ["/bin/sleep", "100000"]\ncwd = "/"\nuser = "daemon"\ngroups = ["adm"]\numask = "027"\nnice = -5\n'
        'ioprio = "idle"\noom_score_adj = -300\nlimits = { nofile = { soft = 123, hard = 456 }, core = 0 }\nno_new_privs = true\n'
        'capabilities = ["NET_BIND_SERVICE"]\n'
    )
    pid = until_phase("rights", "running")["pid"]
    text = proc(pid, "status")
    assert row(text, "Uid:") == row(text, "Gid:") == ["1"] * 4 and row(text, "Groups:") == ["1", "4"], text
    assert row(text, "Umask:") == ["0027"] and row(text, "NoNewPrivs:") == ["1"]
    for capabilities in ("CapBnd:", "CapPrm:", "CapEff:", "CapInh:", "CapAmb:"):
        assert row(text, capabilities) == ["0000000000000400"], text
    assert row(proc(pid, "limits"), "Max open files")[:2] == ["123", "456"]
    assert proc(pid, "oom_score_adj").strip() == "-300"
    assert proc(pid, "stat").rsplit(")", 1)[1].split()[16] == "-5"
    assert run("ionice", "-p", str(pid)).strip() == "idle"
    assert "USER=daemon" in proc(pid, "environ")


@claim
def a_user_with_one_capability_listens_on_a_port_below_1024():
    serves = '["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "80"]'
    fresh(
        f'[process.with]\ncommand = {serves}\ncwd = "/"\nuser = "nobody"\ncapabilities = ["NET_BIND_SERVICE"]\nready = {{ tcp = "127.0.0.1:80" }}\n'
    )
    until_phase("with", "running")
    write(f'[process.without]\ncommand = {serves}\ncwd = "/"\nuser = "nobody"\n')
    run("sysctl", "-q", "net.ipv4.ip_unprivileged_port_start=1024")
    provost("reload", "--wait")
    eventually("it fails", lambda: events("without", "exited")[0], lambda end: end["exit"] == {"code": 1})


# Process 1.


@claim
def the_containerfile_builds_and_its_container_is_supervised_by_process_1():
    stop()
    context = pathlib.Path("/run/context")
    context.mkdir(exist_ok=True)
    run("cp", "/usr/local/bin/provost", "/opt/claims/Containerfile", str(context))
    ends = "trap 'sleep 0.5; echo last > /out/ended; exit 0' TERM; (setsid sleep 0.1 &); touch /out/runs; while :; do sleep 0.05; done"
    (context / "provost.toml").write_text(f'[process.web]\ncommand = "{ends}"\n')
    out = pathlib.Path("/run/out")
    out.mkdir(exist_ok=True)
    run("podman", "import", "-q", "/opt/claims/debian.tar", "docker.io/library/debian:12-slim")
    run("podman", "build", "-q", "--pull=never", "--network=none", "-t", "app", str(context))
    run("podman", "run", "-d", "--name", "app", "--network=none", "--stop-timeout", "60", "-v", "/run/out:/out", "app")
    try:
        eventually("it runs", lambda: (out / "runs").exists())
        inside = lambda: json.loads(
            run("podman", "exec", "app", "/usr/local/bin/provost", "-c", "/etc/provost/provost.toml", "status", "-o", "json")
        )
        first = inside()
        assert first["host"]["keeper_pid"] == 1, first["host"]
        eventually("orphans are reaped", lambda: "Z" in run("podman", "top", "app", "state"), lambda zombie: not zombie)
        run("podman", "exec", "app", "/bin/sh", "-c", f"kill -9 {first['host']['pid']}")
        second = eventually("another host", inside, lambda it: it["host"]["pid"] != first["host"]["pid"])
        assert second["processes"][0]["pid"] == first["processes"][0]["pid"]
        run("podman", "stop", "app")
        assert (out / "ended").read_text() == "last\n"
        assert run("podman", "inspect", "--format", "{{.State.ExitCode}}", "app").strip() == "0"
    finally:
        print(subprocess.run(["podman", "logs", "app"], capture_output=True, text=True, check=False).stderr[-1000:])
        subprocess.run(["podman", "rm", "-f", "app"], check=False, capture_output=True)


main()
