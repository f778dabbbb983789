//! The command line of a long run. Cargo also passes flags of its own test harness, which are ignored.

/// The length of a run without arguments, in seconds.
const SECONDS: u64 = 6;

/// The flags of Cargo's test harness that have a value.
const WITH_VALUE: [&str; 7] =
    ["--test-threads", "--skip", "--format", "--color", "--logfile", "--report-time", "-Z"];

/// The options of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long the disturbances last.
    pub seconds: u64,
    /// What determines all random numbers.
    pub seed: u64,
    /// Whether to keep the directory of the host even if all invariants hold.
    pub keep: bool,
    /// Whether orphans are reaped at the end only. It concerns the chaos run.
    pub reaps_late: bool,
}

impl Options {
    /// Reads the arguments of the run with this name. Returns `None` if it should not run, because they list the tests or select
    /// others by name.
    ///
    /// # Panics
    /// If a number is missing.
    #[must_use]
    pub fn read(name: &str, arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self { seconds: SECONDS, seed: 1, keep: false, reaps_late: false };
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
                "--reap-late" => options.reaps_late = true,
                "--list" => return None,
                known if WITH_VALUE.contains(&known) => {
                    value.or_else(|| arguments.next());
                }
                other if other.starts_with('-') => {}
                filter if name.contains(filter) => {}
                _ => return None,
            }
        }
        Some(options)
    }
}
