//! Who may write an open file that the operator has named. Users and groups are looked up only in `/etc/passwd` and
//! `/etc/group`: no name server is asked, so the lookup never waits for one.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::FileError;
use crate::open::{metadata, read_named};

const GROUP_MAY_WRITE: u32 = 0o020;
const EVERYBODY_MAY_WRITE: u32 = 0o002;

/// The maximum size of a list of users or groups that is read, in bytes.
const LIST_BYTES_MAX: u64 = 4 << 20;

/// Who may write a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writers {
    /// The user id of the owner, who can always change the permissions.
    pub owner: u32,
    /// The permission bits.
    pub mode: u32,
    /// Who else may write it, apart from root. Access control lists are not considered.
    pub others: Others,
}

/// Who may write a file apart from its owner and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Others {
    /// Nobody.
    Nobody,
    /// A group with other members than the owner: its name, or its number if it has no name.
    Group(String),
    /// Everybody.
    Everybody,
}

impl Writers {
    /// Returns who may write an open file. The `path` is only for the error.
    ///
    /// # Errors
    /// [`FileError`], if the metadata cannot be read.
    pub fn of(path: &Path, file: &File) -> Result<Self, FileError> {
        let found = metadata(path, file)?;
        let (owner, group, mode) = (found.uid(), found.gid(), found.mode() & 0o7777);
        let others = match () {
            () if mode & EVERYBODY_MAY_WRITE != 0 => Others::Everybody,
            () if mode & GROUP_MAY_WRITE != 0 => Lists::read().others(owner, group),
            () => Others::Nobody,
        };
        Ok(Self { owner, mode, others })
    }
}

/// The users and groups of this machine: the text of `/etc/passwd` and of `/etc/group`.
struct Lists {
    users: String,
    groups: String,
}

impl Lists {
    /// Reads both lists; a list that cannot be read counts as empty.
    fn read() -> Self {
        let list = |path| read_named(Path::new(path), LIST_BYTES_MAX).unwrap_or_default();
        let text = |path| String::from_utf8_lossy(&list(path)).into_owned();
        Self { users: text("/etc/passwd"), groups: text("/etc/group") }
    }

    /// Returns who else may write a file of this owner that this group may write.
    fn others(&self, owner: u32, group: u32) -> Others {
        if self.is_own(owner, group) {
            return Others::Nobody;
        }
        let name = rows(&self.groups).find(|row| number(row, 2) == Some(group));
        Others::Group(name.map_or_else(|| group.to_string(), |row| row[0].to_owned()))
    }

    /// Whether this is the owner's own group, with nobody else in it. Distributions that give each user a group mostly give
    /// it the same number. System accounts in root's group count as root.
    fn is_own(&self, owner: u32, group: u32) -> bool {
        let user = rows(&self.users).find(|row| number(row, 2) == Some(owner));
        let name = user.as_ref().map_or("", |row| row[0]);
        let is_primary = user.is_some_and(|row| number(&row, 3) == Some(group));
        let is_alone = || {
            let by_user = rows(&self.users).filter(|row| number(row, 3) == Some(group));
            let by_group = rows(&self.groups).filter(|row| number(row, 2) == Some(group));
            let members = by_group.flat_map(|row| row.get(3).copied().unwrap_or_default().split(','));
            by_user.map(|row| row[0]).chain(members).all(|member| ["", name, "root"].contains(&member))
        };
        group == 0 && owner == 0 || (is_primary || group == owner) && is_alone()
    }
}

/// Returns the rows of a list, split into columns. Each row has at least one.
fn rows(list: &str) -> impl Iterator<Item = Vec<&str>> {
    list.lines().map(|row| row.trim().split(':').collect())
}

fn number(row: &[&str], column: usize) -> Option<u32> {
    row.get(column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_the_owners_own_if_nobody_else_is_in_it() {
        let lists = Lists {
            users: "root:x:0:0::/root:/bin/sh\noperator:x:11:0::/:/sbin/nologin\nann:x:1000:1000::/:\n\
                    bob:x:1001:1005::/:\ncid:x:1002:100::/:\ndan:x:1003:100::/:\neve:x:1004:1004::/:\nodd\n"
                .into(),
            groups: "root:x:0:\nusers:x:100:\nann:x:1000:\nbob:x:1005:root,bob\neve:x:1004:eve,cid\nodd:x\nwww:x:33:\n"
                .into(),
        };
        for (owner, group) in [(0, 0), (1000, 1000), (1001, 1005), (4242, 4242)] {
            assert_eq!(lists.others(owner, group), Others::Nobody, "{owner}:{group}");
        }
        for (owner, group, name) in [
            (1002, 100, "users"),
            (1003, 100, "users"),
            (1004, 1004, "eve"),
            (1000, 33, "www"),
            (0, 1000, "ann"),
            (1000, 0, "root"),
            (1000, 4242, "4242"),
        ] {
            assert_eq!(lists.others(owner, group), Others::Group(name.into()), "{owner}:{group}");
        }
    }
}
