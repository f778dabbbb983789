//! The grant `set-env:`: the environment variables that a start policy may set for the processes that it judges.
//!
//! A variable can be code. The dynamic loader, shells, interpreters and many tools read variables that make them load a
//! library, run a command or look for their files elsewhere. Such a variable can be granted only by its exact name,
//! never by a prefix, so that nobody grants it by accident. The list cannot be complete: `set-env:PREFIX_*` is meant
//! for the variables of one's own programs.

use std::fmt;

/// The prefix of the variables that the host itself sets for a process.
const OF_THE_HOST: &str = "PROVOST_";

/// Variables that change what code a program runs, which programs it starts, or where it looks for files.
const RESERVED: [&str; 96] = [
    // Programs, their files and their user.
    "PATH",
    "CDPATH",
    "HOME",
    "SHELL",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TMP",
    "TEMP",
    "TEMPDIR",
    "PWD",
    "OLDPWD",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MANPAGER",
    "BROWSER",
    "LESS",
    "LESSOPEN",
    "LESSCLOSE",
    "LESSKEY",
    // Shells.
    "IFS",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "PROMPT_COMMAND",
    "FIGNORE",
    "GLOBIGNORE",
    "EXECIGNORE",
    "FPATH",
    "ZDOTDIR",
    "KSH_VERSION",
    "HISTFILE",
    "INPUTRC",
    // The C library.
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "LOCPATH",
    "NLSPATH",
    "LOCALDOMAIN",
    "HOSTALIASES",
    "RES_OPTIONS",
    "RESOLV_HOST_CONF",
    "NIS_PATH",
    "TZDIR",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TERMPATH",
    // Interpreters whose variables have no common prefix.
    "CLASSPATH",
    "GODEBUG",
    "GOFLAGS",
    "GOPATH",
    "GOROOT",
    "GOTOOLCHAIN",
    "GOTRACEBACK",
    "TCLLIBPATH",
    "R_PROFILE",
    "R_ENVIRON",
    "R_LIBS",
    "AWKPATH",
    "AWKLIBPATH",
    "POSIXLY_CORRECT",
    // Keys, certificates and credentials.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    "CURL_HOME",
    "NETRC",
    "WGETRC",
    "GNUPGHOME",
    "PGPASSFILE",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "MYSQL_HOME",
    // Destinations of requests.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    // Builds and remote shells.
    "MAKEFLAGS",
    "MFLAGS",
    "GNUMAKEFLAGS",
    "MAKEFILES",
    "RUSTC",
    "RUSTFLAGS",
    "CC",
    "CXX",
    "LD",
    "RSYNC_RSH",
    "CVS_RSH",
    "SVN_SSH",
    "NOTIFY_SOCKET",
];

/// The common prefixes of such variables.
const FAMILIES: [&str; 56] = [
    "LD_",
    "DYLD_",
    "_RLD",
    "MALLOC_",
    "JEMALLOC_",
    "TCMALLOC_",
    "ASAN_",
    "TSAN_",
    "LSAN_",
    "UBSAN_",
    "GMON_",
    "BASH_",
    "NODE_",
    "NPM_",
    "YARN_",
    "DENO_",
    "BUN_",
    "PYTHON",
    "PIP_",
    "UV_",
    "VIRTUAL_ENV",
    "RUBY",
    "GEM_",
    "BUNDLE_",
    "PERL",
    "JAVA_",
    "_JAVA_",
    "JDK_",
    "JRE_",
    "MAVEN_",
    "GRADLE_",
    "DOTNET_",
    "ASPNETCORE_",
    "COR_",
    "CORECLR_",
    "COMPLUS_",
    "MONO_",
    "PHP",
    "LUA_",
    "GUILE_",
    "ERL_",
    "ELIXIR_",
    "CARGO_",
    "RUSTUP_",
    "GIT_",
    "SSH_",
    "SUDO_",
    "OPENSSL_",
    "KRB5",
    "AWS_",
    "DOCKER_",
    "KUBE",
    "XDG_",
    "DBUS_",
    "SYSTEMD_",
    "LISTEN_",
];

/// The variables that a grant lets a start policy set: one, or all with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settable {
    /// `set-env:NAME`.
    Name(String),
    /// `set-env:PREFIX_*`: all whose names begin with `PREFIX_`, except those that must be granted by their exact name.
    Beginning(String),
}

impl Settable {
    /// Parses the text after `set-env:`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write the name of one variable (set-env:NAME), or the beginning of the names of your own \
                            programs' variables (set-env:APP_*)";
        let (name, beginning) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        if !is_name(name) {
            return Err(FORM.to_owned());
        }
        if name.to_ascii_uppercase().starts_with(OF_THE_HOST) {
            return Err(format!("variables that begin with {OF_THE_HOST} are set by the host alone"));
        }
        if !beginning {
            return Ok(Self::Name(name.to_owned()));
        }
        if !name.ends_with('_') {
            return Err(FORM.to_owned());
        }
        if let Some(family) = overlapping(name) {
            return Err(format!(
                "variables that begin with {family} can change what code a program runs: name each of them exactly, \
                 without `*`"
            ));
        }
        Ok(Self::Beginning(name.to_owned()))
    }

    /// Whether it lets a policy set the variable of this name.
    pub(crate) fn covers(&self, name: &str) -> bool {
        match self {
            Self::Name(granted) => granted == name,
            Self::Beginning(beginning) => {
                name.strip_prefix(beginning.as_str()).is_some_and(|rest| !rest.is_empty())
                    && is_name(name)
                    && !is_reserved(name)
            }
        }
    }
}

impl fmt::Display for Settable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Beginning(beginning) => write!(f, "{beginning}*"),
        }
    }
}

/// Whether this is a valid name of a granted variable: letters, digits, `_`, `.` and `-`, and no digit first.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.as_bytes().first().is_some_and(begins) && name.bytes().all(fits) && name.len() <= 256
}

/// Whether a variable of this name must be granted by its exact name.
fn is_reserved(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    upper.starts_with(OF_THE_HOST)
        || RESERVED.contains(&&*upper)
        || FAMILIES.iter().any(|family| upper.starts_with(family))
}

/// Returns the prefix of reserved variables that overlaps with this prefix, if there is one.
fn overlapping(beginning: &str) -> Option<&'static str> {
    let upper = beginning.to_ascii_uppercase();
    FAMILIES.into_iter().find(|family| upper.starts_with(family) || family.starts_with(&*upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_never_covers_variables_of_loaders_and_interpreters() {
        let covers = |grant: &str, name: &str| Settable::parse(grant).is_ok_and(|it| it.covers(name));
        assert!(covers("APP_*", "APP_MODE") && covers("MODE", "MODE") && !covers("MODE", "MODE_2"));
        for name in ["APP_", "APPMODE", "app_MODE", "APP_A=B", "APP_\n", "APP_\0"] {
            assert!(!covers("APP_*", name), "{name:?}");
        }
        for (grant, name) in [
            ("SSL_*", "SSL_CERT_FILE"),
            ("HTTP_*", "HTTP_PROXY"),
            ("http_*", "http_proxy"),
            ("R_*", "R_PROFILE"),
            ("PROMPT_*", "PROMPT_COMMAND"),
        ] {
            assert!(Settable::parse(grant).is_ok() && !covers(grant, name), "{grant} {name}");
            assert!(covers(name, name), "{name} is granted where it is named");
        }
    }

    #[test]
    fn a_prefix_of_loader_and_interpreter_variables_is_refused_and_their_exact_names_are_not() {
        for family in FAMILIES {
            let beginning = format!("{}_*", family.trim_end_matches('_'));
            assert!(Settable::parse(&beginning).is_err(), "{beginning}");
        }
        for name in ["LD_PRELOAD", "NODE_OPTIONS", "PATH", "PYTHONPATH", "_JAVA_OPTIONS", "GIT_SSH_COMMAND"] {
            assert!(Settable::parse(name).is_ok_and(|it| it.covers(name)), "{name}");
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn an_invalid_name_is_not_granted_and_a_variable_of_the_host_never_is() {
        for wrong in
            ["", "*", "_*", "_*x", "APP*", "app.*", "A B", "A=B", "1A", "A\n", "BASH_FUNC_x%%", "é", "L*"]
        {
            assert!(Settable::parse(wrong).is_err(), "{wrong:?}");
        }
        for host in ["PROVOST_REPLICA", "PROVOST_*", "provost_socket"] {
            assert!(Settable::parse(host).unwrap_err().contains("the host alone"), "{host}");
        }
    }
}
