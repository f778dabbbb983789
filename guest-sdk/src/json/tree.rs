//! The values of a JSON text, whatever they mean.

use std::borrow::Cow;

use hifijson::num::LexWrite;
use hifijson::str::LexAlloc;
use hifijson::token::{Expect, Lex};
use hifijson::{Error, SliceLexer};

use super::fault::Fault;

/// The deepest nesting that is read, as in serde_json. A deeper one could overflow the stack.
pub(super) const DEPTH_MAX: usize = 128;

/// A value. A number is a text until a type asks for a number.
#[derive(Debug)]
pub(super) enum Tree<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    Text(Cow<'t, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'t, str>, Self)>),
}

/// Reads a text.
#[inline(never)]
pub(super) fn of(text: &[u8]) -> Result<Tree<'_>, Fault> {
    let mut lexer = SliceLexer::new(text);
    let tree = lexer.exactly_one(Lex::ws_peek, |next, lexer| value(DEPTH_MAX, next, lexer));
    tree.map_err(|error| match error {
        Error::Token(expected) => Fault::of(format_args!("it is not JSON: {expected} expected")),
        Error::Num(_) => Fault::of(format_args!("it is not JSON: a number has no digits")),
        Error::Str(_) => Fault::of(format_args!("it is not JSON: a text has no end, or a wrong escape")),
        Error::Depth => Fault::of(format_args!("it is nested deeper than {DEPTH_MAX}")),
    })
}

/// Reads the value that begins with `next`.
fn value<'t>(depth: usize, next: u8, lexer: &mut SliceLexer<'t>) -> Result<Tree<'t>, Error> {
    let depth = depth.checked_sub(1).ok_or(Error::Depth)?;
    match next {
        b'a'..=b'z' => Ok(lexer.null_or_bool().ok_or(Expect::Value)?.map_or(Tree::Null, Tree::Bool)),
        b'0'..=b'9' | b'-' => {
            let (digits, _) = lexer.num_bytes().validated()?;
            // They are ASCII.
            Ok(Tree::Number(core::str::from_utf8(digits).unwrap_or_default()))
        }
        b'"' => Ok(Tree::Text(lexer.discarded().str_string()?)),
        b'[' => {
            let mut list = Vec::new();
            lexer.discarded().seq(b']', Lex::ws_peek, |next, lexer| {
                list.push(value(depth, next, lexer)?);
                Ok::<_, Error>(())
            })?;
            Ok(Tree::List(list))
        }
        b'{' => {
            let mut object = Vec::new();
            lexer.discarded().seq(b'}', Lex::ws_peek, |next, lexer| {
                lexer.expect(|_| Some(next), b'"').ok_or(Expect::String)?;
                let key = lexer.str_string()?;
                lexer.expect(Lex::ws_peek, b':').ok_or(Expect::Colon)?;
                let next = lexer.ws_peek().ok_or(Expect::Value)?;
                object.push((key, value(depth, next, lexer)?));
                Ok::<_, Error>(())
            })?;
            Ok(Tree::Object(object))
        }
        _ => Err(Expect::Value)?,
    }
}
