//! Bytes as a text, and the way back to the same bytes: what no edit touches stays, however it is encoded.
//!
//! Scripts of another time are pasted into steps, so that a file of UTF-8 may have bytes that are none.
//! Each is held as a character of its own and goes back as it came. Never: a guess of what it means.

/// How the bytes of a file are a text. The mark at its beginning, if it has one, is part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// UTF-8, with or without a mark.
    Utf8,
    /// UTF-16 with the low byte first, which its mark says.
    Utf16Little,
    /// UTF-16 with the high byte first, which its mark says.
    Utf16Big,
}

/// Where a byte that is no UTF-8 is held: `HELD` and the byte, which nobody writes.
const HELD: u32 = 0x10_fe00;

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodeError {
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// What they should have been.
    pub(crate) encoding: &'static str,
}

/// The text that the bytes are, and how.
///
/// # Errors
///
/// Where the text could not go back to the same bytes.
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
        // A character that is there already would be taken for a byte.
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

/// The byte that a character holds.
fn escaped_byte(c: char) -> Option<u8> {
    let byte = u32::from(c).checked_sub(HELD)?;
    u8::try_from(byte).ok().filter(|from| 0x7f < *from)
}

impl TextEncoding {
    /// The bytes of a text.
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
    fn each_encoding_is_told_by_its_mark() {
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
    fn what_would_not_come_back_is_no_text() {
        let wrong = |bytes: &[u8]| decode_bytes(bytes).unwrap_err();
        let utf16 = |line| DecodeError { line, encoding: "UTF-16" };
        assert_eq!(wrong(b"\xff\xfea\0\n\0\0\xd8"), utf16(2));
        assert_eq!(wrong(b"\xff\xfea"), utf16(1));
        let held = "a\n\u{10fe80}".as_bytes();
        assert_eq!(wrong(held), DecodeError { line: 2, encoding: "UTF-8" });
    }

    proptest! {
        #[test]
        fn bytes_come_back_as_they_were(bytes in prop::collection::vec(any::<u8>(), 0..40), mark in 0..4_usize) {
            let mark: &[u8] = [b"".as_slice(), b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"][mark];
            let bytes = [mark, &bytes].concat();
            if let Ok((text, encoding)) = decode_bytes(&bytes) {
                prop_assert_eq!(encoding.encode_text(&text), bytes);
            }
        }
    }
}
