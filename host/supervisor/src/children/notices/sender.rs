//! Who may send messages for a process: its main process, everything in the session or the group that it was started in, and
//! the main process that it has named. A sender that has ended by the time its message is read cannot be asked any more; it
//! is believed if it had the user of the process, because many programs send by a helper that ends at once.

use std::os::unix::fs::MetadataExt;

use provost_posix::DatagramSender;

use crate::children::family::stat;

/// The processes whose messages count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Senders {
    /// The process that was started, whose number is also that of its session and of its group.
    pub(super) main: u32,
    /// The main process that it has named, if any.
    pub(super) named: Option<u32>,
}

impl Senders {
    /// Whether messages of this sender count.
    pub(super) fn have(&self, sender: DatagramSender) -> bool {
        let Some(pid) = sender.pid else { return false };
        pid == self.main
            || Some(pid) == self.named
            || match home(pid) {
                Some(home) => home.contains(&self.main),
                None => user_of(self.main) == Some(sender.uid),
            }
    }

    /// Names another main process. Returns false if that process is not one of this life.
    pub(super) fn name(&mut self, pid: u32) -> bool {
        let is_own = pid == self.main || home(pid).is_some_and(|home| home.contains(&self.main));
        if is_own {
            self.named = Some(pid);
        }
        is_own
    }
}

/// Returns the numbers of the session and of the group of a process, which are 0 where their leader is outside of the namespace
/// of this process; `None` if it has ended.
fn home(pid: u32) -> Option<[u32; 2]> {
    let stat = stat(pid)?;
    Some([stat.session, stat.group])
}

fn user_of(pid: u32) -> Option<u32> {
    std::fs::metadata(format!("/proc/{pid}")).ok().map(|metadata| metadata.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_stranger_is_refused_and_an_ended_sender_is_judged_by_its_user() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let mut senders = Senders { main: child.id(), named: None };
        let uid = user_of(own).unwrap();
        let sender = |pid| DatagramSender { pid: Some(pid), uid };
        assert!(senders.have(sender(child.id())));
        assert!(!senders.have(sender(own)), "it is in another group");
        assert!(!senders.have(DatagramSender { pid: None, uid }), "it is in another namespace");
        assert!(!senders.name(own));
        assert!(senders.name(child.id()));
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        assert!(senders.have(sender(ended.id())));
        assert!(!senders.have(DatagramSender { pid: Some(ended.id()), uid: uid + 1 }));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
