//! A value of the tree as serde reads it. Each kind of type has its own function, which a component has only for the types that
//! it reads: what is common to all types is not generic.

use std::borrow::Cow;
use std::iter::Enumerate;
use std::slice::Iter;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::fault::Fault;
use super::key::Key;
use super::number::{Number, float};
use super::tree::Tree;

/// A value of the tree.
#[derive(Clone, Copy)]
pub(super) struct Node<'t>(pub(super) &'t Tree<'t>);

impl<'t> Node<'t> {
    /// Returns the error that another value was expected here.
    #[inline(never)]
    fn refused(self, expected: &dyn Expected) -> Fault {
        let found = match self.0 {
            Tree::Null => Unexpected::Unit,
            Tree::Bool(value) => Unexpected::Bool(*value),
            Tree::Number(text) => match Number::whole(text) {
                Some(Number::Unsigned(number)) => Unexpected::Unsigned(number),
                Some(Number::Signed(number)) => Unexpected::Signed(number),
                Some(Number::Float(_)) | None => {
                    return Fault::instead_of(&format_args!("floating point `{text}`"), expected);
                }
            },
            Tree::Text(text) => Unexpected::Str(text),
            Tree::List(_) => Unexpected::Seq,
            Tree::Object(_) => Unexpected::Map,
        };
        Fault::invalid_type(found, expected)
    }

    /// Reads a whole number.
    fn whole<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = if let Tree::Number(text) = self.0 { Number::whole(text) } else { None };
        match number {
            Some(Number::Unsigned(number)) => visitor.visit_u64(number),
            Some(Number::Signed(number)) => visitor.visit_i64(number),
            Some(Number::Float(_)) | None => Err(self.refused(&visitor)),
        }
    }

    /// Reads a number of any kind.
    fn float<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Tree::Number(text) = self.0 else { return Err(self.refused(&visitor)) };
        visitor.visit_f64(float(text).ok_or_else(|| beyond(text))?)
    }

    fn text<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Text(text) => visitor.visit_borrowed_str(text),
            _ => Err(self.refused(&visitor)),
        }
    }

    fn sequence<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Tree::List(elements) = self.0 else { return Err(self.refused(&visitor)) };
        let mut rest = Elements { rest: elements.iter().enumerate() };
        let value = visitor.visit_seq(&mut rest)?;
        match rest.rest.len() {
            0 => Ok(value),
            _ => Err(Fault::invalid_length(elements.len(), &"a shorter list")),
        }
    }

    fn object<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Tree::Object(entries) = self.0 else { return Err(self.refused(&visitor)) };
        visitor.visit_map(Entries { rest: entries.iter(), value: None })
    }
}

#[inline(never)]
fn beyond(text: &str) -> Fault {
    Fault::custom(format_args!("the number {text} is out of range"))
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(text) => match Number::of(text).ok_or_else(|| beyond(text))? {
                Number::Unsigned(number) => visitor.visit_u64(number),
                Number::Signed(number) => visitor.visit_i64(number),
                Number::Float(number) => visitor.visit_f64(number),
            },
            Tree::Text(text) => visitor.visit_borrowed_str(text),
            Tree::List(_) => self.sequence(visitor),
            Tree::Object(_) => self.object(visitor),
        }
    }

    reads!(whole: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    reads!(whole: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64);
    reads!(float: deserialize_f32 deserialize_f64);
    reads!(text: deserialize_str deserialize_string deserialize_char deserialize_identifier);
    reads!(sequence: deserialize_seq);
    reads!(object: deserialize_map);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Bool(value) => visitor.visit_bool(*value),
            _ => Err(self.refused(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _size: usize, visitor: V) -> Result<V::Value, Fault> {
        self.sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _size: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.sequence(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.object(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Tree::Text(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Tree::Object(entries) => match entries.as_slice() {
                [(name, content)] => visitor.visit_enum(Variant { name, content: Node(content) }),
                _ => Err(self.refused(&"map with a single key")),
            },
            _ => Err(self.refused(&"string or map")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { bytes byte_buf unit unit_struct }
}

/// The rest of the elements of a list, with their places.
struct Elements<'t> {
    rest: Enumerate<Iter<'t, Tree<'t>>>,
}

impl<'de> SeqAccess<'de> for &mut Elements<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, element)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Node(element)).map(Some).map_err(|fault| fault.within(&format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The rest of the entries of an object.
struct Entries<'t> {
    rest: Iter<'t, (Cow<'t, str>, Tree<'t>)>,
    /// The entry whose key was read last.
    value: Option<&'t (Cow<'t, str>, Tree<'t>)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.rest.next();
        let Some((key, _)) = self.value else { return Ok(None) };
        seed.deserialize(Key(key)).map(Some).map_err(|fault| fault.within(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let Some((key, value)) = self.value else { return Err(Fault::custom("there is no further value")) };
        seed.deserialize(Node(value)).map_err(|fault| fault.within(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A variant of an enum with its content.
struct Variant<'t> {
    name: &'t str,
    content: Node<'t>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        Ok((seed.deserialize(Key(self.name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content.0 {
            Tree::Null => Ok(()),
            _ => Err(self.content.refused(&"unit variant").within(self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.content).map_err(|fault| fault.within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _size: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content.sequence(visitor).map_err(|fault| fault.within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.content.object(visitor).map_err(|fault| fault.within(self.name))
    }
}
