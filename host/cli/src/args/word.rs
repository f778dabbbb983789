//! Names, numbers and patterns on the command line, where a mistake must not mean something else: an empty name, as of a variable of
//! the shell that is not set, names nothing rather than everything.

/// The most that `logs -n` may ask for.
const LINES_MAX: usize = 1_000_000_000;

/// One process, group or plugin. A list in one word is refused, because a name has no comma.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the name is empty; is a variable of the shell not set?".to_owned());
    }
    if text.contains(',') {
        return Err("names are separated by blanks, not by commas".to_owned());
    }
    Ok(text.to_owned())
}

/// A regular expression that the host will take.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    match provost_supervisor::LogPattern::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A number of lines.
pub(super) fn lines(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|lines| *lines <= LINES_MAX);
    number.ok_or_else(|| format!("write a number of lines, from 0 to {LINES_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_and_a_list_in_one_word_name_nothing() {
        for text in ["", " ", ",", "a,b", "a,", "all,"] {
            assert!(name(text).is_err(), "{text:?}");
        }
        for text in ["a", "workers:*", "all", "web.1", "-x"] {
            assert_eq!(name(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_number_of_lines_is_told_its_bounds() {
        assert_eq!((lines("0"), lines("1000000000")), (Ok(0), Ok(LINES_MAX)));
        for text in ["-1", "", "ten", "1e3", "99999999999999999999", "1000000001"] {
            assert_eq!(lines(text).unwrap_err(), "write a number of lines, from 0 to 1000000000", "{text}");
        }
    }
}
