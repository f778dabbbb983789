//! The order of found lines by relevance: BM25, with each line as a document.

use super::lines::LogLine;
use crate::fault::Fault;

/// The most words of a search by relevance.
const WORDS_MAX: usize = 32;

/// How soon more occurrences of a word stop to count.
const K1: f64 = 1.2;

/// How much the length of a line counts.
const B: f64 = 0.75;

/// The words by which lines are ranked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    words: Vec<String>,
    ignore_case: bool,
}

impl Words {
    /// Returns the words of a text, which are separated by white space.
    ///
    /// # Errors
    /// [`Fault`] if there are none, or too many.
    pub(crate) fn of(text: &str, ignore_case: bool) -> Result<Self, Fault> {
        let mut words: Vec<String> = Vec::new();
        for word in text.split_whitespace().map(|word| folded(word, ignore_case)) {
            if !words.contains(&word) {
                words.push(word);
            }
            if words.len() > WORDS_MAX {
                let message = format!("`text` has more than {WORDS_MAX} words");
                return Err(Fault::bad_request(message, "leave out those that do not matter"));
            }
        }
        match words.is_empty() {
            true => Err(Fault::bad_request("`text` has no word", "name the words to look for")),
            false => Ok(Self { words, ignore_case }),
        }
    }

    /// Returns the words.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Sorts lines by their relevance among each other, the most relevant first; equal ones keep their order.
    pub(crate) fn rank(&self, lines: Vec<LogLine>) -> Vec<LogLine> {
        let counted: Vec<Counted> = lines.iter().map(|line| self.count(&line.text)).collect();
        let total = number(lines.len());
        let average = counted.iter().map(|one| one.length).sum::<f64>() / total.max(1.0);
        let rarity: Vec<f64> = (0..self.words.len())
            .map(|word| {
                let having = number(counted.iter().filter(|one| one.times[word] > 0.0).count());
                ((total - having + 0.5) / (having + 0.5)).ln_1p()
            })
            .collect();
        let score = |one: &Counted| -> f64 {
            let damping = K1 * (1.0 - B + B * one.length / average.max(1.0));
            let words = one.times.iter().zip(&rarity);
            words.map(|(times, rarity)| rarity * times * (K1 + 1.0) / (times + damping)).sum()
        };
        let mut scored: Vec<(f64, LogLine)> = counted.iter().map(score).zip(lines).collect();
        scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        scored.into_iter().map(|(_, line)| line).collect()
    }

    fn count(&self, line: &str) -> Counted {
        let line = folded(line, self.ignore_case);
        let times = self.words.iter().map(|word| number(line.matches(word.as_str()).count()));
        Counted { times: times.collect(), length: number(line.split_whitespace().count()) }
    }
}

/// What matters of one line.
struct Counted {
    /// How often it has each word.
    times: Vec<f64>,
    /// The number of its words.
    length: f64,
}

fn folded(text: &str, ignore_case: bool) -> String {
    if ignore_case { text.to_lowercase() } else { text.to_owned() }
}

fn number(count: usize) -> f64 {
    // No line and no page has that many.
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(words: &str, ignore_case: bool, lines: &[&str]) -> Vec<String> {
        let line = |text: &&str| LogLine {
            at: String::new(),
            process: String::new(),
            stream: String::new(),
            text: (*text).to_owned(),
            base64: None,
        };
        let words = Words::of(words, ignore_case).unwrap();
        words.rank(lines.iter().map(line).collect()).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_with_more_and_with_rarer_words_come_first() {
        let lines =
            ["disk ok", "disk slow", "the disk is full", "disk ok again", "connection refused: disk full"];
        let best = ranked("disk full", false, &lines);
        assert_eq!(best[..2], ["the disk is full", "connection refused: disk full"], "short ones first");
        assert_eq!(best[2..], ["disk ok", "disk slow", "disk ok again"], "equal ones in their order");
    }

    #[test]
    fn case_counts_unless_it_is_ignored() {
        let lines = ["an error", "an ERROR ERROR"];
        assert_eq!(ranked("error", false, &lines)[0], "an error");
        assert_eq!(ranked("Error", true, &lines)[0], "an ERROR ERROR");
    }

    #[test]
    fn a_search_has_one_word_to_thirty_two() {
        assert!(Words::of(" \t", false).is_err());
        let many = |count: usize| (0..count).map(|number| format!("w{number} ")).collect::<String>();
        assert_eq!(Words::of(&many(WORDS_MAX).repeat(2), false).unwrap().iter().count(), WORDS_MAX);
        assert!(Words::of(&many(WORDS_MAX + 1), false).is_err());
        assert!(ranked("x", false, &[]).is_empty());
    }
}
