//! Which files are refused and which are accepted, on a real file system.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use provost_files::{
    Access, Cursor, FileError, Identity, Kind, Others, Owners, Problem, Writers, open_direct, open_named,
    open_or_create, open_own, own_dir, read_named, read_own, replace, replace_named, safe_place,
};
use rustix::fs::{CWD, Mode, mkfifoat};

/// The id of a user that is neither root nor the one who runs the tests.
const STRANGER: u32 = 54_321;

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        path
    }

    fn link(&self, name: &str, to: &str) -> PathBuf {
        symlink(to, self.at(name)).unwrap();
        self.at(name)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Changes the owner of `path` to [`STRANGER`]. Returns false if the tests do not run as root, who alone can do this.
fn given_away(path: &Path) -> bool {
    rustix::process::geteuid().is_root() && chown(path, Some(STRANGER), None).is_ok()
}

fn problem<T: std::fmt::Debug>(result: Result<T, FileError>) -> Problem {
    result.unwrap_err().problem
}

#[test]
fn a_named_file_may_be_a_link_and_belong_to_anybody() {
    let bench = Bench::new();
    let file = bench.file("file", "12345");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    given_away(&file);
    assert_eq!(read_named(&bench.link("link", "file"), 5).unwrap(), b"12345");
    let told = read_named(&file, 4).unwrap_err();
    assert_eq!(told.to_string(), format!("{}: it has 5 bytes, more than 4", file.display()));
}

#[test]
fn what_is_no_regular_file_is_not_read_not_written_and_not_waited_for() {
    let bench = Bench::new();
    let pipe = bench.pipe("pipe");
    let socket = bench.at("socket");
    let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let cases = [
        (pipe, Kind::Pipe),
        (socket, Kind::Socket),
        (PathBuf::from("/dev/zero"), Kind::Device),
        (bench.0.path().to_owned(), Kind::Directory),
    ];
    for (path, kind) in cases {
        let wrong = |problem| matches!(problem, Problem::Kind { found, wanted: Kind::File } if found == kind);
        for result in [open_named(&path), open_own(&path), open_or_create(&path, Cursor::End)] {
            assert!(wrong(problem(result)), "{}", path.display());
        }
    }
    let told = open_named(&bench.at("pipe")).unwrap_err().to_string();
    assert!(told.ends_with("pipe: it is a pipe, not a regular file"), "{told}");
}

#[test]
fn an_own_file_is_never_a_link_not_even_one_that_leads_nowhere() {
    let bench = Bench::new();
    bench.file("victim", "keep me");
    for link in [bench.link("link", "victim"), bench.link("nowhere", "missing")] {
        assert!(matches!(problem(open_own(&link)), Problem::Link));
        assert!(matches!(problem(open_direct(&link)), Problem::Link));
        assert!(matches!(problem(open_or_create(&link, Cursor::Start)), Problem::Link));
    }
    assert_eq!(fs::read_to_string(bench.at("victim")).unwrap(), "keep me");
    assert!(!bench.at("missing").exists());
}

#[test]
fn an_own_file_belongs_to_this_user_and_nobody_else_may_write_it() {
    let bench = Bench::new();
    let file = bench.file("file", "");
    assert!(open_own(&file).is_ok() && open_or_create(&file, Cursor::End).is_ok());
    for bits in [0o620, 0o602, 0o666] {
        fs::set_permissions(&file, Permissions::from_mode(bits)).unwrap();
        assert!(matches!(problem(read_own(&file, 9)), Problem::Writable { mode } if mode == bits));
        open_or_create(&file, Cursor::End).unwrap();
        assert_eq!(mode(&file), bits & 0o644, "opening it for writing closes it to others");
    }
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    assert!(open_own(&file).is_ok(), "others may read it");
    if given_away(&file) {
        assert!(open_direct(&file).is_ok(), "it may be shown");
        assert!(matches!(problem(open_own(&file)), Problem::Owner { owner: STRANGER, .. }));
        assert!(matches!(problem(open_or_create(&file, Cursor::Start)), Problem::Owner { .. }));
    }
}

#[test]
fn a_file_that_is_opened_to_be_written_keeps_what_is_in_it() {
    use std::io::Write;
    let bench = Bench::new();
    for text in ["one\n", "two\n"] {
        open_or_create(&bench.at("log"), Cursor::End).unwrap().write_all(text.as_bytes()).unwrap();
    }
    assert_eq!(fs::read_to_string(bench.at("log")).unwrap(), "one\ntwo\n");
    open_or_create(&bench.at("log"), Cursor::Start).unwrap().write_all(b"O").unwrap();
    assert_eq!(fs::read_to_string(bench.at("log")).unwrap(), "One\ntwo\n");
    assert_eq!(mode(&bench.at("log")), 0o600);
}

#[test]
fn a_directory_is_made_with_its_parents_for_this_user_alone() {
    let bench = Bench::new();
    let dir = bench.at("a/b/c");
    own_dir(&dir).unwrap();
    own_dir(&dir).unwrap();
    for made in ["a", "a/b", "a/b/c"] {
        assert_eq!(mode(&bench.at(made)), 0o700, "{made}");
    }
}

#[test]
fn a_directory_that_is_a_link_or_open_to_others_or_somebody_elses_is_refused() {
    let bench = Bench::new();
    own_dir(&bench.at("dir")).unwrap();
    bench.link("link", "dir");
    bench.link("nowhere", "missing");
    for link in ["link", "link/", "link/.", "nowhere"] {
        assert!(matches!(problem(own_dir(&bench.at(link))), Problem::Link), "{link}");
    }
    assert!(!bench.at("missing").exists());
    own_dir(&bench.at("link/below")).unwrap();
    assert!(bench.at("dir/below").is_dir(), "a link among the parents is followed");
    let file = bench.file("file", "");
    assert!(matches!(problem(own_dir(&file)), Problem::Kind { found: Kind::File, wanted: Kind::Directory }));
    for bits in [0o770, 0o777] {
        fs::set_permissions(bench.at("dir"), Permissions::from_mode(bits)).unwrap();
        assert!(matches!(problem(own_dir(&bench.at("dir"))), Problem::Writable { mode } if mode == bits));
    }
    for bits in [0o1777, 0o755] {
        fs::set_permissions(bench.at("dir"), Permissions::from_mode(bits)).unwrap();
        own_dir(&bench.at("dir")).unwrap();
    }
    if given_away(&bench.at("dir")) {
        let told = own_dir(&bench.at("dir")).unwrap_err().to_string();
        assert!(told.contains("it belongs to user 54321, and the host runs as user 0"), "{told}");
    }
}

#[test]
fn a_place_is_safe_if_nobody_else_can_exchange_anything_above_it() {
    let bench = Bench::new();
    own_dir(&bench.at("open/mine")).unwrap();
    let below = bench.at("open/mine/not/yet/there");
    safe_place(&below, Owners::default()).unwrap();
    fs::set_permissions(bench.at("open"), Permissions::from_mode(0o777)).unwrap();
    let told = safe_place(&below, Owners::default()).unwrap_err();
    assert!(matches!(told.problem, Problem::Writable { mode: 0o777 }));
    assert_eq!(told.path, bench.at("open").canonicalize().unwrap(), "it names the directory");
    bench.link("way", "open/mine");
    assert!(
        safe_place(&bench.at("way/run"), Owners::default()).is_err(),
        "directories on the path of a link's target count"
    );
    for bits in [0o1777, 0o775] {
        fs::set_permissions(bench.at("open"), Permissions::from_mode(bits)).unwrap();
        safe_place(&below, Owners::default()).unwrap();
    }
    bench.link("around", "around");
    assert!(safe_place(&bench.at("around/run"), Owners::default()).is_err(), "a loop of links is refused");
    safe_place(&bench.at("way/../mine/run"), Owners::default()).unwrap();
    if given_away(&bench.at("open")) {
        assert!(matches!(
            problem(safe_place(&below, Owners::default())),
            Problem::Owner { owner: STRANGER, .. }
        ));
    }
    std::os::unix::fs::lchown(bench.at("way"), Some(STRANGER), None).ok();
    if rustix::process::geteuid().is_root() {
        chown(bench.at("open"), Some(0), None).unwrap();
        safe_place(&below, Owners::default()).unwrap();
        let told = safe_place(&bench.at("way/run"), Owners::default()).unwrap_err();
        assert_eq!(
            told.path,
            bench.at("way").canonicalize().unwrap().parent().unwrap().with_file_name("way")
        );
    }
}

#[test]
fn directories_of_the_owner_of_the_config_are_trusted_and_those_of_a_third_user_are_not() {
    let bench = Bench::new();
    let (config, project) = (bench.file("config", ""), bench.at("project"));
    fs::create_dir(&project).unwrap();
    bench.link("way", "project");
    if !given_away(&config) || !given_away(&project) {
        return;
    }
    std::os::unix::fs::lchown(bench.at("way"), Some(STRANGER), None).unwrap();
    let owner = Writers::of(&config, &open_named(&config).unwrap()).unwrap().owner;
    assert_eq!(owner, STRANGER);
    for run in [project.join("run"), bench.at("way/run")] {
        assert!(matches!(
            problem(safe_place(&run, Owners::default())),
            Problem::Owner { owner: STRANGER, .. }
        ));
        safe_place(&run, Owners::and(owner)).unwrap();
        assert!(matches!(problem(safe_place(&run, Owners::and(STRANGER + 1))), Problem::Owner { .. }));
    }
    fs::set_permissions(&project, Permissions::from_mode(0o777)).unwrap();
    let told = problem(safe_place(&project.join("run"), Owners::and(owner)));
    assert!(matches!(told, Problem::Writable { mode: 0o777 }));
    assert!(
        matches!(problem(own_dir(&project)), Problem::Owner { .. }),
        "trust does not make it the host's own"
    );
}

#[test]
fn every_other_user_who_may_write_a_file_is_named() {
    let bench = Bench::new();
    let file = bench.file("file", "");
    let others = |mode| {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let writers = Writers::of(&file, &open_named(&file).unwrap()).unwrap();
        assert_eq!(writers.mode, mode);
        writers.others
    };
    assert_eq!([0o600, 0o644, 0o640].map(others), [Others::Nobody, Others::Nobody, Others::Nobody]);
    assert_eq!([0o646, 0o666].map(others), [Others::Everybody, Others::Everybody]);
    if chown(&file, None, Some(STRANGER)).is_ok() {
        assert_eq!(others(0o660), Others::Group(STRANGER.to_string()));
        assert_eq!(others(0o640), Others::Nobody);
        chown(&file, Some(STRANGER), None).unwrap();
        assert_eq!(others(0o660), Others::Nobody, "it is the group of its owner alone");
    }
}

#[test]
fn a_replacement_is_whole_and_private_and_leaves_nothing_beside_it() {
    let bench = Bench::new();
    bench.file("victim", "keep me");
    let path = bench.link("kept", "victim");
    for parts in [[b"one".as_slice(), b"two"], [b"", b"three"]] {
        replace(&path, Access::Private, &parts).unwrap();
        assert_eq!(fs::read(&path).unwrap(), parts.concat());
    }
    assert_eq!((mode(&path), bench.names()), (0o600, vec!["kept".to_owned(), "victim".to_owned()]));
    assert_eq!(fs::read_to_string(bench.at("victim")).unwrap(), "keep me");
}

#[test]
fn what_is_no_file_is_not_replaced_by_one() {
    let bench = Bench::new();
    let pipe = bench.at("pipe");
    mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).unwrap();
    let error = replace_named(&pipe, Access::Private, &[b"text"]).unwrap_err();
    assert!(matches!(error.problem, Problem::Kind { found: Kind::Pipe, wanted: Kind::File }), "{error}");
    let error = replace_named(Path::new("/dev/null"), Access::Private, &[b"text"]).unwrap_err();
    assert!(matches!(error.problem, Problem::Kind { found: Kind::Device, .. }), "{error}");
    // A link is replaced, whatever it leads to.
    let link = bench.at("link");
    symlink(&pipe, &link).unwrap();
    replace_named(&link, Access::Private, &[b"text"]).unwrap();
    assert_eq!(fs::read(&link).unwrap(), b"text");
    assert_eq!(fs::read_dir(bench.0.path()).unwrap().count(), 2);
}

#[test]
fn a_replacement_that_fails_leaves_the_old_file_and_no_rubbish() {
    let bench = Bench::new();
    fs::create_dir(bench.at("taken")).unwrap();
    assert!(replace(&bench.at("taken"), Access::Private, &[b"text"]).is_err(), "a directory is in the way");
    assert!(replace(&bench.at("missing/file"), Access::Private, &[b"text"]).unwrap_err().is_missing());
    assert!(replace(Path::new("/"), Access::Private, &[b"text"]).is_err());
    assert_eq!(bench.names(), ["taken"]);
}

#[test]
fn files_of_the_same_name_are_told_apart() {
    let bench = Bench::new();
    let path = bench.file("file", "");
    let open = open_own(&path).unwrap();
    let first = Identity::of(&open).unwrap();
    assert_eq!(Identity::at(&path).unwrap(), Some(first));
    fs::remove_file(&path).unwrap();
    assert_eq!(Identity::at(&path).unwrap(), None);
    bench.file("file", "");
    assert_ne!(Identity::at(&path).unwrap(), Some(first));
}
