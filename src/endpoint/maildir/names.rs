//! Names on disk: folders, files, and the flags in file names.
//!
//! Pure, but for the clock and the counter in [`unique`]. The inbox is the mailbox' root itself. In a Maildir++ every other folder
//! is a directory `.A.B` in it; in the other layout (Dovecot's `fs`, mutt, notmuch, mbsync `Verbatim`) it is a directory `A/B`
//! below it, and the inbox may be one of them. Components are in modified UTF-7, or in UTF-8 where a mailbox has them so; what
//! cannot stand for itself (`.` between dots, `/`) is in modified UTF-7 in both, so that every component can be written and read
//! back.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::folder::{FolderPath, WireName};
use crate::domain::server::MaildirLayout;
use crate::endpoint::utf7;

/// How the inbox is called that is the root itself. Every other name begins with a dot (Maildir++) or a slash.
pub(super) const INBOX: &[u8] = b"INBOX";
/// The directories that a folder consists of.
pub(super) const PARTS: [&str; 3] = ["tmp", "new", "cur"];
/// What Thunderbird puts behind the name of a directory that holds the folders below another one.
const SBD: &str = ".sbd";
/// Characters that Windows allows in no file name.
const NOT_ON_WINDOWS: &str = "\\:*?\"<>|";
/// What stands before the flags in a file name.
pub(super) const INFO: &str = if cfg!(windows) { ";2," } else { ":2," };

/// In which form letters beyond ASCII stand in names of folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Letters {
    /// Modified UTF-7 (RFC 3501 §5.1.3): Dovecot, Courier before 5.0.
    #[default]
    Utf7,
    /// UTF-8: Courier since 5.0, mutt.
    Utf8,
}

/// How the folders of a mailbox are called on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Where they lie.
    pub layout: MaildirLayout,
    /// How their names are written.
    pub letters: Letters,
    /// The inbox: the root, or a directory below it.
    pub inbox: WireName,
}

/// A Maildir++, as one is made where nothing is.
impl Default for Style {
    fn default() -> Self {
        Self { layout: MaildirLayout::PlusPlus, letters: Letters::Utf7, inbox: WireName(INBOX.to_vec()) }
    }
}

/// What may stand for itself in a component, beside its place in it.
fn is_plain(c: char, windows: bool) -> bool {
    (' '..='~').contains(&c) && c != '/' && !(windows && NOT_ON_WINDOWS.contains(c))
}

fn component(text: &str, windows: bool) -> String {
    utf7::encode_but(text, |c| is_plain(c, windows) && c != '.')
}

/// The name of a folder's directory; `INBOX` for an inbox that is the root.
pub(super) fn wire(path: &FolderPath, style: &Style) -> WireName {
    if path.is_inbox() {
        return style.inbox.clone();
    }
    let name = match style.layout {
        MaildirLayout::PlusPlus => dotted(path, style.letters),
        MaildirLayout::Fs => nested(path, style),
    };
    WireName(name.into_bytes())
}

fn dotted(path: &FolderPath, letters: Letters) -> String {
    let one = |text: &String| {
        let coded = component(text, cfg!(windows));
        match letters {
            Letters::Utf7 => coded,
            Letters::Utf8 => literal(text, coded, |text| !text.contains('.')),
        }
    };
    path.components().iter().map(|text| format!(".{}", one(text))).collect()
}

/// The text as it is, where nothing in it has a meaning of its own and it is read back as itself; else in its coded form.
fn literal(text: &str, coded: String, fits: impl Fn(&str) -> bool) -> String {
    let odd = |c: char| c.is_control() || c == '/' || (cfg!(windows) && NOT_ON_WINDOWS.contains(c));
    let plain = !text.is_empty() && !text.contains(odd) && fits(text) && read_component(text.as_bytes()) == text;
    if plain { text.to_owned() } else { coded }
}

fn nested(path: &FolderPath, style: &Style) -> String {
    let mut name = String::new();
    let last = path.components().len() - 1;
    for (at, text) in path.components().iter().enumerate() {
        name.push('/');
        // What lies below the inbox lies below its directory, whatever that is called.
        match style.inbox.0.strip_prefix(b"/").and_then(|inbox| std::str::from_utf8(inbox).ok()) {
            Some(inbox) if at == 0 && text == "INBOX" => name.push_str(inbox),
            _ => name.push_str(&nested_component(text, at == last, style.letters)),
        }
    }
    name
}

/// A name that is no part of a folder, is not hidden, and is not taken for a directory of Thunderbird's.
fn stands_for_itself(text: &str, last: bool) -> bool {
    !text.starts_with('.') && !PARTS.contains(&text) && (last || !text.ends_with(SBD))
}

fn nested_component(text: &str, last: bool, letters: Letters) -> String {
    let fits = |text: &str| stands_for_itself(text, last);
    let coded = match fits(text) {
        true => utf7::encode_but(text, |c| is_plain(c, cfg!(windows))),
        false => utf7::encode_but(text, |_| false),
    };
    match letters {
        Letters::Utf7 => coded,
        Letters::Utf8 => literal(text, coded, fits),
    }
}

/// The folder of a directory name.
pub(super) fn path(wire: &WireName) -> FolderPath {
    match wire.0.split_first() {
        Some((b'.', name)) => FolderPath::new(name.split(|b| *b == b'.').map(read_component)),
        Some((b'/', name)) => {
            let steps: Vec<&[u8]> = name.split(|b| *b == b'/').collect();
            let last = steps.len() - 1;
            FolderPath::new(steps.iter().enumerate().map(|(at, step)| read_step(step, at == 0, at == last)))
        }
        _ => FolderPath::new(["INBOX"]),
    }
}

/// A directory's name as a component. mbsync (`SubFolders Legacy`) puts a dot before what lies in another folder.
fn read_step(raw: &[u8], first: bool, last: bool) -> String {
    let raw = raw.strip_prefix(b".").filter(|rest| !first && !rest.is_empty()).unwrap_or(raw);
    let raw = raw.strip_suffix(SBD.as_bytes()).filter(|rest| !last && !rest.is_empty()).unwrap_or(raw);
    read_component(raw)
}

fn read_component(raw: &[u8]) -> String {
    let text = std::str::from_utf8(raw).ok().filter(|text| text.contains('&'));
    let ours = |text: &str, decoded: &str| {
        // As one of the two layouts, on one of the systems, writes it.
        [false, true].iter().any(|windows| component(decoded, *windows) == text)
            || [false, true].iter().any(|last| nested_component(decoded, *last, Letters::Utf7) == text)
    };
    let decoded = text.filter(|text| text.is_ascii()).and_then(|text| Some((text, utf7::strictly(text)?)));
    match decoded {
        Some((text, decoded)) if ours(text, &decoded) => decoded,
        _ => utf7::decode(raw),
    }
}

/// The directories that lead from a mailbox' root to a folder. Names that lead elsewhere are refused: they may come from the
/// other side's folder names.
pub(super) fn steps(wire: &WireName) -> io::Result<Vec<OsString>> {
    let refused = || io::Error::new(io::ErrorKind::InvalidFilename, "no name for a folder of a Maildir");
    let steps: Vec<&[u8]> = match wire.0.split_first() {
        _ if wire.0 == INBOX => return Ok(Vec::new()),
        Some((b'/', below)) => below.split(|b| *b == b'/').collect(),
        Some((b'.', _)) => vec![&wire.0],
        _ => return Err(refused()),
    };
    if steps.len() > DEEPEST {
        return Err(refused());
    }
    steps.into_iter().map(|step| one_step(step).ok_or_else(refused)).collect()
}

/// Most levels of folders in folders.
pub(super) const DEEPEST: usize = 100;

/// The name of something in a directory, and nothing else.
fn one_step(raw: &[u8]) -> Option<OsString> {
    let leads_away = raw.iter().any(|b| matches!(b, b'/' | 0) || (cfg!(windows) && matches!(b, b'\\' | b':')));
    if matches!(raw, b"" | b"." | b"..") || leads_away {
        return None;
    }
    #[cfg(unix)]
    let name = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(raw);
    #[cfg(not(unix))]
    let name = OsStr::new(std::str::from_utf8(raw).ok()?);
    Some(name.to_owned())
}

/// A file name in its two parts: what names the message, and its flags. Programs that keep Maildirs on Windows write `;` or
/// `!` for the colon, which no file name may hold there.
pub(super) fn parts(name: &[u8]) -> (&[u8], &[u8]) {
    let colon = name.iter().position(|b| *b == b':');
    let at = colon.or_else(|| name.windows(3).rposition(|part| matches!(part, b";2," | b"!2,")));
    let Some((key, flags)) = at.and_then(|at| name.split_at_checked(at)) else { return (name, &[]) };
    (key, flags.get(1..).and_then(|flags| flags.strip_prefix(b"2,")).unwrap_or_default())
}

/// A file name of these bytes, which came from one.
pub(super) fn file_name(bytes: Vec<u8>) -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    return String::from_utf8_lossy(&bytes).into_owned().into();
}

/// What Dovecot and Courier read from a name: bytes of the file, and of the message with line ends of CR and LF.
pub(super) fn sized(unique: &str, file: u64, message: u64) -> String {
    format!("{unique},S={file},W={message}")
}

/// The bytes of the message in a file of this name and length, as the name tells them (`,S=`, `,W=`); none if it tells none that
/// can be.
pub(super) fn told_size(key: &[u8], len: u64) -> Option<u64> {
    let fields = || key.split(|b| *b == b',').filter_map(|field| std::str::from_utf8(field).ok());
    let number = |name: &str| fields().find_map(|field| field.strip_prefix(name)?.parse::<u64>().ok());
    let (file, message) = (number("S=")?, number("W=")?);
    (file == len && (len..=len.saturating_mul(2)).contains(&message)).then_some(message)
}

/// What stands behind the first of these bytes.
fn behind(bytes: &[u8], mark: u8) -> &[u8] {
    bytes.splitn(2, |b| *b == mark).nth(1).unwrap_or_default()
}

/// By what files without a number are put in order: the time in the name, then the name.
pub(super) fn age(key: &[u8]) -> (u64, u64) {
    let number = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).take(18);
        digits.fold(0, |n: u64, b| n * 10 + u64::from(b - b'0'))
    };
    (number(key), number(behind(behind(key, b'.'), b'M')))
}

/// A name that no other message has or will have: time, process, host. Names of one process ascend.
pub(super) fn unique() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    static HOST: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64);
    let last = LAST.fetch_max(now, Ordering::Relaxed);
    let micros = if last < now { now } else { LAST.fetch_add(1, Ordering::Relaxed) + 1 };
    let host = HOST.get_or_init(|| {
        let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let plain = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        Some(plain.take(60).collect::<String>()).filter(|name| !name.is_empty()).unwrap_or_else(|| "mailferry".into())
    });
    let process = std::process::id();
    format!("{}.M{:06}P{process}.{host}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn style(layout: MaildirLayout, letters: Letters, inbox: &str) -> Style {
        Style { layout, letters, inbox: WireName(inbox.as_bytes().to_vec()) }
    }

    fn styles() -> Vec<Style> {
        use MaildirLayout::{Fs, PlusPlus};
        let of =
            |letters| [style(PlusPlus, letters, "INBOX"), style(Fs, letters, "INBOX"), style(Fs, letters, "/Inbox")];
        [Letters::Utf7, Letters::Utf8].into_iter().flat_map(of).collect()
    }

    fn named(disk: &str) -> WireName {
        WireName(disk.as_bytes().to_vec())
    }

    #[test]
    fn folders_stand_on_disk_as_others_write_them() {
        for (components, dotted, dotted_utf8, nested) in [
            (vec!["INBOX"], "INBOX", "INBOX", "/Inbox"),
            (vec!["INBOX", "x"], ".INBOX.x", ".INBOX.x", "/Inbox/x"),
            (vec!["Archive", "2019"], ".Archive.2019", ".Archive.2019", "/Archive/2019"),
            (vec!["Entwürfe"], ".Entw&APw-rfe", ".Entwürfe", "/Entw&APw-rfe"),
            (vec!["v1.2"], ".v1&AC4-2", ".v1&AC4-2", "/v1.2"),
            (vec!["in/out", "R&D"], ".in&AC8-out.R&-D", ".in&AC8-out.R&D", "/in&AC8-out/R&-D"),
            (vec!["a", ".b", "new"], ".a.&AC4-b.new", ".a.&AC4-b.new", "/a/&AC4AYg-/&AG4AZQB3-"),
            (vec!["x.sbd", "x.sbd"], ".x&AC4-sbd.x&AC4-sbd", ".x&AC4-sbd.x&AC4-sbd", "/&AHgALgBzAGIAZA-/x.sbd"),
        ] {
            let folder = FolderPath::new(components);
            let all = [
                (Style::default(), dotted),
                (style(MaildirLayout::PlusPlus, Letters::Utf8, "INBOX"), dotted_utf8),
                (style(MaildirLayout::Fs, Letters::Utf7, "/Inbox"), nested),
            ];
            for (style, disk) in all {
                assert_eq!(wire(&folder, &style), named(disk));
                assert_eq!(path(&named(disk)), folder);
            }
        }
        for (disk, components) in [
            (".R&D", vec!["R&D"]),
            (".a?b", vec!["a?b"]),
            (".Entwürfe", vec!["Entwürfe"]),
            ("/inbox", vec!["INBOX"]),
            ("/Lists/.rust", vec!["Lists", "rust"]),
            ("/Inbox.sbd/Old.sbd/2019", vec!["INBOX", "Old", "2019"]),
            ("/Trash.sbd", vec!["Trash.sbd"]),
        ] {
            assert_eq!(path(&named(disk)).components(), components);
        }
    }

    #[test]
    fn no_name_leads_out_of_the_mailbox() {
        let deep = "/x".repeat(DEEPEST + 1);
        for bad in [
            "",
            ".",
            "..",
            "x",
            "../x",
            "./x",
            ".a/../../x",
            ".a\0b",
            "inbox",
            "/",
            "/a/",
            "//a",
            "/..",
            "/a/../b",
            &deep,
        ] {
            assert!(steps(&named(bad)).is_err(), "{bad:?}");
        }
        for style in styles() {
            for bad in [vec![""], vec!["a", ""]] {
                let wire = wire(&FolderPath::new(bad), &style);
                assert!(steps(&wire).is_err() || style.layout == MaildirLayout::PlusPlus, "{wire:?}");
            }
            let away = wire(&FolderPath::new(["..", "..", "x"]), &style);
            assert!(steps(&away).unwrap().iter().all(|step| step != ".."), "{away:?}");
        }
        assert!(steps(&wire(&FolderPath::new([""]), &Style::default())).is_err());
        assert!(steps(&named("INBOX")).unwrap().is_empty());
    }

    #[test]
    fn file_names_are_taken_apart() {
        for (name, key, flags) in [
            ("1.M2P3.h,S=4:2,FS", "1.M2P3.h,S=4", "FS"),
            ("1.M2P3.h;2,S", "1.M2P3.h", "S"),
            ("1.M2P3.h!2,FS", "1.M2P3.h", "FS"),
            ("1.a!2,b:2,S", "1.a!2,b", "S"),
            ("1.x", "1.x", ""),
            ("1.x:1,experimental", "1.x", ""),
            ("1.x:2,", "1.x", ""),
        ] {
            assert_eq!(parts(name.as_bytes()), (key.as_bytes(), flags.as_bytes()), "{name}");
        }
        let named = sized("1.M2P3.h", 90, 100);
        assert_eq!(named, "1.M2P3.h,S=90,W=100");
        assert_eq!(told_size(named.as_bytes(), 90), Some(100));
        for (name, len) in [(named.as_str(), 91), ("1.h,S=9,W=19", 9), ("1.h,S=9,W=8", 9), ("1.h,W=9", 9), ("1.h", 9)] {
            assert_eq!(told_size(name.as_bytes(), len), None, "{name}");
        }
        assert_eq!(age(b"1234567890.M000042P7Q1.host"), (1_234_567_890, 42));
        assert_eq!(age(b"odd"), (0, 0));
    }

    #[test]
    fn unique_names_ascend() {
        let names: Vec<_> = (0..1000).map(|_| age(unique().as_bytes())).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn every_name_survives(components in proptest::collection::vec("[^\0]{1,12}|[.&a-]{1,3}(new|.sbd)?", 1..4)) {
            let folder = FolderPath::new(components);
            for style in styles() {
                let disk = wire(&folder, &style);
                prop_assert!(steps(&disk).is_ok(), "{:?}", disk);
                prop_assert_eq!(&path(&disk), &folder, "{:?}", disk);
            }
        }
    }
}
