//! Lists of a record, bounded while they are read: a crafted file of a few bytes an entry would otherwise take many times its size.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A list of at most `MOST` entries.
pub(crate) fn list<'de, const MOST: usize, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Bounded<const MOST: usize, T>(PhantomData<T>);

    impl<'de, const MOST: usize, T: Deserialize<'de>> Visitor<'de> for Bounded<MOST, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST} entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = entries.next_element()? {
                if list.len() == MOST {
                    return Err(too_many(MOST));
                }
                list.push(entry);
            }
            Ok(list)
        }
    }
    from.deserialize_seq(Bounded::<MOST, T>(PhantomData))
}

/// A map of at most `MOST` entries.
pub(crate) fn map<'de, const MOST: usize, V, D>(from: D) -> Result<BTreeMap<String, V>, D::Error>
where
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Bounded<const MOST: usize, V>(PhantomData<V>);

    impl<'de, const MOST: usize, V: Deserialize<'de>> Visitor<'de> for Bounded<MOST, V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a map of at most {MOST} entries")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry()? {
                if map.len() == MOST {
                    return Err(too_many(MOST));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    from.deserialize_map(Bounded::<MOST, V>(PhantomData))
}

fn too_many<E: Error>(most: usize) -> E {
    E::custom(format!("more than {most} entries, which no run writes"))
}
