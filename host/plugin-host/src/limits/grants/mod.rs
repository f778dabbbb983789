//! The grants of an operator: the words of `allow`, and the interfaces of WASI that each of them opens. Nothing is
//! granted by default. A consumer or a view may be granted access to parts of the outside; a policy may not, but one
//! that judges starts may be granted variables that it sets for the processes ([`Grant::SetEnv`]).

mod destination;
mod set_env;

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

pub use destination::{Destination, HttpHost, Scope};
pub use set_env::Settable;

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// `http-out:HOST:PORT`, `http-out-private:HOST:PORT`: HTTP and HTTPS requests to this host and port only.
    HttpOut(Destination),
    /// `fs-read:/path`: reading in this directory.
    FsRead(PathBuf),
    /// `fs-write:/path`: reading and writing in this directory.
    FsWrite(PathBuf),
    /// `env:NAME`: the value of this variable of the host's environment.
    Env(String),
    /// `clock`: the time, and waiting for a time.
    Clock,
    /// `random`: randomness.
    Random,
    /// `set-env:NAME`, `set-env:PREFIX_*`: setting these variables for the processes whose start it judges.
    SetEnv(Settable),
}

/// A word of `allow` that is not a grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` grants nothing: {problem}")]
pub struct GrantError {
    /// The word as it was written.
    pub word: String,
    /// The problem, and the possible forms.
    pub problem: String,
}

/// The forms of a grant, for messages.
const FORMS: &str = "http-out:HOST:PORT, http-out-private:HOST:PORT, fs-read:/PATH, fs-write:/PATH, env:NAME, clock, random, and set-env:NAME for a \
                     policy that judges starts";

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(word: &str) -> Result<Self, GrantError> {
        let wrong = |problem: String| GrantError { word: word.to_owned(), problem };
        let (kind, of) = word.split_once(':').map_or((word, None), |(kind, of)| (kind, Some(of)));
        match (kind, of) {
            ("clock", None) => Ok(Self::Clock),
            ("random", None) => Ok(Self::Random),
            ("clock" | "random", Some(_)) => Err(wrong(format!("`{kind}` takes no target"))),
            ("http-out", Some(of)) => Destination::parse(of, Scope::Public).map(Self::HttpOut).map_err(wrong),
            ("http-out-private", Some(of)) => {
                Destination::parse(of, Scope::Any).map(Self::HttpOut).map_err(wrong)
            }
            ("fs-read", Some(path)) => directory(path).map(Self::FsRead).map_err(wrong),
            ("fs-write", Some(path)) => directory(path).map(Self::FsWrite).map_err(wrong),
            ("env", Some(name)) if set_env::is_name(name) => Ok(Self::Env(name.to_owned())),
            ("env", Some(_)) => Err(wrong(
                "write the name of one variable: env:NAME, of letters, digits, `_`, `.` and `-`".to_owned(),
            )),
            ("set-env", Some(of)) => Settable::parse(of).map(Self::SetEnv).map_err(wrong),
            ("http-out" | "http-out-private" | "fs-read" | "fs-write" | "env" | "set-env", None) => {
                Err(wrong(format!("the target is missing: the forms are {FORMS}")))
            }
            _ => Err(wrong(format!("the forms are {FORMS}"))),
        }
    }
}

/// Normalizes a path: without doubled slashes, `.` and a slash at its end.
fn directory(path: &str) -> Result<PathBuf, String> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return Err("write the absolute path of a directory".to_owned());
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err("a path cannot contain NUL".to_owned());
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("write the path without `..`: the name must say which directory it is".to_owned());
    }
    Ok(path.components().collect())
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpOut(destination) => write!(f, "{destination}"),
            Self::FsRead(path) => write!(f, "fs-read:{}", path.display()),
            Self::FsWrite(path) => write!(f, "fs-write:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Clock => f.write_str("clock"),
            Self::Random => f.write_str("random"),
            Self::SetEnv(settable) => write!(f, "set-env:{settable}"),
        }
    }
}

/// The kind of grant that opens an interface of WASI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opens {
    Http,
    Files,
    Clock,
    Random,
    /// Any grant: the interface alone gives access to nothing (streams without a source, an empty environment), but the
    /// standard library of every toolchain imports it.
    Any,
}

impl Opens {
    /// Returns the grant that opens it, as written in `allow`.
    fn form(self) -> &'static str {
        match self {
            Self::Http => "http-out:HOST:PORT",
            Self::Files => "fs-read:/PATH",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Any => "env:NAME",
        }
    }
}

/// The interfaces of WASI 0.2 that can be granted. All others cannot, above all sockets.
const INTERFACES: [(&str, Opens); 22] = [
    ("wasi:http/types", Opens::Http),
    ("wasi:http/outgoing-handler", Opens::Http),
    ("wasi:filesystem/types", Opens::Files),
    ("wasi:filesystem/preopens", Opens::Files),
    ("wasi:clocks/wall-clock", Opens::Clock),
    ("wasi:clocks/monotonic-clock", Opens::Clock),
    ("wasi:random/random", Opens::Random),
    ("wasi:random/insecure", Opens::Random),
    ("wasi:random/insecure-seed", Opens::Random),
    ("wasi:io/error", Opens::Any),
    ("wasi:io/poll", Opens::Any),
    ("wasi:io/streams", Opens::Any),
    ("wasi:cli/environment", Opens::Any),
    ("wasi:cli/exit", Opens::Any),
    ("wasi:cli/stdin", Opens::Any),
    ("wasi:cli/stdout", Opens::Any),
    ("wasi:cli/stderr", Opens::Any),
    ("wasi:cli/terminal-input", Opens::Any),
    ("wasi:cli/terminal-output", Opens::Any),
    ("wasi:cli/terminal-stdin", Opens::Any),
    ("wasi:cli/terminal-stdout", Opens::Any),
    ("wasi:cli/terminal-stderr", Opens::Any),
];

/// Returns the kind of grant that opens an import of this name, if it can be granted.
fn opens(import: &str) -> Option<Opens> {
    let (interface, version) = import.split_once('@')?;
    version.starts_with("0.2.").then_some(())?;
    INTERFACES.iter().find(|(name, _)| *name == interface).map(|(_, opens)| *opens)
}

/// All grants of one plugin, sorted and without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut grants: Vec<Grant> = grants.into_iter().collect();
        grants.sort();
        grants.dedup();
        Self(grants)
    }
}

impl Grants {
    /// Parses the words of `allow`.
    ///
    /// # Errors
    /// [`GrantError`] for the first word that is not a grant.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, GrantError> {
        words.iter().map(|word| word.as_ref().parse()).collect()
    }

    /// Whether any access to the outside is granted. Variables that are set for a process are not such an access.
    pub(crate) fn reach_outside(&self) -> bool {
        self.iter().any(|grant| !matches!(grant, Grant::SetEnv(_)))
    }

    /// Whether any variable may be set for a process.
    pub(crate) fn set_any(&self) -> bool {
        self.iter().any(|grant| matches!(grant, Grant::SetEnv(_)))
    }

    /// Whether the variable of this name may be set for a process.
    pub(crate) fn set(&self, name: &str) -> bool {
        self.iter().any(|grant| matches!(grant, Grant::SetEnv(settable) if settable.covers(name)))
    }

    /// Returns the grants in order.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }

    /// Returns the grants as written in `allow`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.iter().map(Grant::to_string).collect()
    }

    pub(crate) fn http(&self) -> bool {
        self.iter().any(|grant| matches!(grant, Grant::HttpOut(_)))
    }

    pub(crate) fn files(&self) -> bool {
        self.iter().any(|grant| matches!(grant, Grant::FsRead(_) | Grant::FsWrite(_)))
    }

    pub(crate) fn clock(&self) -> bool {
        self.0.contains(&Grant::Clock)
    }

    pub(crate) fn random(&self) -> bool {
        self.0.contains(&Grant::Random)
    }

    /// Returns the grant for sending requests to this host and port, if there is one; of two the one with the wider
    /// scope.
    pub(crate) fn reaches(&self, host: &HttpHost, port: u16) -> Option<&Destination> {
        let granted = self.iter().filter_map(|grant| match grant {
            Grant::HttpOut(to) if to.host == *host && to.port == port => Some(to),
            _ => None,
        });
        granted.max_by_key(|to| to.scope)
    }

    /// Whether these grants open this import.
    pub(crate) fn open(&self, import: &str) -> bool {
        opens(import).is_some_and(|opens| match opens {
            Opens::Http => self.http(),
            Opens::Files => self.files(),
            Opens::Clock => self.clock(),
            Opens::Random => self.random(),
            Opens::Any => self.reach_outside(),
        })
    }

    /// Whether this interface alone gives access to nothing.
    pub(crate) fn is_inert(import: &str) -> bool {
        opens(import) == Some(Opens::Any)
    }

    /// Returns the grants that would open these imports, as written in `allow`; `None` if one of them cannot be
    /// granted.
    pub(crate) fn wanted_for(imports: &[&str]) -> Option<String> {
        let mut forms: Vec<&str> = Vec::new();
        for import in imports {
            let form = opens(import)?.form();
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        // Any other grant opens those interfaces as well.
        if forms.len() > 1 {
            forms.retain(|form| *form != Opens::Any.form());
        }
        Some(format!("allow = [\"{}\"]", forms.join("\", \"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read_as_they_are_written() {
        let words = [
            "http-out:Hooks.example.org:443",
            "http-out:[::1]:8080",
            "http-out-private:db.internal:80",
            "http-out:db.internal:80",
            "fs-read:/etc/provost",
            "fs-write:/var/log/provost",
            "env:TOKEN",
            "clock",
            "random",
            "set-env:MODE",
            "set-env:APP_*",
        ];
        let grants = Grants::parse(&words).unwrap();
        let said: Vec<String> = words.iter().map(|word| word.replace("Hooks", "hooks")).collect();
        assert_eq!(grants.words().len(), said.len());
        assert!(said.iter().all(|word| grants.words().contains(word)), "{:?}", grants.words());
        assert_eq!(Grants::parse(&["clock", "clock"]).unwrap().words(), ["clock"]);
        let reaches =
            |host: &str, port| grants.reaches(&HttpHost::parse(host).unwrap(), port).map(|to| to.scope);
        assert_eq!(reaches("HOOKS.example.org.", 443), Some(Scope::Public));
        assert_eq!(reaches("[0::1]", 8080), Some(Scope::Public));
        assert_eq!(reaches("db.internal", 80), Some(Scope::Any), "the wider of two");
        assert_eq!((reaches("hooks.example.org", 80), reaches("evil.example.org", 443)), (None, None));
        let paths = Grants::parse(&["fs-read:/a//b/./", "fs-read:/a/b"]).unwrap();
        assert_eq!(paths.words(), ["fs-read:/a/b"]);
    }

    #[test]
    fn a_malformed_grant_is_refused_with_the_possible_form() {
        for (word, says) in [
            ("http-out:example.org", "its port"),
            ("http-out:[nonsense]:80", "not an IPv6 address"),
            ("http-out-private:", "its port"),
            ("http-out-private:127.0.0.1:80", "write http-out"),
            ("fs-read:logs", "absolute path"),
            ("fs-read:/a/../b", "without `..`"),
            ("fs-read:/a\0b", "NUL"),
            ("fs-write:", "absolute path"),
            ("env:", "one variable"),
            ("env:A=B", "one variable"),
            ("env:A B", "one variable"),
            ("env:*", "one variable"),
            ("env", "the target is missing"),
            ("set-env", "the target is missing"),
            ("set-env:*", "the name of one variable"),
            ("set-env:LD_*", "name each of them exactly"),
            ("set-env:PROVOST_REPLICA", "the host alone"),
            ("clock:utc", "takes no target"),
            ("network", "the forms are http-out:HOST:PORT"),
        ] {
            let error = Grants::parse(&["clock", word]).unwrap_err();
            assert_eq!(error.word, word);
            assert!(error.problem.contains(says), "{error}");
        }
    }

    #[test]
    fn each_grant_opens_its_interfaces_and_no_other() {
        let opened = |words: &[&str]| {
            let grants = Grants::parse(words).unwrap();
            let names = INTERFACES.iter().filter(|(_, opens)| *opens != Opens::Any).map(|(name, _)| *name);
            names.filter(|name| grants.open(&format!("{name}@0.2.6"))).collect::<Vec<_>>()
        };
        assert_eq!(opened(&[]), [""; 0]);
        assert_eq!(opened(&["env:HOME"]), [""; 0]);
        assert_eq!(opened(&["clock"]), ["wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"]);
        assert_eq!(opened(&["http-out:a:1"]), ["wasi:http/types", "wasi:http/outgoing-handler"]);
        assert_eq!(opened(&["fs-read:/a"]), ["wasi:filesystem/types", "wasi:filesystem/preopens"]);
        assert_eq!(opened(&["fs-write:/a"]), opened(&["fs-read:/a"]));
        assert_eq!(opened(&["random"]).len(), 3);
        assert!(Grants::parse(&["env:HOME"]).unwrap().open("wasi:cli/environment@0.2.0"));
        let all = Grants::parse(&["clock", "random", "fs-write:/", "http-out:a:1", "env:A"]).unwrap();
        assert!(!Grants::default().open("wasi:io/poll@0.2.0"));
        assert!(
            !Grants::parse(&["set-env:MODE"]).unwrap().open("wasi:io/poll@0.2.0"),
            "it is nothing of the outside"
        );
        assert!(!all.open("wasi:sockets/tcp@0.2.0") && !all.open("wasi:clocks/wall-clock@0.3.0"));
    }

    #[test]
    fn missing_grants_are_suggested_as_written_in_allow() {
        let wanted = Grants::wanted_for(&["wasi:io/poll@0.2.0", "wasi:clocks/wall-clock@0.2.0"]);
        assert_eq!(wanted.unwrap(), "allow = [\"clock\"]");
        assert_eq!(Grants::wanted_for(&["wasi:io/poll@0.2.0"]).unwrap(), "allow = [\"env:NAME\"]");
        assert_eq!(Grants::wanted_for(&["wasi:io/poll@0.2.0", "wasi:sockets/tcp@0.2.0"]), None);
    }
}
