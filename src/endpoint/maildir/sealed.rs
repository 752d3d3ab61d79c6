//! Files that do not hold a message as it is: Dovecot can store them compressed or encrypted, under the same names.
//!
//! Pure. Copied as they are they would be no mail at all; what they hold only the server knows.

/// How such files begin. No mail begins like this: these bytes are in no line of a header.
const BEGINNINGS: [&[u8]; 6] = [
    b"\x1f\x8b\x08",                // gzip
    b"\x28\xb5\x2f\xfd",            // zstd
    b"\x04\x22\x4d\x18",            // lz4, its own frames
    b"Dovecot-LZ4\x0d\x2a\x9b\xc5", // lz4, Dovecot's frames
    b"\xfd7zXZ\x00",                // xz
    b"CRYPTED\x03\x07",             // mail_crypt
];

/// As many bytes as the longest of them has.
pub(super) const LONGEST: usize = 16;

/// Whether a file that begins with these bytes is compressed or encrypted.
pub(super) fn is_sealed(start: &[u8]) -> bool {
    let bzip2 = || matches!(start, [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if rest.starts_with(b"1AY&SY"));
    BEGINNINGS.iter().any(|beginning| start.starts_with(beginning))
        // zlib, by levels; the bytes of one of them could begin a header.
        || matches!(start, [0x78, 0x01 | 0x9c | 0xda, ..])
        || matches!(start, [0x78, 0x5e, second, ..] if !second.is_ascii() || second.is_ascii_control())
        || bzip2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_and_encrypted_files_are_told_from_mail() {
        let sealed: [&[u8]; 12] = [
            b"\x1f\x8b\x08\x00",
            b"BZh91AY&SY\x00",
            b"BZh11AY&SY",
            b"\x28\xb5\x2f\xfd\x04",
            b"\x04\x22\x4d\x18d",
            b"Dovecot-LZ4\x0d\x2a\x9b\xc5\x00",
            b"\xfd7zXZ\x00\x00",
            b"CRYPTED\x03\x07\x02",
            b"x\x01",
            b"x\x9c\xed",
            b"x\xda\xed",
            b"x\x5e\xed",
        ];
        for start in sealed {
            assert!(is_sealed(start) && start.len() <= LONGEST, "{start:?}");
        }
        let mail: [&[u8]; 12] = [
            b"",
            b"x",
            b"x^2: a header\n",
            b"x-odd: 1\n",
            b"From a@b\n",
            b"Subject: x\n",
            b"\nbody",
            b"BZh0",
            b"BZh9: x\n",
            b"CRYPTED: no\n",
            b"Dovecot-LZ4: x\n",
            "é: 8-bit\n".as_bytes(),
        ];
        for start in mail {
            assert!(!is_sealed(start), "{start:?}");
        }
    }
}
