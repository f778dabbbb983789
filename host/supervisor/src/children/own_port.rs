//! Finds out which process listens on a port: the kernel lists the sockets in `/proc/net/tcp`, and their holders in
//! `/proc/PID/fd`. All of it reads files and must run on a thread for that.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::family::Stat;

/// The state of a listening socket, as `/proc/net/tcp` writes it.
const LISTEN: &str = "0A";

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listener {
    address: IpAddr,
    inode: u64,
    uid: u32,
}

/// A process, and its place among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Relative {
    pid: u32,
    parent: u32,
    group: u32,
    session: u32,
    name: String,
}

/// Checks that the socket that accepts connections at `peer` belongs to the process `main`: to its group, its session
/// or its descendants. The error says whose it is, in words for people.
pub(crate) fn check(peer: SocketAddr, main: u32) -> Result<(), String> {
    let port = peer.port();
    let unread = |error| format!("cannot find out which process owns port {port}: {error}");
    let listeners = at(peer, &listeners(peer, main).map_err(unread)?);
    let Some(first) = listeners.first() else {
        return Err(format!("port {port} of {} is not a socket of this machine", peer.ip()));
    };
    let inodes: Vec<u64> = listeners.iter().map(|listener| listener.inode).collect();
    if holds(main, &inodes).map_err(unread)? {
        return Ok(());
    }
    let all = processes().map_err(unread)?;
    let family = family(main, &all);
    let holder = |pid: u32| holds(pid, &inodes).unwrap_or(false);
    if family.iter().any(|pid| holder(*pid)) {
        return Ok(());
    }
    let owner = all.iter().filter(|one| !family.contains(&one.pid)).find(|one| holder(one.pid));
    Err(match owner {
        Some(owner) if has_left(owner.pid, main, &all) => return Ok(()),
        Some(owner) => format!("port {port} belongs to pid {} ({})", owner.pid, owner.name),
        None => format!("port {port} belongs to another process, of user {}", first.uid),
    })
}

/// Returns the listening sockets on the port of `peer` that a connection to it may reach.
fn listeners(peer: SocketAddr, main: u32) -> io::Result<Vec<Listener>> {
    // The host's own loopback is reached from its own network namespace, whichever the child is in.
    let whose = if peer.ip().is_loopback() { "self".to_owned() } else { main.to_string() };
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        let file = match fs::File::open(format!("/proc/{whose}/net/{table}")) {
            Ok(file) => file,
            // A kernel without IPv6 has no such table.
            Err(error) if error.kind() == io::ErrorKind::NotFound && table == "tcp6" => continue,
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).lines() {
            found.extend(listener(&line?).filter(|(port, _)| *port == peer.port()).map(|(_, one)| one));
        }
    }
    Ok(found)
}

/// Parses a line of the table; returns its port and its socket, if it listens.
fn listener(line: &str) -> Option<(u16, Listener)> {
    let mut words = line.split_ascii_whitespace();
    let (address, port) = words.nth(1)?.split_once(':')?;
    let state = words.nth(1)?;
    let (uid, inode) = (words.nth(3)?, words.nth(1)?);
    let listener =
        Listener { address: address_of(address)?, inode: inode.parse().ok()?, uid: uid.parse().ok()? };
    (state == LISTEN).then_some((u16::from_str_radix(port, 16).ok()?, listener))
}

/// Parses an address as the kernel prints it: words of 32 bits, each in the byte order of the machine.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

/// Returns those of `all` that the kernel gives a connection to `peer` to: a socket with this very address goes before
/// one with any address, and any IPv4 address before any address at all.
fn at(peer: SocketAddr, all: &[Listener]) -> Vec<Listener> {
    let any_v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let ip = peer.ip().to_canonical();
    let wanted = if ip.is_ipv4() { vec![ip, any_v4, any] } else { vec![ip, any] };
    let of = |address: IpAddr| all.iter().filter(|one| one.address == address).copied().collect::<Vec<_>>();
    wanted.into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Whether the process has one of these sockets open. A process that has ended has none.
fn holds(pid: u32, inodes: &[u64]) -> io::Result<bool> {
    let links: Vec<PathBuf> = inodes.iter().map(|inode| format!("socket:[{inode}]").into()).collect();
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(open) => {
            Ok(open.flatten().filter_map(|one| fs::read_link(one.path()).ok()).any(|to| links.contains(&to)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns all processes that can be seen.
fn processes() -> io::Result<Vec<Relative>> {
    let numbers =
        fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // A process that has ended in the meantime is left out.
    Ok(numbers.filter_map(|pid: u32| relative(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)).collect())
}

/// Parses a line of `/proc/PID/stat`. The name is in the outermost parentheses and may contain anything.
fn relative(pid: u32, stat: &[u8]) -> Option<Relative> {
    let text = String::from_utf8_lossy(stat);
    let name = text.rsplit_once(')')?.0.split_once('(')?.1;
    let name = provost_state::text::fit(name, '?').collect();
    let Stat { parent, group, session, .. } = Stat::parse(stat)?;
    Some(Relative { pid, parent, group, session, name })
}

/// Returns the processes of the group and the session of `main`, and their descendants.
fn family(main: u32, all: &[Relative]) -> Vec<u32> {
    let mut children: std::collections::HashMap<u32, Vec<u32>> = std::collections::HashMap::new();
    for one in all {
        children.entry(one.parent).or_default().push(one.pid);
    }
    let mut found: std::collections::HashSet<u32> = std::collections::HashSet::new();
    let near = |one: &&Relative| one.pid == main || one.group == main || one.session == main;
    let mut left: Vec<u32> = all.iter().filter(near).map(|one| one.pid).collect();
    while let Some(pid) = left.pop() {
        if found.insert(pid) {
            left.extend(children.get(&pid).into_iter().flatten());
        }
    }
    found.into_iter().collect()
}

/// Whether `pid` is a descendant of `main` that has left its session and lost its parent (a daemon): an orphan that
/// this process has adopted, and that has the variables by which the host names a life. The environment of a foreign
/// process does not count.
fn has_left(pid: u32, main: u32, all: &[Relative]) -> bool {
    let here = std::process::id();
    let parent = |pid: &u32| all.iter().find(|one| one.pid == *pid).map(|one| one.parent);
    let is_ours = std::iter::successors(Some(pid), parent).take(all.len()).any(|ancestor| ancestor == here);
    let life = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let is_of_life = |variable: &&[u8]| {
            variable.starts_with(b"PROVOST_PROCESS=") || variable.starts_with(b"PROVOST_INCARNATION=")
        };
        let mut life: Vec<Vec<u8>> =
            environment.split(|byte| *byte == 0).filter(is_of_life).map(<[u8]>::to_vec).collect();
        life.sort();
        life
    };
    let of_main = life(main);
    is_ours && of_main.len() == 2 && life(pid) == of_main
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_that_listens_has_address_inode_and_user() {
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0 100";
        let listener = listener(v4).unwrap();
        assert_eq!(listener, (8080, Listener { address: [127, 0, 0, 1].into(), inode: 31_337, uid: 1000 }));
        assert_eq!(super::listener(&v4.replace(" 0A ", " 01 ")), None, "a connection");
        assert_eq!(super::listener("  sl  local_address rem_address   st tx_queue rx_queue"), None);
        assert_eq!(address_of("00000000000000000000000001000000"), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(address_of("0000000000000000FFFF00000100007F"), Some([127, 0, 0, 1].into()));
        assert_eq!(address_of("00"), None);
    }

    #[test]
    fn the_socket_with_the_very_address_goes_before_one_with_any() {
        let one = |address: &str, inode| Listener { address: address.parse().unwrap(), inode, uid: 0 };
        let all = [one("::", 1), one("0.0.0.0", 2), one("127.0.0.1", 3), one("::1", 4)];
        let inode =
            |peer: &str, all: &[Listener]| at(peer.parse().unwrap(), all).first().map(|one| one.inode);
        assert_eq!(inode("127.0.0.1:1", &all), Some(3));
        assert_eq!(inode("127.0.0.2:1", &all), Some(2));
        assert_eq!(inode("[::1]:1", &all), Some(4));
        assert_eq!(inode("127.0.0.1:1", &all[..1]), Some(1));
        assert_eq!(inode("[::2]:1", &all[1..]), None);
    }

    #[test]
    fn a_family_is_the_group_the_session_and_all_descendants() {
        let one = |pid, parent, group, session| {
            let stat = format!("{pid} (a) b) S {parent} {group} {session} 0 -1");
            relative(pid, stat.as_bytes()).unwrap()
        };
        let all = [
            one(10, 1, 10, 10),
            one(11, 1, 10, 10),
            one(12, 10, 12, 12),
            one(13, 12, 12, 12),
            one(14, 1, 14, 14),
        ];
        assert_eq!(all[0].name, "a) b");
        let mut family = family(10, &all);
        family.sort_unstable();
        assert_eq!(family, [10, 11, 12, 13]);
    }

    #[test]
    fn a_daemon_belongs_to_the_life_that_its_environment_names_and_only_if_it_is_ours() {
        let start = |process: &str| {
            std::process::Command::new("sleep")
                .arg("1000")
                .env("PROVOST_PROCESS", process)
                .env("PROVOST_INCARNATION", "3")
                .spawn()
                .unwrap()
        };
        let mut lives = [start("web"), start("web"), start("other")];
        let [main, daemon, other] = [lives[0].id(), lives[1].id(), lives[2].id()];
        // Their exec may still be in progress; until then they have the environment of this process.
        while !fs::read(format!("/proc/{other}/environ")).unwrap().windows(8).any(|part| part == b"S=other\0")
        {
            std::thread::yield_now();
        }
        let all = processes().unwrap();
        let strangers: Vec<Relative> = all.iter().cloned().map(|one| Relative { parent: 1, ..one }).collect();
        let found =
            (has_left(daemon, main, &all), has_left(other, main, &all), has_left(daemon, main, &strangers));
        for life in &mut lives {
            life.kill().unwrap();
            life.wait().unwrap();
        }
        assert_eq!(found, (true, false, false));
    }

    #[test]
    fn a_port_of_this_process_belongs_to_it_and_to_nobody_else() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert_eq!(check(address, std::process::id()), Ok(()));
        let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        // It is in this test's group, but is not its leader.
        let found = check(address, other.id()).unwrap_err();
        other.kill().unwrap();
        other.wait().unwrap();
        let owner = format!("port {} belongs to pid {} (", address.port(), std::process::id());
        assert!(found.starts_with(&owner), "{found}");
        // Nobody listens on port 0; a port that was just closed may be given to the next test at once.
        let nobodys = check(SocketAddr::from(([127, 0, 0, 1], 0)), std::process::id()).unwrap_err();
        assert_eq!(nobodys, "port 0 of 127.0.0.1 is not a socket of this machine");
    }
}
