//! Messages of Protocol Buffers, declared as structs: `messages!` implements prost's `Message` for them, as its derive would, which
//! a `syn` of its own and `itertools` would be built for.

use std::collections::HashMap;

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, hash_map, string};

/// What a field can hold. Absent and default are one, as in proto3; an `Option` tells them apart.
pub(crate) trait Field {
    fn encode(&self, tag: u32, buffer: &mut impl BufMut);
    fn merge(&mut self, wire_type: WireType, buffer: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError>;
    fn encoded_len(&self, tag: u32) -> usize;
}

/// What an `Option`, a `Vec` or a map can hold.
pub(crate) trait Value: Default + PartialEq + Sized {
    fn encode_value(tag: u32, value: &Self, buffer: &mut impl BufMut);
    fn merge_value(
        wire_type: WireType,
        value: &mut Self,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;
    fn value_len(tag: u32, value: &Self) -> usize;
    fn encode_all(tag: u32, values: &[Self], buffer: &mut impl BufMut);
    fn merge_all(
        wire_type: WireType,
        values: &mut Vec<Self>,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;
    fn all_len(tag: u32, values: &[Self]) -> usize;
}

/// [`Value`] by prost's module `$kind`, lists by its functions `$encode` and `$length`.
macro_rules! value {
    ($type:ty, $kind:ident, $encode:ident, $length:ident) => {
        impl $crate::message::Value for $type {
            fn encode_value(tag: u32, value: &Self, buffer: &mut impl prost::bytes::BufMut) {
                prost::encoding::$kind::encode(tag, value, buffer);
            }
            fn merge_value(
                wire_type: prost::encoding::WireType,
                value: &mut Self,
                buffer: &mut impl prost::bytes::Buf,
                context: prost::encoding::DecodeContext,
            ) -> Result<(), prost::DecodeError> {
                prost::encoding::$kind::merge(wire_type, value, buffer, context)
            }
            fn value_len(tag: u32, value: &Self) -> usize {
                prost::encoding::$kind::encoded_len(tag, value)
            }
            fn encode_all(tag: u32, values: &[Self], buffer: &mut impl prost::bytes::BufMut) {
                prost::encoding::$kind::$encode(tag, values, buffer);
            }
            fn merge_all(
                wire_type: prost::encoding::WireType,
                values: &mut Vec<Self>,
                buffer: &mut impl prost::bytes::Buf,
                context: prost::encoding::DecodeContext,
            ) -> Result<(), prost::DecodeError> {
                prost::encoding::$kind::merge_repeated(wire_type, values, buffer, context)
            }
            fn all_len(tag: u32, values: &[Self]) -> usize {
                prost::encoding::$kind::$length(tag, values)
            }
        }
    };
}

/// A [`Value`] that is a [`Field`] too, left out where it is its type's default.
macro_rules! scalar {
    ($($type:ty, $kind:ident, $encode:ident, $length:ident;)*) => {$(
        value!($type, $kind, $encode, $length);

        impl Field for $type {
            fn encode(&self, tag: u32, buffer: &mut impl BufMut) {
                if *self != Self::default() {
                    encoding::$kind::encode(tag, self, buffer);
                }
            }
            fn merge(
                &mut self,
                wire_type: WireType,
                buffer: &mut impl Buf,
                context: DecodeContext,
            ) -> Result<(), DecodeError> {
                encoding::$kind::merge(wire_type, self, buffer, context)
            }
            fn encoded_len(&self, tag: u32) -> usize {
                if *self == Self::default() { 0 } else { encoding::$kind::encoded_len(tag, self) }
            }
        }
    )*};
}

// ONNX is of proto2, whose lists of integers are not packed.
scalar! {
    bool, bool, encode_repeated, encoded_len_repeated;
    i32, int32, encode_repeated, encoded_len_repeated;
    i64, int64, encode_repeated, encoded_len_repeated;
    f32, float, encode_packed, encoded_len_packed;
    f64, double, encode_packed, encoded_len_packed;
    String, string, encode_repeated, encoded_len_repeated;
    Vec<u8>, bytes, encode_repeated, encoded_len_repeated;
}

impl<T: Value> Field for Option<T> {
    fn encode(&self, tag: u32, buffer: &mut impl BufMut) {
        if let Some(value) = self {
            T::encode_value(tag, value, buffer);
        }
    }
    fn merge(&mut self, wire_type: WireType, buffer: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        T::merge_value(wire_type, self.get_or_insert_default(), buffer, context)
    }
    fn encoded_len(&self, tag: u32) -> usize {
        self.as_ref().map_or(0, |value| T::value_len(tag, value))
    }
}

/// A `Vec` of bytes is a value itself: `u8` is none.
impl<T: Value> Field for Vec<T> {
    fn encode(&self, tag: u32, buffer: &mut impl BufMut) {
        T::encode_all(tag, self, buffer);
    }
    fn merge(&mut self, wire_type: WireType, buffer: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        T::merge_all(wire_type, self, buffer, context)
    }
    fn encoded_len(&self, tag: u32) -> usize {
        T::all_len(tag, self)
    }
}

impl<T: Value> Field for HashMap<String, T> {
    fn encode(&self, tag: u32, buffer: &mut impl BufMut) {
        hash_map::encode(string::encode, string::encoded_len, T::encode_value, T::value_len, tag, self, buffer);
    }
    fn merge(&mut self, _: WireType, buffer: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        hash_map::merge(string::merge, T::merge_value, self, buffer, context)
    }
    fn encoded_len(&self, tag: u32) -> usize {
        hash_map::encoded_len(string::encoded_len, T::value_len, tag, self)
    }
}

/// Structs whose fields have tags: `/// What it is. Name { field: Type = 1, }`, the tags ascending.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty = $tag:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $($(#[$of_field])* pub(crate) $field: $type,)*
        }

        impl prost::Message for $name {
            fn encode_raw(&self, buffer: &mut impl prost::bytes::BufMut) {
                $($crate::message::Field::encode(&self.$field, $tag, buffer);)*
            }
            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: prost::encoding::WireType,
                buffer: &mut impl prost::bytes::Buf,
                context: prost::encoding::DecodeContext,
            ) -> Result<(), prost::DecodeError> {
                match tag {
                    $($tag => $crate::message::Field::merge(&mut self.$field, wire_type, buffer, context),)*
                    _ => prost::encoding::skip_field(wire_type, tag, buffer, context),
                }
            }
            fn encoded_len(&self) -> usize {
                0 $(+ $crate::message::Field::encoded_len(&self.$field, $tag))*
            }
            fn clear(&mut self) {
                *self = Self::default();
            }
        }

        $crate::message::value!($name, message, encode_repeated, encoded_len_repeated);
    )*};
}

pub(crate) use {messages, value};
