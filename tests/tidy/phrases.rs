//! Phrases that have a plain equivalent do not come back: in doc comments, in texts for users and in documents (STYLE.md).

use std::path::Path;

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprLit, ImplItemFn, Item, Lit, LitStr, Meta};

use crate::modules::{attributes, is_for_tests};
use crate::{files, root};

/// A phrase, and what to write instead.
const BANNED: [(&str, &str); 11] = [
    ("under way", "in progress, at run time"),
    ("whoever", "name the reader, the caller or the process"),
    ("what is so", "the current state"),
    ("lets go of", "drops"),
    ("to be had", "available"),
    ("it is none", "it is not one"),
    ("without further ado", "at once"),
    ("is in haste", "asks explicitly"),
    ("so many characters", "the number"),
    ("of its own accord", "unprompted"),
    ("is told of", "is notified of"),
];

/// The banned phrases of one text, in words.
fn found(text: &str) -> Vec<String> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let banned = BANNED.iter().filter(|(phrase, _)| flat.contains(phrase));
    banned.map(|(phrase, instead)| format!("\"{phrase}\": write {instead}")).collect()
}

/// Collects the doc comments and the literals of one file, without its tests.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    /// Returns the texts of a file as one, so that a phrase across two lines of a comment is found.
    fn of(file: &Path) -> String {
        let mut texts = Self::default();
        let mut parsed = syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap();
        texts.visit_file_mut(&mut parsed);
        texts.0.join(" ")
    }
}

impl VisitMut for Texts {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if !is_for_tests(attributes(item)) {
            visit_mut::visit_item_mut(self, item);
        }
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit_mut::visit_impl_item_fn_mut(self, function);
        }
    }

    fn visit_attribute_mut(&mut self, attribute: &mut Attribute) {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value
        {
            self.0.push(text.value());
        }
    }

    fn visit_lit_str_mut(&mut self, text: &mut LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro_mut(&mut self, called: &mut syn::Macro) {
        for token in called.tokens.clone() {
            if let Ok(text) = syn::parse2::<LitStr>(token.into()) {
                self.0.push(text.value());
            }
        }
    }
}

#[test]
fn no_text_uses_a_banned_phrase() {
    let mut told = String::new();
    let mut tell = |file: &Path, text: &str| {
        for phrase in found(text) {
            told += &format!("{}: {phrase}\n", file.strip_prefix(root()).unwrap().display());
        }
    };
    for folder in ["host", "guest-sdk", "plugins", "tests"] {
        for file in files(&root().join(folder), ".rs") {
            if !file.ends_with("tidy/phrases.rs") {
                tell(&file, &Texts::of(&file));
            }
        }
    }
    for file in files(&root(), ".md").iter().chain(&files(&root(), ".wit")) {
        // The style guide quotes what it bans.
        if !file.ends_with("STYLE.md") {
            tell(file, &std::fs::read_to_string(file).unwrap());
        }
    }
    assert!(told.is_empty(), "plainer words are in STYLE.md:\n{told}");
}

#[test]
fn a_banned_phrase_is_found_in_docs_and_messages_but_not_in_tests() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lib.rs");
    let text = "//! A call that is under\n//! way.\nfn a() { println!(\"{} whoever\", 1); b(\"what is so\") }\n\
                #[cfg(test)]\nmod tests { fn c() { \"lets go of\" } }";
    std::fs::write(&file, text).unwrap();
    let all = found(&Texts::of(&file));
    assert_eq!(all.len(), 3, "{all:?}");
}
