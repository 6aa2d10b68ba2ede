//! What holds of the house itself: layers, circles, lengths, headers, names.
//!
//! Every guard is a function from source text to complaints, and has a test that shows it failing on a
//! seeded mistake. Guards read every line that is not part of a test.

mod circles;
mod language;
mod layers;
mod names;
mod ops;
mod print;
mod source;
mod tidy;
