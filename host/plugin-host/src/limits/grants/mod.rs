//! What an operator may grant: the words of `allow`, and which interfaces of WASI each of them opens. Nothing is granted
//! by default. A consumer and a view may be granted parts of the outside; a policy may be granted none of that, but one that
//! judges starts may be granted variables that it sets for the processes ([`Grant::SetEnv`]).

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
    /// `http-out:HOST:PORT`, `http-out-private:HOST:PORT`: HTTP and HTTPS requests to this host and port, and no other.
    HttpOut(Destination),
    /// `fs-read:/path`: reading what is in this directory.
    FsRead(PathBuf),
    /// `fs-write:/path`: reading and writing in this directory.
    FsWrite(PathBuf),
    /// `env:NAME`: the value of this variable of the host's environment.
    Env(String),
    /// `clock`: the time, and waiting for it.
    Clock,
    /// `random`: randomness.
    Random,
    /// `set-env:NAME`, `set-env:PREFIX_*`: setting these variables for the processes whose start it judges.
    SetEnv(Settable),
}

/// A word of `allow` that grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` grants nothing: {problem}")]
pub struct GrantError {
    /// As it was written.
    pub word: String,
    /// What is wrong with it, and what is possible.
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
            ("clock" | "random", Some(_)) => Err(wrong(format!("`{kind}` stands alone"))),
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

/// A path in one form: without doubled slashes, `.` and a slash at its end.
fn directory(path: &str) -> Result<PathBuf, String> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return Err("write the whole path of a directory, from `/` on".to_owned());
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err("no path has a NUL in it".to_owned());
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

/// What opens an interface of WASI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opens {
    Http,
    Files,
    Clock,
    Random,
    /// It leads nowhere by itself (streams without a source, an empty environment), but every toolchain's standard
    /// library asks for it: any grant opens it.
    Any,
}

impl Opens {
    /// The grant that opens it, as it is written into `allow`.
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

/// The interfaces of WASI 0.2 that can be granted. What is not here never is: sockets, above all.
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

/// What opens an import of this name, if anything does.
fn opens(import: &str) -> Option<Opens> {
    let (interface, version) = import.split_once('@')?;
    version.starts_with("0.2.").then_some(())?;
    INTERFACES.iter().find(|(name, _)| *name == interface).map(|(_, opens)| *opens)
}

/// All that one plugin is granted; in order, and each once.
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
    /// Reads the words of `allow`.
    ///
    /// # Errors
    /// [`GrantError`] names the first word that grants nothing, and why.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, GrantError> {
        words.iter().map(|word| word.as_ref().parse()).collect()
    }

    /// Whether anything of the outside is granted. Variables that are set for a process are not.
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

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }

    /// As they are written into `allow`.
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

    /// The grant that lets it send requests to there, if there is one; of two the wider.
    pub(crate) fn reaches(&self, host: &HttpHost, port: u16) -> Option<&Destination> {
        let granted = self.iter().filter_map(|grant| match grant {
            Grant::HttpOut(to) if to.host == *host && to.port == port => Some(to),
            _ => None,
        });
        granted.max_by_key(|to| to.scope)
    }

    /// Does any of them open this import?
    pub(crate) fn open(&self, import: &str) -> bool {
        opens(import).is_some_and(|opens| match opens {
            Opens::Http => self.http(),
            Opens::Files => self.files(),
            Opens::Clock => self.clock(),
            Opens::Random => self.random(),
            Opens::Any => self.reach_outside(),
        })
    }

    /// Is this an interface that leads nowhere by itself?
    pub(crate) fn is_inert(import: &str) -> bool {
        opens(import) == Some(Opens::Any)
    }

    /// Which grants would open these imports, as they are written into `allow`; `None` if any cannot be granted.
    pub(crate) fn wanted_for(imports: &[&str]) -> Option<String> {
        let mut forms: Vec<&str> = Vec::new();
        for import in imports {
            let form = opens(import)?.form();
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        // Any other grant opens those as well.
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
    fn a_word_that_grants_nothing_is_told_what_would() {
        for (word, says) in [
            ("http-out:example.org", "its port"),
            ("http-out:[nonsense]:80", "no IPv6 address"),
            ("http-out-private:", "its port"),
            ("http-out-private:127.0.0.1:80", "write http-out"),
            ("fs-read:logs", "whole path"),
            ("fs-read:/a/../b", "without `..`"),
            ("fs-read:/a\0b", "NUL"),
            ("fs-write:", "whole path"),
            ("env:", "one variable"),
            ("env:A=B", "one variable"),
            ("env:A B", "one variable"),
            ("env:*", "one variable"),
            ("env", "the target is missing"),
            ("set-env", "the target is missing"),
            ("set-env:*", "the name of one variable"),
            ("set-env:LD_*", "name each of them exactly"),
            ("set-env:PROVOST_REPLICA", "the host alone"),
            ("clock:utc", "stands alone"),
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
    fn what_would_have_to_be_granted_is_said_as_it_is_written() {
        let wanted = Grants::wanted_for(&["wasi:io/poll@0.2.0", "wasi:clocks/wall-clock@0.2.0"]);
        assert_eq!(wanted.unwrap(), "allow = [\"clock\"]");
        assert_eq!(Grants::wanted_for(&["wasi:io/poll@0.2.0"]).unwrap(), "allow = [\"env:NAME\"]");
        assert_eq!(Grants::wanted_for(&["wasi:io/poll@0.2.0", "wasi:sockets/tcp@0.2.0"]), None);
    }
}
