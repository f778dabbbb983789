//! Where a key of the file is written, for problems that are found after the file was read.

use std::ops::Range;

use toml::de::DeTable;

use super::report::SourceFile;

impl SourceFile {
    /// Returns the position of a key, which is given with the tables above it; of the lowest of these tables that there is,
    /// if the key is not written; and the start of the file, if there is none.
    pub(crate) fn place_of_key(&self, path: &str) -> Range<usize> {
        let (document, _) = DeTable::parse_recoverable(&self.text);
        let mut place = 0..0;
        let mut table = Some(document.get_ref());
        for name in path.split('.') {
            let Some((key, value)) = table.and_then(|table| table.get_key_value(name)) else { break };
            place = key.span();
            table = value.get_ref().as_table();
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_key_that_is_not_written_is_that_of_its_table() {
        let text = "# x\n[host]\nlog_dir = \"a\"\n[plugins]\ncache = { size = \"1GiB\" }\n".to_owned();
        let source = SourceFile { path: "x".into(), text };
        let at = |path: &str| source.text[source.place_of_key(path)].to_owned();
        assert_eq!(at("host.log_dir"), "log_dir");
        assert_eq!(at("host.runtime_dir"), "host");
        assert_eq!(at("plugins.cache.size"), "size");
        assert_eq!(source.place_of_key("state.backend"), 0..0);
    }
}
