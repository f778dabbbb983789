//! Users and groups by their names or numbers: from the files of this machine (`/etc/passwd`, `/etc/group`), and, where they do
//! not have one, from the directories that the C library knows, by `getent`. That is a process of its own, because a directory
//! may hang on its network: it has a time limit, and blocks no thread of the host beyond that.

use std::collections::BTreeSet;
use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::Clock;

/// The files of this machine.
const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// How long a directory may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
    pub(super) shell: String,
}

impl Account {
    /// Reads a line of `/etc/passwd`.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let (_password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        let (_comment, home, shell) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self {
            name,
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home: home.to_owned(),
            shell: shell.to_owned(),
        })
    }

    fn is(&self, word: &str) -> bool {
        self.name == word || word.parse() == Ok(self.uid)
    }
}

/// A group with its members.
struct GroupEntry {
    name: String,
    gid: u32,
    members: Vec<String>,
}

impl GroupEntry {
    /// Reads a line of `/etc/group`.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let (_password, gid) = (fields.next()?, fields.next()?);
        let members = fields.next().unwrap_or_default().split(',').map(str::to_owned).collect();
        Some(Self { name, gid: gid.parse().ok()?, members })
    }
}

/// The result of a look-up: `None` if there is none of this name or number.
type Found<T> = Result<Option<T>, Arc<str>>;

/// Finds a user by its name or number. It may wait for a directory.
pub(super) fn user(word: &str) -> Found<Account> {
    let here = lines(PASSWD)?.iter().filter_map(|line| Account::parse(line)).find(|one| one.is(word));
    match here {
        Some(found) => Ok(Some(found)),
        None => Ok(asked("passwd", word)?.lines().filter_map(Account::parse).find(|one| one.is(word))),
    }
}

/// Finds the number of a group by its name; a number is taken as it is. It may wait for a directory.
pub(super) fn group(word: &str) -> Found<u32> {
    if let Ok(gid) = word.parse() {
        return Ok(Some(gid));
    }
    let find = |lines: &mut dyn Iterator<Item = &str>| {
        lines.filter_map(GroupEntry::parse).find(|one| one.name == word).map(|one| one.gid)
    };
    match find(&mut lines(GROUP)?.iter().map(String::as_str)) {
        Some(gid) => Ok(Some(gid)),
        None => Ok(find(&mut asked("group", word)?.lines())),
    }
}

/// Returns the numbers of the groups that a user is a member of, its own included. It may wait for a directory if the user is
/// not one of this machine.
pub(super) fn memberships(account: &Account, gid: u32) -> Result<BTreeSet<u32>, Arc<str>> {
    let mut all: BTreeSet<u32> = lines(GROUP)?
        .iter()
        .filter_map(|line| GroupEntry::parse(line))
        .filter(|entry| entry.members.contains(&account.name))
        .map(|entry| entry.gid)
        .collect();
    all.insert(gid);
    let is_here = lines(PASSWD)?.iter().filter_map(|line| Account::parse(line)).any(|one| one == *account);
    if !is_here {
        // A line has the name, then numbers.
        let answer = asked("initgroups", &account.name)?;
        all.extend(answer.split_ascii_whitespace().skip(1).filter_map(|gid| gid.parse::<u32>().ok()));
    }
    Ok(all)
}

/// Reads the lines of a file; none if it does not exist.
fn lines(path: &str) -> Result<Vec<String>, Arc<str>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Arc::from(format!("{path} cannot be read: {error}"))),
    }
}

/// Asks the directories of the C library. The answer is empty if they do not have it, or if there is no `getent`.
fn asked(database: &str, word: &str) -> Result<String, Arc<str>> {
    // A word that begins with a dash would be an option.
    let mut command = Command::new("getent");
    command.args(["--", database, word]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut asking = match command.spawn() {
        Ok(asking) => asking,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(Arc::from(format!("`getent {database} {word}` cannot be run: {error}"))),
    };
    let answer = asking.stdout.take().map_or_else(|| Ok(Vec::new()), |answer| read(&answer));
    if answer.is_err() {
        let _ = asking.kill();
    }
    let _ = asking.wait();
    match answer {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(why) => Err(Arc::from(format!("`getent {database} {word}` {why}"))),
    }
}

/// Reads an answer within its time and its size.
fn read(answer: &impl std::os::fd::AsFd) -> Result<Vec<u8>, String> {
    let clock = Clock::new();
    let mut bytes = Vec::new();
    loop {
        let spent = Duration::from_nanos(clock.now().mono_ns);
        let left = ANSWERS_WITHIN.saturating_sub(spent);
        let timeout = Timespec::try_from(left).map_err(|error| error.to_string())?;
        let mut wanted = [PollFd::new(answer, PollFlags::IN)];
        match poll(&mut wanted, Some(&timeout)) {
            Ok(0) => return Err(format!("did not answer within {} s", ANSWERS_WITHIN.as_secs())),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
        let mut piece = [0; 4096];
        match rustix::io::read(answer, &mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err("answered too much".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd_and_one_of_group_are_read() {
        let account = Account::parse("www-data:x:33:34:www:/var/www:/usr/sbin/nologin").unwrap();
        assert_eq!((account.uid, account.gid, &*account.home), (33, 34, "/var/www"));
        assert!(account.is("33") && account.is("www-data") && !account.is("3"));
        for line in ["", "a:x:b:1::/:/bin/sh", "a:x:1", "+::::::"] {
            assert_eq!(Account::parse(line), None, "{line}");
        }
        let entry = GroupEntry::parse("adm:x:4:syslog,ubuntu").unwrap();
        assert_eq!((entry.gid, entry.members.len()), (4, 2));
    }

    #[test]
    fn root_is_found_by_name_and_by_number_and_a_stranger_is_not() {
        let root = user("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(user("0").unwrap(), Some(root.clone()));
        assert!(memberships(&root, 0).unwrap().contains(&0));
        assert_eq!(user("no-such-user-at-all").unwrap(), None);
        assert_eq!(user("--help").unwrap(), None);
        assert_eq!(group("no-such-group-at-all").unwrap(), None);
        assert_eq!(group("4711").unwrap(), Some(4711));
    }
}
