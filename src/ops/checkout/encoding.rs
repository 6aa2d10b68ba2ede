//! Decodes bytes to text and encodes them back to the same bytes: an edit changes nothing else, whatever the encoding.
//!
//! Old scripts are pasted into steps, so a UTF-8 file may contain bytes that are not valid UTF-8. Each is held as a
//! private character and written back unchanged. Their meaning is never guessed.

/// How the bytes of a file encode its text. A byte order mark is part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, little-endian by its byte order mark.
    Utf16Little,
    /// UTF-16, big-endian by its byte order mark.
    Utf16Big,
}

/// A byte that is not valid UTF-8 is held as the character `HELD` plus the byte, in a private use area.
const HELD: u32 = 0x10_fe00;

/// Why bytes could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodeError {
    /// The line, starting from 1.
    pub(crate) line: usize,
    /// The expected encoding.
    pub(crate) encoding: &'static str,
}

/// Decodes bytes. Returns the text and its encoding.
///
/// # Errors
///
/// Fails if the text could not be encoded to the same bytes again.
pub(crate) fn decode_bytes(bytes: &[u8]) -> Result<(String, TextEncoding), DecodeError> {
    let encoding = match bytes {
        [0xff, 0xfe, ..] => TextEncoding::Utf16Little,
        [0xfe, 0xff, ..] => TextEncoding::Utf16Big,
        _ => return decode_utf8(bytes).map(|text| (text, TextEncoding::Utf8)),
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| match encoding {
        TextEncoding::Utf16Big => u16::from_be_bytes(*pair),
        _ => u16::from_le_bytes(*pair),
    });
    let mut text = String::with_capacity(bytes.len());
    let odd = (!rest.is_empty()).then_some(None);
    for unit in char::decode_utf16(units).map(Result::ok).chain(odd) {
        let Some(unit) = unit else {
            return Err(DecodeError { line: text.matches('\n').count() + 1, encoding: "UTF-16" });
        };
        text.push(unit);
    }
    Ok((text, encoding))
}

fn decode_utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        // A private character in the file itself would be taken for a held byte.
        if let Some(at) = chunk.valid().find(|it| escaped_byte(it).is_some()) {
            text.push_str(chunk.valid().get(..at).unwrap_or_default());
            return Err(DecodeError { line: text.matches('\n').count() + 1, encoding: "UTF-8" });
        }
        text.push_str(chunk.valid());
        text.extend(
            chunk.invalid().iter().filter_map(|byte| char::from_u32(HELD + u32::from(*byte))),
        );
    }
    Ok(text)
}

/// Returns the byte that a character holds, if it holds one.
fn escaped_byte(c: char) -> Option<u8> {
    let byte = u32::from(c).checked_sub(HELD)?;
    u8::try_from(byte).ok().filter(|byte| *byte > 0x7f)
}

impl TextEncoding {
    /// Encodes a text.
    pub(crate) fn encode_text(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => {
                let mut units = [0; 4];
                let mut bytes = Vec::with_capacity(text.len());
                for c in text.chars() {
                    match escaped_byte(c) {
                        Some(byte) => bytes.push(byte),
                        None => bytes.extend_from_slice(c.encode_utf8(&mut units).as_bytes()),
                    }
                }
                bytes
            }
            Self::Utf16Little => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Big => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding_is_detected_by_its_mark() {
        let table: [(&[u8], &str, TextEncoding); 4] = [
            (b"a\xc3\xa9", "aé", TextEncoding::Utf8),
            (b"\xef\xbb\xbfa", "\u{feff}a", TextEncoding::Utf8),
            (b"\xff\xfea\0\xe9\0", "\u{feff}aé", TextEncoding::Utf16Little),
            (b"\xfe\xff\0a\0\xe9", "\u{feff}aé", TextEncoding::Utf16Big),
        ];
        for (bytes, text, encoding) in table {
            assert_eq!(decode_bytes(bytes), Ok((text.to_owned(), encoding)));
            assert_eq!(encoding.encode_text(text), bytes);
        }
    }

    #[test]
    fn bytes_that_would_not_round_trip_are_an_error() {
        let wrong = |bytes: &[u8]| decode_bytes(bytes).unwrap_err();
        let utf16 = |line| DecodeError { line, encoding: "UTF-16" };
        assert_eq!(wrong(b"\xff\xfea\0\n\0\0\xd8"), utf16(2));
        assert_eq!(wrong(b"\xff\xfea"), utf16(1));
        let held = "a\n\u{10fe80}".as_bytes();
        assert_eq!(wrong(held), DecodeError { line: 2, encoding: "UTF-8" });
    }

    proptest! {
        #[test]
        fn decoding_and_encoding_restore_the_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40), mark in 0..4_usize) {
            let mark: &[u8] = [b"".as_slice(), b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"][mark];
            let bytes = [mark, &bytes].concat();
            if let Ok((text, encoding)) = decode_bytes(&bytes) {
                prop_assert_eq!(encoding.encode_text(&text), bytes);
            }
        }
    }
}
