//! The doors for `fuzz/`: each target takes any bytes, and panics where a promise of a parser does not hold. No part of the
//! product; its tests try what lies in `fuzz/corpus/`.

use super::{imap, maildir, utf7};
use crate::domain::csv_import::{FIELD_LIMIT, parse, parse_pasted};

/// A target: its name, which is also that of its corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this room.
pub const TARGETS: [Target; 6] = [
    ("imap_framer", imap::fuzzing::framer),
    ("imap_response", imap::fuzzing::response),
    ("imap_scrub", imap::fuzzing::scrub),
    ("utf7", mutf7),
    ("csv", csv),
    ("maildir_names", maildir::fuzzing::names),
];

/// A folder's name, raw and as a text.
fn mutf7(data: &[u8]) {
    let name = utf7::decode(data);
    if data.is_ascii() && name.as_bytes() != data {
        assert_eq!(utf7::encode(&name).as_bytes(), data, "two names look like {name:?}");
    }
    let text = String::from_utf8_lossy(data);
    let wire = utf7::encode(&text);
    assert!(wire.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{wire:?} is not printable");
    assert_eq!(utf7::decode(wire.as_bytes()), text, "{wire:?} is read back as another name");
    assert_eq!(utf7::strictly(&wire).as_deref(), Some(&*text), "{wire:?} is not read strictly");
}

/// A list of items, as a file and as pasted.
fn csv(data: &[u8]) {
    for parsed in [parse(data, None), parse_pasted(&String::from_utf8_lossy(data))] {
        assert!(parsed.rows.is_sorted_by(|a, b| a.line < b.line), "rows change places");
        for row in &parsed.rows {
            for email in [&row.source_email, &row.destination_email] {
                assert!(email.contains('@') && email.chars().count() <= FIELD_LIMIT, "{email:?} is no address");
            }
            let texts = [&row.source_login, &row.destination_login].into_iter().flatten();
            assert!(
                texts.into_iter().all(|text| !text.contains(char::is_control)),
                "a login holds a control character"
            );
        }
    }
}
