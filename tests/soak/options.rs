//! The command line of the soak. Cargo also passes flags of its own test harness, which are ignored.

/// The length of the soak without arguments, in seconds.
const SECONDS: u64 = 6;

/// The flags of Cargo's test harness that have a value.
const WITH_VALUE: [&str; 7] =
    ["--test-threads", "--skip", "--format", "--color", "--logfile", "--report-time", "-Z"];

/// The options of a soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// Whether to keep the directory of the host even if all invariants hold.
    pub(crate) keep: bool,
}

/// Reads the arguments. Returns `None` if the soak should not run, because they list the tests or select others by name.
pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { seconds: SECONDS, seed: 1, keep: false };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let (flag, mut value) = match argument.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let mut number = || {
            let text = value.take().or_else(|| arguments.next()).unwrap_or_default();
            text.parse::<u64>().unwrap_or_else(|_| panic!("{flag} wants a whole number, not {text:?}"))
        };
        match flag.as_str() {
            "--minutes" => options.seconds = 60 * number(),
            "--seconds" => options.seconds = number(),
            "--seed" => options.seed = number(),
            "--keep" => options.keep = true,
            "--list" => return None,
            known if WITH_VALUE.contains(&known) => {
                value.or_else(|| arguments.next());
            }
            other if other.starts_with('-') => {}
            filter if "soak".contains(filter) => {}
            _ => return None,
        }
    }
    Some(options)
}
