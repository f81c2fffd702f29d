//! How a command tells an error.

use std::error::Error;

/// The error and its causes on one line, without those that the error's own text tells already.
pub fn told_once(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Told {
        text: &'static str,
        source: Option<Box<Told>>,
    }

    #[test]
    fn a_cause_is_told_where_the_error_does_not() {
        let error = |text| {
            let last = Told { text: "no space left", source: None };
            Told { text, source: Some(Box::new(last)) }
        };
        assert_eq!(told_once(&error("cannot write a.toml")), "cannot write a.toml: no space left");
        assert_eq!(told_once(&error("cannot write a.toml: no space left")), "cannot write a.toml: no space left");
    }
}
