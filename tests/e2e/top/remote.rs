//! A host on another machine: its socket is forwarded by a real `ssh`, which connects over loopback to a real `sshd`.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use provost_tests::{Ends, Host, Setup, Terminal, eventually};

use super::lasting::{CONFIG, is_drawn};
use crate::PROVOST;

const SSHD: &str = "/usr/sbin/sshd";

/// A machine that is reached by `ssh`: each connection is served by an `sshd` that runs as the user of the test.
struct Machine {
    dir: PathBuf,
    port: u16,
    /// The `sshd` of each connection.
    serving: Arc<Mutex<Vec<Ends>>>,
}

impl Machine {
    /// Makes the keys, and listens on loopback.
    fn new(dir: &Path) -> Self {
        let machine = Self { dir: dir.to_owned(), port: 0, serving: Arc::default() };
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(machine.path(key));
            assert!(keygen.status().unwrap().success());
        }
        let host_key = std::fs::read_to_string(machine.path("host.pub")).unwrap();
        std::fs::write(machine.path("known"), format!("far {host_key}")).unwrap();
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
             StrictModes no\nPermitRootLogin prohibit-password\n",
            machine.path("host").display(),
            machine.path("user.pub").display(),
        );
        std::fs::write(machine.path("sshd_config"), config).unwrap();
        if rustix::process::getuid().is_root() {
            // As the unit of Debian's package does it; `sshd` of other users needs none.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        machine.listening()
    }

    /// Listens, and starts an `sshd` for each connection, as inetd does: `sshd` cannot listen on a port that the kernel chooses.
    fn listening(mut self) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (config, log) = (self.path("sshd_config"), self.path("sshd.log"));
        let serving = Arc::downgrade(&self.serving);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Some(serving) = serving.upgrade() else { return };
                let connection = connection.unwrap();
                let mut sshd = Command::new(SSHD);
                sshd.arg("-i").arg("-f").arg(&config).arg("-E").arg(&log);
                sshd.stdin(OwnedFd::from(connection.try_clone().unwrap())).stdout(OwnedFd::from(connection));
                serving.lock().unwrap().push(Ends(sshd.spawn().unwrap()));
            }
        });
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Forwards `near` to the socket `far`, with the options that `docs/top.md` names, and waits until it is there.
    fn forward(&self, near: &Path, far: &Path) -> Ends {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let mut ssh = Command::new("ssh");
        ssh.args(["-o", "StreamLocalBindUnlink=yes", "-o", "ServerAliveInterval=5"]);
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "HostKeyAlias=far"]);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", self.path("known").display()));
        ssh.arg("-i").arg(self.path("user")).args(["-p", &self.port.to_string()]);
        ssh.arg("-NL").arg(format!("{}:{}", near.display(), far.display()));
        ssh.arg(format!("{}@127.0.0.1", user.trim())).env_remove("SSH_AUTH_SOCK");
        ssh.stdin(Stdio::null()).stderr(std::fs::File::create(self.path("ssh.log")).unwrap());
        let mut ssh = Ends(ssh.spawn().unwrap());
        let log = |name| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        eventually(
            "the socket is forwarded",
            || (ssh.0.try_wait().unwrap(), std::os::unix::net::UnixStream::connect(near).is_ok()),
            |(ended, is_there)| {
                assert!(ended.is_none(), "ssh ended: {ended:?}\n{}\n{}", log("ssh.log"), log("sshd.log"));
                *is_there
            },
        );
        ssh
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.serving = Arc::default();
        // The listening thread ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Whether the list is drawn with the memory of both processes.
fn is_measured(screen: &str) -> bool {
    is_drawn(screen) && screen.matches("iB").count() == 2
}

#[test]
fn a_host_on_another_machine_is_watched_through_ssh_and_found_again_after_a_broken_connection() {
    if !Path::new(SSHD).exists() || Command::new("ssh").arg("-V").output().is_err() {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "the gate needs {SSHD} and ssh");
        println!("skipped: `apt-get install openssh-server openssh-client` installs what it needs");
        return;
    }
    let host = Host::up(PROVOST, CONFIG);
    // Here is no config and no host, as on the machine of an operator.
    let here = Setup::new(PROVOST, "");
    let machine = Machine::new(here.dir());
    let (near, far) = (here.dir().join("far.sock"), host.setup().dir().join(".provost/provost.sock"));
    let ssh = machine.forward(&near, &far);

    let once = eventually(
        "both run",
        || here.run(&["top", "--once", "--socket", "far.sock"]),
        |once| once.stdout.contains("2 running"),
    );
    assert_eq!((once.code, once.stderr.as_str()), (0, ""));

    let terminal = Terminal::open(&here, 80, 24);
    terminal.line("\"$PROVOST\" top --socket far.sock");
    insta::assert_snapshot!(terminal.until("the far host is shown", is_measured), @r"
    provost 2 processes 2 running host N up T
    1 Processes 2 Logs 3 Plugins 4 State 5 Events
    NAME PHASE SINCE RESTARTS CPU MEMORY REASON
    web running T 0 N% N B start asked for by…
    db running T 0 N% N B start asked for by…
    Enter detail l logs r restart s start x stop / find ? help q quit
    ");

    drop(ssh);
    let gone = terminal.until("the broken connection is told", |screen| screen.contains("no host: "));
    assert!(gone.contains("web running"), "the last state stays on the screen: {gone}");
    let ssh = machine.forward(&near, &far);
    terminal
        .until("the far host is shown again", |screen| is_measured(screen) && !screen.contains("no host"));
    terminal.keys(&["x", "y"]);
    terminal.until("an order reaches it", |screen| screen.contains("stop web: accepted"));
    host.until_phase("web", "stopped");

    assert_eq!(host.setup().run(&["down"]).code, 0);
    // `ssh` still accepts connections here, and finds nobody there.
    terminal.until("the end of the far host is told", |screen| {
        screen.contains("no host: the host closed the connection before it had answered")
    });
    drop(ssh);
}
