//! Names, numbers and patterns on the command line. A mistake must not be taken for something else: an empty name, such as that of
//! an unset shell variable, is refused instead of meaning everything.

/// The largest number of lines that `logs -n` accepts.
const LINES_MAX: usize = 1_000_000_000;

/// Parses the name of one process, group or plugin. A comma-separated list is refused, because a name has no comma.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the name is empty; is a shell variable unset?".to_owned());
    }
    if text.contains(',') {
        return Err("names are separated by spaces, not by commas".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses the name of a process and a number of replicas: `web=3`.
pub(super) fn replicas(text: &str) -> Result<(String, u32), String> {
    let hint = || "write the name of a process and a number of replicas, such as web=3".to_owned();
    let (process, count) = text.split_once('=').ok_or_else(hint)?;
    Ok((name(process)?, count.parse().map_err(|_| hint())?))
}

/// Parses a regular expression that the host will accept.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    match provost_supervisor::LogPattern::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses a number of lines.
pub(super) fn lines(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|lines| *lines <= LINES_MAX);
    number.ok_or_else(|| format!("write a number of lines, from 0 to {LINES_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_and_a_list_with_commas_are_refused() {
        for text in ["", " ", ",", "a,b", "a,", "all,"] {
            assert!(name(text).is_err(), "{text:?}");
        }
        for text in ["a", "workers:*", "all", "web.1", "-x"] {
            assert_eq!(name(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_number_of_replicas_follows_the_name_of_its_process() {
        assert_eq!(replicas("web=3"), Ok(("web".to_owned(), 3)));
        for text in ["web", "web=", "=3", "web=-1", "web=x", "web=1=2", "web=9999999999"] {
            assert!(replicas(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refused_number_of_lines_names_the_bounds() {
        assert_eq!((lines("0"), lines("1000000000")), (Ok(0), Ok(LINES_MAX)));
        for text in ["-1", "", "ten", "1e3", "99999999999999999999", "1000000001"] {
            assert_eq!(lines(text).unwrap_err(), "write a number of lines, from 0 to 1000000000", "{text}");
        }
    }
}
