//! The bounds of results: the number of items, their bytes, and the length of texts in them.

use provost_state::text;
use serde::Serialize;

use crate::fault::Fault;

/// The most bytes of JSON that the items of one result take. A first item that is larger is still returned.
pub(crate) const RESULT_BYTES_MAX: usize = 48 << 10;
/// The most items of one result.
pub(crate) const ITEMS_MAX: usize = 500;
/// The number of items of one result by default.
pub(crate) const ITEMS: usize = 100;
/// The most bytes of one line of output.
pub(crate) const LINE_BYTES_MAX: usize = 4 << 10;

/// The first items of a list.
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Whether there are more.
    pub(crate) more: bool,
}

impl<T> Page<T> {
    /// Returns the cursor of the next page, which is the key of the last item, if there is one.
    pub(crate) fn next_cursor(&self, key: impl Fn(&T) -> &str) -> Option<String> {
        self.items.last().filter(|_| self.more).map(|last| key(last).to_owned())
    }
}

/// Returns the wanted number of items within the bounds.
///
/// # Errors
/// [`Fault`] if no item is wanted.
pub(crate) fn limit(wanted: Option<u32>) -> Result<usize, Fault> {
    match wanted {
        None => Ok(ITEMS),
        Some(0) => {
            let hint = format!("ask for 1 to {ITEMS_MAX}, or leave it out for {ITEMS}");
            Err(Fault::bad_request("`limit` is 0", hint))
        }
        Some(wanted) => Ok(usize::try_from(wanted).map_or(ITEMS_MAX, |wanted| wanted.min(ITEMS_MAX))),
    }
}

/// Takes the first `limit` items, or fewer if they would exceed [`RESULT_BYTES_MAX`].
pub(crate) fn first<T: Serialize>(items: impl IntoIterator<Item = T>, limit: usize) -> Page<T> {
    let mut page = Page { items: Vec::new(), more: false };
    let mut bytes = 0;
    for item in items {
        bytes += serde_json::to_vec(&item).map_or(0, |json| json.len());
        if page.items.len() == limit || (bytes > RESULT_BYTES_MAX && !page.items.is_empty()) {
            page.more = true;
            break;
        }
        page.items.push(item);
    }
    page
}

/// Drops the items of the former pages, up to the one that the cursor names.
///
/// # Errors
/// If no item has that key.
pub(crate) fn resume<T>(
    items: &mut Vec<T>,
    cursor: Option<&str>,
    key: impl Fn(&T) -> &str,
) -> Result<(), Fault> {
    if let Some(cursor) = cursor {
        let at = items.iter().position(|item| key(item) == cursor);
        items.drain(..=at.ok_or_else(|| bad_cursor(cursor))?);
    }
    Ok(())
}

/// Refuses a cursor that no page ended with.
pub(crate) fn bad_cursor(cursor: &str) -> Fault {
    let cursor = text::one_line(&cursor[..cursor.floor_char_boundary(100)]);
    Fault::bad_request(
        format!("`cursor` is not one that a page ended with: `{cursor}`"),
        "leave it out to begin with the first page",
    )
}

/// Returns output of a process as a client may show it: without colours, with replacements for other control characters, and
/// cut after [`LINE_BYTES_MAX`] bytes.
pub(crate) fn shown(line: &str) -> String {
    let cut = &line[..line.floor_char_boundary(LINE_BYTES_MAX)];
    let mut shown = text::lines(&without_styles(cut));
    if cut.len() < line.len() {
        shown.push('…');
    }
    shown
}

/// Removes the control sequences of terminals that begin with `ESC [`.
fn without_styles(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| matches!(c, '\u{40}'..='\u{7e}'));
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_at_most_the_wanted_items_and_the_allowed_bytes() {
        let page = first(0..10, 3);
        assert_eq!((page.items, page.more), (vec![0, 1, 2], true));
        let page = first(0..3, 3);
        assert_eq!((page.items, page.more), (vec![0, 1, 2], false));
        let page = first(std::iter::repeat_n("x".repeat(RESULT_BYTES_MAX / 3), 9), 9);
        assert_eq!((page.items.len(), page.more), (2, true));
        let page = first(std::iter::repeat_n("x".repeat(RESULT_BYTES_MAX * 2), 9), 9);
        assert_eq!((page.items.len(), page.more), (1, true));
    }

    #[test]
    fn a_limit_is_at_least_one_and_bounded() {
        for (wanted, limited) in [(None, ITEMS), (Some(1), 1), (Some(u32::MAX), ITEMS_MAX)] {
            assert_eq!(limit(wanted).unwrap(), limited, "{wanted:?}");
        }
        assert_eq!(limit(Some(0)).unwrap_err().0.message, "`limit` is 0");
    }

    #[test]
    fn only_a_page_with_more_after_it_has_a_cursor() {
        let items = || ["a", "b", "c"].map(str::to_owned);
        assert_eq!(first(items(), 2).next_cursor(|item| item).as_deref(), Some("b"));
        assert_eq!(first(items(), 3).next_cursor(|item| item), None);
    }

    #[test]
    fn a_line_is_shown_without_control_sequences_and_cut() {
        assert_eq!(shown("\u{1b}[31mred\u{1b}[0m and \u{7} bell"), "red and \u{fffd} bell");
        assert_eq!(shown("half \u{1b}[3"), "half ");
        let long = shown(&"ä".repeat(LINE_BYTES_MAX));
        assert_eq!((long.len(), long.ends_with('…')), (LINE_BYTES_MAX + '…'.len_utf8(), true));
    }
}
