//! What text the bytes of a list are. Nothing is guessed: a mark, the zeros of UTF-16, or UTF-8; other bytes become U+FFFD,
//! by which the rows that hold them are named until a person says which encoding it is.

use encoding_rs::Encoding;
use zeroize::Zeroizing;

/// How many bytes at the beginning tell UTF-16 without a mark.
const LOOKED_AT: usize = 1024;

/// The encoding of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListEncoding(&'static Encoding);

impl ListEncoding {
    /// Names of those that spreadsheets write, UTF-8 first.
    pub const OFFERED: [&'static str; 10] = [
        "UTF-8",
        "windows-1252",
        "windows-1250",
        "windows-1251",
        "windows-1254",
        "macintosh",
        "Shift_JIS",
        "GBK",
        "UTF-16LE",
        "UTF-16BE",
    ];

    /// The one with this name or label (Encoding Standard §4.2).
    pub fn named(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.trim().as_bytes()).map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// What is no table of text at all, with what to do about it.
pub(super) fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const ZIP: &[u8] = b"PK\x03\x04";
    const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];
    const PDF: &[u8] = b"%PDF";
    [
        (ZIP, "an Excel or LibreOffice workbook: open it there and save it as \"CSV UTF-8 (comma delimited)\""),
        (OLE, "an old Excel workbook: open it there and save it as \"CSV UTF-8 (comma delimited)\""),
        (PDF, "a PDF file: get the list as a CSV file"),
    ]
    .into_iter()
    .find_map(|(begin, words)| bytes.starts_with(begin).then_some(words))
}

/// The text, and in which encoding it is, `chosen` unless a mark says another.
pub(super) fn decode(bytes: &[u8], chosen: Option<ListEncoding>) -> (Zeroizing<String>, ListEncoding) {
    let assumed = chosen.map_or_else(|| by_zeros(bytes).unwrap_or(encoding_rs::UTF_8), |chosen| chosen.0);
    let (text, encoding, _) = assumed.decode(bytes);
    (Zeroizing::new(text.into_owned()), ListEncoding(encoding))
}

/// UTF-16 without a mark: nearly every second byte of a list is zero.
fn by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let mut zeros = [0, 0];
    let pairs = bytes.chunks_exact(2).take(LOOKED_AT / 2);
    let all = pairs.len();
    for pair in pairs {
        for (zeros, byte) in zeros.iter_mut().zip(pair) {
            *zeros += usize::from(*byte == 0);
        }
    }
    match zeros {
        [0, low] if low * 2 > all => Some(encoding_rs::UTF_16LE),
        [high, 0] if high * 2 > all => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}
