//! Tests on BTF from clang, from a builder for what clang does not make, and from broken bytes.
#![allow(clippy::unwrap_used)]

mod c_header;
mod decoding;
mod encoding;
mod generating;
mod hostile;
mod minimizing;
mod objects;
mod other_languages;
mod parsing;
mod python_module;
mod section;
mod ts_module;
