//! Choices among names: an enum whose every variant has its name in TOML and a sentence.

/// A choice among names.
pub trait Named: Copy + Eq + 'static {
    /// Every choice, in the order to show.
    const ALL: &'static [Self];

    /// The name that a config uses.
    fn as_str(self) -> &'static str;

    /// What it is, in one sentence without its full stop.
    fn sentence(self) -> &'static str;

    /// The choice of this name.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == name)
    }
}

/// An enum that is [`Named`]: `Variant = "name", "sentence"`. The sentence is the variant's documentation too.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $($(#[$of_variant:meta])* $variant:ident = $text:literal, $sentence:literal;)+ }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $(#[doc = $sentence] $(#[$of_variant])* $variant,)+ }

        impl $name {
            /// Every choice, in the order to show.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant,)+];

            /// Their names, in the same order: for what is decided at compile time.
            pub const NAMES: [&'static str; [$($text),+].len()] = [$($text,)+];
        }

        impl $crate::Named for $name {
            const ALL: &'static [Self] = &Self::ALL;

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::Named::as_str(*self))
            }
        }
    };
}
pub(crate) use named;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Activation, AugmentKind, AveragingKind, DatasetKind, DecayScope, Edges, InputKind, LayerKind, LossKind,
        OptimizerKind, Precision, RngScheme, ScheduleKind, WeightInit,
    };

    fn check<T: Named + std::fmt::Debug>() {
        for choice in T::ALL {
            assert_eq!(T::from_name(choice.as_str()), Some(*choice));
            let sentence = choice.sentence();
            assert!(!sentence.is_empty() && !sentence.ends_with('.') && !sentence.contains('\n'), "{choice:?}");
            // A table in a document separates its cells by it.
            assert!(!sentence.contains('|'), "{choice:?}");
        }
        assert_eq!(T::from_name("no such name"), None);
    }

    #[test]
    fn every_choice_is_found_by_its_name_and_has_one_sentence() {
        check::<Activation>();
        check::<AveragingKind>();
        check::<AugmentKind>();
        check::<Edges>();
        check::<InputKind>();
        check::<DatasetKind>();
        check::<DecayScope>();
        check::<LossKind>();
        check::<LayerKind>();
        check::<OptimizerKind>();
        check::<Precision>();
        check::<RngScheme>();
        check::<ScheduleKind>();
        check::<WeightInit>();
    }
}
