//! A keeper and a host of different versions: they speak the highest version that both know, in every message, and a table tells
//! the program that takes the place of the keeper which one that is. Version 2 exists in tests only: each of its messages has more
//! than one of version 1, and its table has one field more.

use super::model::{Model, Process};
use super::play::{SECOND, ending, spec};
use crate::machine::{Machine, Now};
use crate::protocol::{End, Id, Kind, MESSAGE_MAX, Order, Report, Usage, VERSION, Versions};
use crate::table::{Orphans, Table, version_for};

const ONE: Versions = Versions { lowest: 1, highest: 1 };
const BOTH: Versions = Versions { lowest: 1, highest: 2 };
const TWO: Versions = Versions { lowest: 2, highest: 2 };

/// A table that tells of no process and has nothing for the host.
fn table() -> Table {
    let orphans = Orphans::default();
    Table { slots: Vec::new(), answers: Vec::new(), signals: 0, orphans, ..crate::table::tests::table() }
}

/// A keeper and the bytes that it exchanges with a host.
struct Wire {
    machine: Machine,
    world: Model,
    now: Now,
    seq: u32,
}

impl Wire {
    /// Starts a keeper that speaks these versions, and its first host.
    fn new(keeper: Versions) -> Self {
        let now = Now { boot: 5 * SECOND, steady: SECOND };
        let machine = Machine { versions: keeper, ..Machine::new(true) };
        let world = Model { may_reap: true, ..Model::default() };
        let mut wire = Self { machine, world, now, seq: 0 };
        wire.machine.tick(&mut wire.world, now);
        wire
    }

    /// Sends an order in this version, and returns the answers, all of which have the version `heard`.
    fn send(&mut self, version: u8, order: &Order<'_>, heard: u8) -> Vec<Report> {
        self.seq += 1;
        let (mut sent, mut answers) = (vec![0; MESSAGE_MAX], Vec::new());
        let message = order.encode_as(version, self.seq, &mut sent).unwrap();
        let (head, order) = Order::decode(message).unwrap();
        self.machine.order(&mut self.world, self.now, head.seq, &order);
        let mut told = [0; 256];
        while let Some((seq, report, beside)) = self.machine.next_report(&self.world, self.now) {
            let message = report.encode_as(self.machine.version(), seq, &mut told).unwrap();
            let (head, read) = Report::decode(message).unwrap();
            assert_eq!((head.version, &read), (heard, &report));
            self.machine.sent(&report, beside);
            answers.push(read);
        }
        answers
    }

    fn hello(&mut self, host: Versions, heard: u8) -> Vec<Report> {
        self.send(VERSION, &Order::Hello { versions: host, build: b"" }, heard)
    }

    /// Starts a process and ends it, in this version.
    fn lives(&mut self, version: u8, id: u32) {
        let spawn = Order::Spawn { id: Id(id), spec: spec() };
        assert_eq!(self.send(version, &spawn, version), [], "nobody waits for it");
        let place = self.machine.slots.place(Id(id)).unwrap();
        self.machine.runs(place);
        self.world.processes.get_mut(&place).unwrap().1 = Process::Zombie;
        let (end, ending) = (End { status: Some(7 << 8), ended_at: 0, usage: Usage::default() }, ending(3));
        self.machine.ended(self.now, place, end);
        let answers = self.send(version, &Order::Amend { id: Id(id), ending }, version);
        let kinds: Vec<Kind> = answers.iter().map(Report::kind).collect();
        assert_eq!(kinds, [Kind::Done, Kind::Done, Kind::Spawned, Kind::Ended], "{answers:?}");
    }

    /// Another program that speaks and reads these versions takes the place of the keeper, if there is a table for it.
    fn exec(&mut self, speaks: Versions, reads: Versions) -> Option<u8> {
        assert!(self.machine.may_be_replaced());
        let version = version_for(reads, self.machine.version())?;
        let entries = |machine: &Machine| Table {
            protocol: machine.version(),
            host: machine.host_entry(),
            answers: machine.answers_left(),
            ..table()
        };
        let bytes = entries(&self.machine).encode_as(version).unwrap();
        assert_eq!(bytes[8], version);
        let resumed = Machine::resumed(&Table::decode(&bytes).unwrap()).unwrap();
        self.machine = Machine { versions: speaks, ..resumed };
        Some(version)
    }
}

#[test]
fn a_host_and_a_keeper_of_different_versions_speak_the_highest_that_both_know() {
    for (keeper, host, common) in
        [(ONE, ONE, 1), (ONE, BOTH, 1), (BOTH, ONE, 1), (BOTH, BOTH, 2), (BOTH, TWO, 2), (TWO, BOTH, 2)]
    {
        let mut wire = Wire::new(keeper);
        let answers = wire.hello(host, common);
        let [Report::Welcome(welcome)] = answers[..] else { panic!("{answers:?}") };
        assert_eq!(welcome.speaks, Some(keeper));
        wire.lives(common, 1);
        // The next host may be of another version: an upgrade, and the way back.
        for (next, common) in [(ONE, 1), (BOTH, keeper.highest), (TWO, 2)] {
            if next.common(keeper).is_none() {
                continue;
            }
            wire.machine.host_ended(&mut wire.world, wire.now, 9);
            wire.now.steady += 60 * SECOND;
            wire.machine.tick(&mut wire.world, wire.now);
            let answers = wire.hello(next, common);
            assert!(matches!(answers[..], [Report::Welcome(_), Report::Held { .. }, ..]), "{answers:?}");
            wire.lives(common, 10 + wire.seq);
        }
    }
}

#[test]
fn a_host_without_a_common_version_is_told_in_a_message_that_all_versions_read() {
    for (keeper, host) in [(ONE, TWO), (TWO, ONE)] {
        let answers = Wire::new(keeper).hello(host, VERSION);
        assert_eq!(answers, [Report::Unsupported { versions: keeper }]);
    }
}

#[test]
fn a_message_of_another_version_than_its_head_says_is_refused() {
    let mut buffer = [0; 64];
    for (version, other) in [(1, 2), (2, 1)] {
        let length = Order::Sync.encode_as(version, 1, &mut buffer).unwrap().len();
        assert!(Order::decode(&buffer[..length]).is_ok());
        buffer[1] = other;
        assert!(Order::decode(&buffer[..length]).is_err());
        buffer[1] = 3;
        assert!(Order::decode(&buffer[..length]).is_err());
        let length = Report::Ping.encode_as(version, 1, &mut buffer).unwrap().len();
        assert!(Report::decode(&buffer[..length]).is_ok());
        buffer[1] = other;
        assert!(Report::decode(&buffer[..length]).is_err());
    }
}

#[test]
fn a_program_of_another_version_takes_the_place_of_the_keeper_and_the_connection_stays_in_its_version() {
    // What the keeper and the host speak, what the next program speaks and reads, and the version of the table, if there is one.
    for (keeper, host, next, reads, table) in [
        (ONE, ONE, ONE, ONE, Some(1)),
        // A newer program after one that is older, with a host that is older, too.
        (BOTH, ONE, BOTH, BOTH, Some(2)),
        (ONE, BOTH, BOTH, BOTH, Some(2)),
        // The way back.
        (BOTH, ONE, ONE, ONE, Some(1)),
        (BOTH, BOTH, BOTH, BOTH, Some(2)),
        // A table of version 1 cannot say that the host speaks version 2.
        (BOTH, BOTH, ONE, ONE, None),
        (BOTH, BOTH, BOTH, Versions { lowest: 3, highest: 4 }, None),
    ] {
        let mut wire = Wire::new(keeper);
        let common = keeper.common(host).unwrap();
        wire.hello(host, common);
        assert_eq!(wire.exec(next, reads), table, "{keeper:?} {host:?} {reads:?}");
        wire.lives(common, 50);
    }
}

#[test]
fn a_table_of_version_1_is_read_by_a_program_of_version_2() {
    let mut wire = Wire::new(ONE);
    wire.hello(ONE, 1);
    // A program of version 1 has no other table, whatever the next one reads.
    let table = Table::decode(&table().encode_as(1).unwrap()).unwrap();
    assert_eq!(table.protocol, 1);
    wire.machine = Machine { versions: BOTH, ..Machine::resumed(&table).unwrap() };
    wire.lives(1, 50);
}
