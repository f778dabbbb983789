//! What a process does that the keeper has started as its host: this program again, with a role in its environment.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::exit;

use provost_keeper::HOST_DESCRIPTOR;
use provost_keeper::protocol::Report;
use provost_keeper::socket;
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};
use rustix::pipe::{SpliceFlags, splice};

use crate::rig::{DIR, Host, ROLE, id, numbers};

#[expect(unsafe_code, reason = "the descriptor is ours by the contract with the keeper")]
fn keeper() -> BorrowedFd<'static> {
    // SAFETY: the keeper has opened it, and nothing here closes it.
    unsafe { BorrowedFd::borrow_raw(HOST_DESCRIPTOR) }
}

#[test]
#[ignore = "not a test: what the keeper executes as its host"]
fn role() {
    let (Some(role), Some(dir)) = (std::env::var_os(ROLE), std::env::var_os(DIR)) else { return };
    let dir = Path::new(&dir);
    match role.to_str() {
        Some("lend") => lend(dir),
        Some("collect") => collect(dir),
        // Dies at once.
        _ => exit(3),
    }
}

/// Gives the end of the protocol to the test, and waits until the test says with which code to exit.
fn lend(dir: &Path) {
    let door = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    connect(&door, &SocketAddrUnix::new(dir.join("door")).unwrap()).unwrap();
    socket::send(door.as_fd(), b"host", &[keeper()]).unwrap();
    let mut code = [0];
    let said = rustix::io::read(&door, &mut code).unwrap_or(0);
    exit(if said == 1 { i32::from(code[0]) } else { 0 });
}

/// Starts a flood of numbered lines, or takes it over, and moves it into a file of its own until it is killed.
fn collect(dir: &Path) {
    let mut host = Host::new(keeper().try_clone_to_owned().unwrap());
    let (welcome, mut held, _) = host.hello();
    let number = welcome.hosts;
    if held.is_empty() {
        let gap = dir.join("gap");
        host.spawn(id(1), &numbers(&gap));
        held.push(host.wait_for_held(id(1)));
    }
    let held = held.remove(0);
    let write = |name: &str, text: String| {
        fs::write(dir.join("new"), text).unwrap();
        fs::rename(dir.join("new"), dir.join(format!("{name}.{number}"))).unwrap();
    };
    write("mark", held.held.gaps[0].bytes.to_string());
    write("pid", std::process::id().to_string());
    let log = dir.join(format!("log.{number}"));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let log: OwnedFd = rustix::fs::open(&log, flags, Mode::RUSR | Mode::WUSR).unwrap();
    let output = held.output.unwrap();
    loop {
        rustix::event::poll(&mut [rustix::event::PollFd::new(&output, rustix::event::PollFlags::IN)], None)
            .unwrap();
        let _ = splice(&output, None, &log, None, 65_536, SpliceFlags::NONBLOCK);
        while let Some((_, report, _)) = host.try_receive() {
            if matches!(report, Report::Signalled { .. }) {
                exit(0);
            }
        }
    }
}
