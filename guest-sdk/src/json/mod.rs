//! Reads JSON text into a type of serde, for settings and for stored values. hifijson reads the text into a tree, serde reads the
//! tree, and an error names the field.
//!
//! serde_json and serde_path_to_error do the same, but took 30 KB of a component whose policy takes 2 KB: their code is compiled
//! again for each type, and converts floating point numbers also where no type has any.
//!
//! | room | owns |
//! |---|---|
//! | `node` | a value of the tree as serde reads it |
//! | `key` | the key of an object as serde reads it |
//! | `tree` | the values of the text, whatever they mean |
//! | `number` | numbers |
//! | `fault` | the error, with the path of the field |

/// Functions of a deserializer that read their kind of type by another one.
macro_rules! reads {
    ($how:ident: $($function:ident)+) => {
        $(fn $function<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.$how(visitor)
        })+
    };
}

mod fault;
mod key;
mod node;
mod number;
mod tree;

use serde::de::DeserializeOwned;

pub(crate) use fault::Fault;
use node::Node;

/// Reads a value from JSON text.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    T::deserialize(Node(&tree::of(text)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Point,
        Circle(u32),
        Line(i8, i8),
        Box { width: u64, height: Option<f64> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Text(String),
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Id(u16);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        unit: (),
        yes: bool,
        small: i64,
        big: u64,
        share: f32,
        letter: char,
        text: String,
        none: Option<u8>,
        some: Option<Vec<u8>>,
        tuple: (u8, String),
        shapes: Vec<Shape>,
        either: Vec<Either>,
        by_id: BTreeMap<Id, bool>,
        by_truth: BTreeMap<bool, i32>,
        #[serde(flatten)]
        others: BTreeMap<String, Vec<u32>>,
    }

    fn everything() -> Everything {
        Everything {
            unit: (),
            yes: true,
            small: i64::MIN,
            big: u64::MAX,
            share: 0.1,
            letter: 'ß',
            text: "\u{8}\"\\ \u{1F600} \n".to_owned(),
            none: None,
            some: Some(vec![1, 2]),
            tuple: (7, "seven".to_owned()),
            shapes: vec![
                Shape::Point,
                Shape::Circle(3),
                Shape::Line(-1, 1),
                Shape::Box { width: 1, height: Some(0.5) },
            ],
            either: vec![Either::Number(-1.5e-7), Either::Number(3.0), Either::Text("x".to_owned())],
            by_id: BTreeMap::from([(Id(3), true), (Id(40), false)]),
            by_truth: BTreeMap::from([(true, -1)]),
            others: BTreeMap::from([("rest".to_owned(), vec![1])]),
        }
    }

    #[test]
    fn what_serde_json_writes_is_read_as_it_reads_it() {
        let whole = everything();
        for text in [serde_json::to_string(&whole), serde_json::to_string_pretty(&whole)] {
            let text = text.expect("it can be written");
            assert_eq!(read::<Everything>(text.as_bytes()).expect("it is right"), whole);
            assert_eq!(serde_json::from_str::<Everything>(&text).expect("it is right"), whole);
        }
        let surrogates = br#" "\ud83d\ude00\u00e9" "#;
        assert_eq!(read::<String>(surrogates).expect("it is a text"), "\u{1F600}é");
    }

    fn error<T: Debug + DeserializeOwned>(json: &str) -> String {
        read::<T>(json.as_bytes()).expect_err("it should be refused").to_string()
    }

    #[test]
    fn an_error_names_the_field_by_its_path() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            #[serde(rename = "steps")]
            _steps: Vec<BTreeMap<String, Shape>>,
        }
        let of = error::<Outer>;
        assert_eq!(
            of(r#"{"steps": [{}, {"a": {"circle": "x"}}]}"#),
            r#"steps[1].a.circle: invalid type: string "x", expected u32"#
        );
        assert_eq!(
            of(r#"{"steps": [{"b": {"box": {"width": -1}}}]}"#),
            "steps[0].b.box.width: invalid value: integer `-1`, expected u64"
        );
        assert_eq!(of(r#"{"steps": [{"b": {"box": {}}}]}"#), "steps[0].b.box: missing field `width`");
        assert_eq!(
            of(r#"{"steps": [{"b": {"line": [1]}}]}"#),
            "steps[0].b.line: invalid length 1, expected tuple variant Shape::Line with 2 elements"
        );
        assert_eq!(
            of(r#"{"steps": [{"b": {"line": [1, 2, 3]}}]}"#),
            "steps[0].b.line: invalid length 3, expected a shorter list"
        );
        assert_eq!(
            of(r#"{"steps": [{"b": "sphere"}]}"#),
            "steps[0].b: unknown variant `sphere`, expected one of `point`, `circle`, `line`, `box`"
        );
        assert_eq!(of(r#"{"steps": [], "stops": 1}"#), "stops: unknown field `stops`, expected `steps`");
        assert_eq!(
            of(r#"{"steps": 7.50}"#),
            "steps: invalid type: floating point `7.50`, expected a sequence"
        );
        assert_eq!(of("[]"), "invalid type: sequence, expected struct Outer");
        assert_eq!(error::<(u8, bool)>("[1, null]"), "[1]: invalid type: null, expected a boolean");
        assert_eq!(error::<[[u8; 1]; 1]>("[[300]]"), "[0][0]: invalid value: integer `300`, expected u8");
    }

    #[test]
    fn what_is_not_json_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "value expected"),
            ("{\"a\": 1", "comma or end of sequence expected"),
            ("\"\\q\"", "a text has no end, or a wrong escape"),
            ("-", "a number has no digits"),
            ("1 2", "end of file expected"),
        ] {
            assert!(error::<()>(text).starts_with("it is not JSON: "), "{text}: {}", error::<()>(text));
            assert!(error::<()>(text).contains(reason), "{text}: {}", error::<()>(text));
        }
        let deep = "[".repeat(tree::DEPTH_MAX + 1) + &"]".repeat(tree::DEPTH_MAX + 1);
        assert!(error::<()>(&deep).contains("nested deeper than 128"), "{}", error::<()>(&deep));
    }
}
