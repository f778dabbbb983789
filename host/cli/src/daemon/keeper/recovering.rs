//! The files in the runtime directory by which a host goes on whose predecessor was killed together with its keeper: the table of
//! processes and the copy of the stash. What is wrong with them is logged, and they are kept aside.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_supervisor::{Adopted, Degraded, FormerStash, Keeper, Recovered, Stash, Unfit};
use tokio::time::timeout;

use crate::daemon::errors::SHORTAGE_HINT;
use crate::failure::Failure;

/// The name of the table of processes.
const TABLE_NAME: &str = "processes.table";

/// The name of the copy of the stash.
const STASH_NAME: &str = "stash.copy";

/// The longest copy of a stash that is read.
const STASH_BYTES_MAX: u64 = 1 << 30;

/// The entry in [`Degraded`] if a file is not written at all.
const LACK: &str = "the files for the next host";

/// How long the start of the processes waits for the table.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// The files.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    table: PathBuf,
    stash: PathBuf,
}

impl Copies {
    /// Returns the files in this runtime directory.
    pub(crate) fn within(runtime_dir: &Path) -> Self {
        Self { table: runtime_dir.join(TABLE_NAME), stash: runtime_dir.join(STASH_NAME) }
    }

    /// Returns what a former host has written down that was killed together with its keeper; nothing if there was none.
    pub(crate) fn former_stash(&self) -> FormerStash {
        // An ordered end removes both files, the table first.
        match self.table.exists() {
            true => self.read_stash(),
            false => FormerStash::default(),
        }
    }

    fn read_stash(&self) -> FormerStash {
        match provost_files::read_own(&self.stash, STASH_BYTES_MAX) {
            Ok(stash) => vec![stash].into(),
            Err(error) => {
                if !error.is_missing() {
                    tracing::error!(
                        "the copy of the stash cannot be read, so its decisions are lost: {error}"
                    );
                }
                FormerStash::default()
            }
        }
    }

    /// Finds what is left of a former host that was killed together with its keeper, gives the keeper the processes, and adds
    /// everything to what this host adopts. The runtime directory has to be locked.
    pub(crate) async fn recover(
        &self,
        keeper: Option<&Keeper>,
        adopted: &mut Adopted,
    ) -> Result<(), Failure> {
        let keeper_pid = keeper.map(Keeper::pid);
        let find = || Recovered::find(&self.table, || self.read_stash(), keeper_pid);
        let found = tokio::task::block_in_place(find);
        let found = found.map_err(|error| {
            let what = format!("cannot look for the processes of a host that was killed: {error}");
            Failure::failed(what, SHORTAGE_HINT)
        })?;
        self.report(&found);
        if !found.is_former {
            return Ok(());
        }
        for name in &found.silent {
            tracing::warn!(process = &**name, "its output cannot be opened again, and is lost");
        }
        let held = match keeper {
            Some(keeper) => keeper.take_over(&found).await,
            None => found.without_keeper(),
        };
        if held.is_empty() && !adopted.stash.is_empty() {
            // This keeper took the place of that of the table, and was given everything.
            return Ok(());
        }
        tracing::warn!(
            "the former host was killed, and its keeper as well: {} of its processes are taken over, {} have ended meanwhile",
            held.len(),
            found.ended.len()
        );
        adopted.held.extend(held);
        adopted.stash = adopted.stash.with(&found.stash);
        adopted.last_end.get_or_insert_with(|| "it was killed together with its keeper".into());
        Ok(())
    }

    /// Says what is wrong with the table, and keeps it aside.
    fn report(&self, found: &Recovered) {
        let table = self.table.display();
        match &found.unfit {
            None => {}
            Some(Unfit::OtherBoot) => {
                let kept = [&self.table, &self.stash].map(|path| aside(path, "other-boot"));
                let names: Vec<String> =
                    kept.iter().flatten().map(|path| path.display().to_string()).collect();
                tracing::warn!(
                    "{table}: it was written before the machine was started again, and is not used: nothing of it runs any more; \
                     kept as {}",
                    names.join(" and ")
                );
                for path in [&self.table, &self.stash] {
                    // The host writes new ones.
                    let _ = std::fs::remove_file(path);
                }
            }
            Some(Unfit::Foreign) => self.set_aside("it is not a table of this version"),
            Some(Unfit::Torn(lines)) => self.set_aside(&format!("{lines} of its lines cannot be read")),
            Some(Unfit::Unread(why)) => self.set_aside(&format!("it cannot be read: {why}")),
        }
    }

    fn set_aside(&self, what: &str) {
        let kept = aside(&self.table, "unreadable")
            .map_or_else(|error| error.to_string(), |path| path.display().to_string());
        tracing::error!(
            "{}: {what}; the processes that it does not tell were searched for by their environment; kept as {kept}",
            self.table.display()
        );
    }

    /// Keeps both files from now on.
    pub(crate) fn keep(&self, keeper: Option<&Keeper>, stash: Option<&Stash>, degraded: &Degraded) {
        let table = keeper.map(|keeper| keeper.table_to(self.table.clone(), degraded.clone()));
        let copy = stash.map(|stash| stash.copy_to(self.stash.clone()));
        for failed in [table, copy].into_iter().flatten().filter_map(Result::err) {
            degraded.set(
                LACK,
                format!("if the host and its keeper are killed, the next one knows of nothing: {failed}"),
            );
        }
    }

    /// Waits until the table is on the disk, for a bounded time: even if it is empty, it has the next host look for the processes of
    /// this one.
    pub(crate) async fn begun(keeper: Option<&Keeper>) {
        if let Some(keeper) = keeper {
            // A disk that does not answer is shown, and stops nothing.
            let _ = timeout(BEGUN_WITHIN, keeper.table_begun()).await;
        }
    }

    /// Returns what writes both files anew after the runtime directory was cleaned away.
    pub(crate) fn restorer(keeper: Option<Keeper>, stash: Option<Stash>) -> impl Fn() + Send + 'static {
        move || {
            if let Some(keeper) = &keeper {
                keeper.look_at_table();
            }
            if let Some(stash) = &stash {
                stash.look_at_copy();
            }
        }
    }

    /// Removes both files: the host has ended in order. Waits for the disk for at most ten seconds.
    pub(crate) fn discard(&self, keeper: Option<&Keeper>, stash: Option<&Stash>) {
        tokio::task::block_in_place(|| {
            if let Some(keeper) = keeper {
                keeper.discard_table();
            }
            if let Some(stash) = stash {
                stash.discard();
            }
            if keeper.is_none() {
                for path in [&self.table, &self.stash] {
                    // There is none, unless a host with a keeper was killed.
                    let _ = std::fs::remove_file(path);
                }
            }
        });
    }
}

/// Gives a file a second name, in the place of an earlier one. The first name stays until a new file takes it.
fn aside(path: &Path, why: &str) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(why);
    let kept = PathBuf::from(name);
    match std::fs::remove_file(&kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::hard_link(path, &kept)?;
    Ok(kept)
}
