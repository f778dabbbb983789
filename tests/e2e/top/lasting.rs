//! The view and its terminal over time: other sizes, suspension, another host, signals, panics, and terminals that block or vanish.

use provost_tests::{Host, Setup, Terminal, eventually};
use rustix::process::{Pid, Signal, kill_process};

use crate::PROVOST;

/// Two processes that do nothing.
pub(super) const CONFIG: &str =
    "[process.web]\ncommand = \"exec sleep 1000\"\n[process.db]\ncommand = \"exec sleep 1000\"\n";

pub(super) fn is_drawn(screen: &str) -> bool {
    screen.contains("2 running") && screen.contains("quit") && screen.contains("web")
}

fn is_shell(screen: &str) -> bool {
    screen.trim_end().ends_with("prompt>")
}

/// The process id of the view, as its shell tells it.
fn pid_of_view(setup: &Setup) -> Option<i32> {
    let children = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let line = std::fs::read(path.join("cmdline")).ok()?;
        let here = std::fs::read_link(path.join("cwd")).ok()? == setup.dir();
        let is_view = line.split(|byte| *byte == 0).nth(1) == Some(b"top".as_slice());
        (here && is_view).then(|| path.file_name()?.to_str()?.parse().ok()).flatten()
    });
    children.into_iter().next()
}

#[test]
fn the_view_follows_the_size_of_the_terminal() {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 80, 24);
    terminal.line("\"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    terminal.resize(40, 10);
    let small =
        terminal.until("the small list is drawn", |screen| is_drawn(screen) && !screen.contains("REASON"));
    insta::assert_snapshot!(small, @r"
    provost 2 processes 2 running
    1 Processes 2 3 4 5
    NAME PHASE SINCE RESTARTS
    web running T 0
    db running T 0
    Enter detail l logs ? help q quit
    ");
    terminal.resize(8, 3);
    terminal.until("nothing fits", |screen| screen.starts_with("too sma"));
    terminal.resize(120, 30);
    terminal.until("there is room for everything", |screen| is_drawn(screen) && screen.contains("REASON"));
}

#[test]
fn colours_are_used_only_where_they_are_wanted() {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 80, 24);
    // Any foreground colour, as tmux writes it.
    let has_colors = |screen: &str| screen.contains("\x1b[38;5;");
    terminal.line("clear; \"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    assert!(!has_colors(&terminal.colors()), "NO_COLOR is set in this terminal");
    terminal.keys(&["q"]);
    terminal.until("the shell is back", is_shell);
    terminal.line("clear; \"$PROVOST\" top --color always");
    terminal.until("the list is drawn", is_drawn);
    eventually("there are colours", || terminal.colors(), |screen| has_colors(screen));
}

#[test]
fn a_suspended_view_gives_the_terminal_back_and_goes_on_where_it_was() {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 80, 24);
    terminal.line("\"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    for _ in 0..2 {
        terminal.keys(&["Down", "C-z"]);
        terminal.until("the shell is back", |screen| screen.contains("Stopped") && is_shell(screen));
        terminal.line("stty -a | grep -o ' echo '");
        terminal
            .until("the terminal echoes", |screen| screen.contains("\necho") || screen.contains("\n echo"));
        terminal.line("clear; fg");
        terminal.until("the view goes on", is_drawn);
    }
    terminal.keys(&["x"]);
    terminal.until("keys are heard, and the selection is kept", |screen| screen.contains("stop db?"));
}

#[test]
fn another_host_is_found_and_told() {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 80, 24);
    terminal.line("\"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    assert_eq!(host.setup().run(&["down"]).code, 0);
    let gone = terminal.until("the host is missed", |screen| screen.contains("no host: "));
    assert!(gone.contains("web"), "the last state stays on the screen: {gone}");
    let up = host.setup().run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    terminal.until("the next host is shown", |screen| {
        is_drawn(screen) && screen.contains("the host was restarted")
    });
}

#[test]
fn a_host_that_does_not_answer_any_more_is_told_and_its_answers_are_shown_again() {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 80, 24);
    terminal.line("\"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    Host::kill(&host.pid().into(), Signal::STOP);
    let silent = terminal.until("the silence is told", |screen| screen.contains("no host: "));
    assert!(silent.contains("is suspended: a signal has stopped it") && silent.contains("web"), "{silent}");
    Host::kill(&host.pid().into(), Signal::CONT);
    terminal.until("the host is shown again", |screen| is_drawn(screen) && !screen.contains("no host"));
}

#[test]
fn the_terminal_is_restored_after_the_end_a_signal_and_a_panic() {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 80, 24);
    terminal.line("stty -a > before; echo noted");
    terminal.until("the modes are noted", |screen| screen.contains("\nnoted"));
    let restored = |end: &str| {
        terminal.until("the shell is back", |screen| is_shell(screen) && screen.contains("prompt>"));
        terminal.line(&format!("stty -a | cmp - before && echo restored after {end}"));
        terminal
            .until("the modes are as before", |screen| screen.contains(&format!("\nrestored after {end}")));
    };
    terminal.line("clear; \"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    terminal.keys(&["q"]);
    restored("q");
    terminal.line("clear; \"$PROVOST\" top");
    terminal.until("the list is drawn", is_drawn);
    let view = eventually("the view runs", || pid_of_view(host.setup()), Option::is_some);
    kill_process(Pid::from_raw(view.unwrap()).unwrap(), Signal::TERM).unwrap();
    restored("TERM");
    terminal.line("clear; RUST_BACKTRACE=0 FAILPOINTS='top.draw=5*off->panic' \"$PROVOST\" top");
    terminal.until("the panic is reported", |screen| screen.contains("panicked") && is_shell(screen));
    restored("panic");
}

/// Runs the view in a terminal that takes nothing, or that vanishes, and ends it.
const STUCK: &str = r#"
import fcntl, os, pty, signal, struct, subprocess, sys, termios, time
how = sys.argv[1]
pid, master = pty.fork()
if pid == 0:
    if how == "vanishes":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 250, 0, 0))
    os.execv(os.environ["PROVOST"], [os.environ["PROVOST"], "top"])
def pending():
    return struct.unpack("i", fcntl.ioctl(master, termios.FIONREAD, b"\0" * 4))[0]
# A pty holds about 4 KiB, and a frame of this size has more: the view blocks in its output.
seen = -1
for _ in range(900):
    now = pending()
    if now > 2000 and now == seen:
        break
    seen = now
    time.sleep(0.1)
else:
    sys.exit("the view never filled the terminal")
subprocess.run([os.environ["PROVOST"], "status"], check=True, stdout=subprocess.DEVNULL, timeout=60)
if how == "blocks":
    os.kill(pid, signal.SIGTERM)
else:
    os.close(master)
for _ in range(900):
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        print("ended", os.waitstatus_to_exitcode(status))
        sys.exit(0)
    time.sleep(0.1)
os.kill(pid, signal.SIGKILL)
sys.exit("the view did not end")
"#;

#[test]
fn a_terminal_that_blocks_or_vanishes_stops_neither_the_host_nor_the_end_of_the_view() {
    let mut config = CONFIG.to_owned();
    for number in 0..60 {
        config.push_str(&format!("[process.filler-{number}]\nautostart = false\ncommand = \"true\"\n"));
    }
    let host = Host::up(PROVOST, &config);
    std::fs::write(host.setup().dir().join("stuck.py"), STUCK).unwrap();
    for (how, ended) in [("blocks", "ended 0\n"), ("vanishes", "ended ")] {
        let output = host.setup().shell(&format!("python3 stuck.py {how}")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.starts_with(ended), "{how}: {output:?}");
    }
}
