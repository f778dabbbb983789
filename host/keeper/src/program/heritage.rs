//! Another program in the place of this one: writing the table that it reads, keeping open what it names, the exec; and beginning
//! from such a table.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use provost_posix::{Failure, Ignored, Inherited, List, exec, keep_over_exec};
use rustix::event::epoll::EventFlags;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;

use super::answerer::Answerer;
use super::children::Child;
use super::drain::Drain;
use super::elders::Elders;
use super::gap::GapPaths;
use super::kernel::{Kernel, Resources, Token};
use super::limits::Limits;
use super::options::{HostOptions, TABLE_OPTION};
use super::outlet::Outlets;
use crate::machine::Machine;
use crate::table::{BYTES_MAX, HostEntry, KeeperEntry, OutletEntry, SlotEntry, Table};

/// What the loop consists of, besides its thread.
pub(super) struct Parts {
    pub(super) machine: Machine,
    pub(super) kernel: Kernel,
    pub(super) answerer: Answerer,
    pub(super) orphans: u64,
}

/// Writes everything that the next program has to know; the order with this sequence number is answered by it. None if there is
/// no host.
fn table(machine: &Machine, kernel: &Kernel, answerer: &Answerer, seq: u32) -> Option<Table> {
    let host = kernel.host.as_ref()?;
    let mut answers = machine.answers_left();
    answers.push((seq, 0, 0, 0));
    let (signals, orphans, is_asked_to_end) = machine.news_left();
    let mut slots = Vec::new();
    let mut from = 0;
    while let Some((place, id, held)) = machine.held_from(kernel, from) {
        let (slotted, resources) = (machine.slotted(place)?, kernel.get(place)?);
        let outlet = |at: usize| {
            let outlets = &resources.outlets;
            let file = outlets.gap_file(at).map(|file| file.file.as_raw_fd());
            Some(OutletEntry {
                from: outlets.from(at)?.as_raw_fd(),
                is_terminal: outlets.is_terminal(at),
                path: outlets.path(at),
                file,
            })
        };
        slots.push(SlotEntry {
            place: u32::try_from(place).ok()?,
            id,
            held,
            stop: slotted.stop,
            stop_until: slotted.stop_until,
            due: slotted.due,
            is_child: resources.is_child,
            failure: resources.failure.map(|failure| (failure.step, failure.errno)),
            pidfd: resources.child.pidfd.as_raw_fd(),
            report: resources.child.report.as_ref().map(AsRawFd::as_raw_fd),
            input: resources.input.as_ref().map(AsRawFd::as_raw_fd),
            outlets: [outlet(0), outlet(1)],
        });
        from = place + 1;
    }
    let stashes = kernel.stashes.iter().map(|(key, number, fd)| (*key, *number, fd.as_raw_fd()));
    Some(Table {
        protocol: machine.version(),
        host: HostEntry {
            pid: host.child.pid,
            pidfd: host.child.pidfd.as_raw_fd(),
            socket: host.socket.as_raw_fd(),
            ..machine.host_entry()
        },
        answers,
        signals,
        orphans,
        is_asked_to_end,
        slots,
        keeper: KeeperEntry {
            listener: answerer.listener().map(AsRawFd::as_raw_fd),
            is_detached: kernel.options.is_detached,
            program: kernel.program.as_raw_fd(),
            arguments: kernel.options.arguments.clone(),
            environment: kernel.options.environment.clone(),
            open_files: kernel.limits.open_files,
            oom_score: kernel.limits.oom_score.clone(),
            stashes: stashes.collect(),
        },
    })
}

/// The loop, as it is written into a table.
type Written<'a> = (&'a Machine, &'a Kernel, &'a Answerer);

/// Executes the program in the place of this one, which reads tables of this version. Returns the error if that is not possible;
/// nothing is changed then.
pub(super) fn give_to(program: &OwnedFd, parts: Written<'_>, seq: u32, version: u8) -> Errno {
    match try_to_give(program, parts, seq, version) {
        Ok(error) | Err(error) => Errno::from_io_error(&error).unwrap_or(Errno::NOMEM),
    }
}

fn try_to_give(
    program: &OwnedFd,
    (machine, kernel, answerer): Written<'_>,
    seq: u32,
    version: u8,
) -> io::Result<io::Error> {
    let table = table(machine, kernel, answerer, seq).ok_or(Errno::BUSY)?;
    let bytes = table.encode_as(version).map_err(|_| Errno::NOMEM)?;
    let mut file = File::from(memfd_create("provost-table", MemfdFlags::CLOEXEC)?);
    file.write_all(&bytes)?;
    file.rewind()?;
    let text = |text: String| CString::new(text).map_err(|_| Errno::INVAL);
    let arguments =
        [text("provost-keeper".into())?, text(TABLE_OPTION.into())?, text(file.as_raw_fd().to_string())?];
    let strings = arguments.iter().map(CString::as_c_str);
    let arguments = List::new(arguments.len(), strings).map_err(|_| Errno::NOMEM)?;
    let environment = List::new(0, std::iter::empty()).map_err(|_| Errno::NOMEM)?;
    let kept: Vec<RawFd> = table.descriptors().chain([file.as_raw_fd()]).collect();
    let kept_open = kept.iter().try_for_each(|number| keep_over_exec(*number, true));
    let error = match kept_open {
        Ok(()) => exec(program.as_fd(), &arguments, &environment),
        Err(error) => error,
    };
    for number in kept {
        // It was open a moment ago.
        let _ = keep_over_exec(number, false);
    }
    Ok(error)
}

/// Begins where the program has ended that has left a table under this number. Must be called before anything is opened.
pub(super) fn take_over(number: RawFd) -> io::Result<Parts> {
    let invalid =
        |error: &dyn std::error::Error| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let mut inherited = Inherited::of_this_program().ok_or(Errno::BUSY)?;
    let mut bytes = Vec::new();
    File::from(inherited.take(number)?).take(BYTES_MAX as u64).read_to_end(&mut bytes)?;
    let table = Table::decode(&bytes).map_err(|error| invalid(&error))?;
    drop(bytes);
    let entry = &table.keeper;
    let options = HostOptions {
        is_detached: entry.is_detached,
        arguments: entry.arguments.clone(),
        environment: entry.environment.clone(),
    };
    let limits =
        Limits { open_files: entry.open_files, oom_score: entry.oom_score.clone(), ignored: Ignored::now() };
    let program = inherited.take(entry.program)?;
    let listener = entry.listener.map(|number| inherited.take(number)).transpose()?;
    let (pidfd, socket) = (inherited.take(table.host.pidfd)?, inherited.take(table.host.socket)?);
    let mut slots = Vec::new();
    for slot in &table.slots {
        slots.push((slot, resources(slot, &mut inherited)?));
    }
    let mut stashes = Vec::new();
    for (key, generation, number) in &entry.stashes {
        stashes.push((*key, *generation, inherited.take(*number)?));
    }
    let mut kernel = Kernel::with(options, limits, Drain::new()?, program)?;
    kernel.stashes.extend(stashes);
    // The number of one that is reaped may be an orphan's.
    let is_elder = |slot: &&SlotEntry| slot.is_child && slot.held.state.has_process();
    let pids = table.slots.iter().filter(is_elder).map(|slot| slot.held.pid);
    kernel.elders = Elders::of(pids.chain([table.host.pid]));
    kernel.watch(socket.as_fd(), Token::Host, EventFlags::IN)?;
    kernel.keep_host(Child { pid: table.host.pid, pidfd, report: None }, socket, true)?;
    for (slot, resources) in slots {
        let place = usize::try_from(slot.place).map_err(|error| invalid(&error))?;
        kernel.reserve(place)?;
        // The end of one that has ended is an event once more, and is known.
        kernel.keep(place, resources)?;
    }
    let machine = Machine::resumed(&table).ok_or(Errno::NOMEM)?;
    Ok(Parts { machine, kernel, answerer: Answerer::resumed(listener), orphans: table.orphans.count })
}

/// Takes what is open of a slot.
fn resources(slot: &SlotEntry, inherited: &mut Inherited) -> io::Result<Resources> {
    let mut take = |number: Option<RawFd>| number.map(|number| inherited.take(number)).transpose();
    let pidfd = take(Some(slot.pidfd))?.ok_or(Errno::BADF)?;
    let (report, input) = (take(slot.report)?, take(slot.input)?);
    let (mut readers, mut gaps) = ([None, None], [None, None]);
    for (((reader, gap), entry), held) in
        readers.iter_mut().zip(&mut gaps).zip(&slot.outlets).zip(slot.held.gaps)
    {
        if let Some(entry) = entry {
            let from = take(Some(entry.from))?.ok_or(Errno::BADF)?;
            *reader = Some((from, entry.is_terminal));
            *gap = take(entry.file)?.map(|file| (file, held));
        }
    }
    let paths = slot.outlets.each_ref().map(|entry| entry.as_ref()?.path.as_deref());
    let outlets = Outlets::new(readers, GapPaths::new(paths)?, gaps);
    Ok(Resources {
        child: Child { pid: slot.held.pid, pidfd, report },
        outlets,
        input,
        is_child: slot.is_child,
        failure: slot.failure.map(|(step, errno)| Failure { step, errno }),
    })
}
