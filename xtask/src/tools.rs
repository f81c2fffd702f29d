//! What some of the tests need and not every machine has.

use std::env;
use std::process::{Command, Stdio};

/// Whether there is a C++ compiler; the tests look for the same ones.
pub(crate) fn cxx() -> bool {
    let named = env::var("CXX").ok().into_iter();
    named.chain(["c++", "g++", "clang++"].map(String::from)).any(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}
