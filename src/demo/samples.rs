//! The sample mailboxes: some three thousand made-up messages, always the same ones.
//!
//! Written straight to disk as other programs leave Maildirs behind (bare line feeds, flags in the names).

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;

use super::words::{FOLDERS, OTHERS, PEOPLE, SENTENCES, SUBJECTS};
use crate::domain::folder::FolderPath;
use crate::service::seam::directory;

/// Messages that are larger than the destination accepts.
pub const TOO_BIG: u64 = 2;
/// The mailboxes that hold one of them.
const WITH_A_LARGE_ONE: [usize; 2] = [2, 6];
/// The newest message, seconds since 1970: a day in the spring of 2024.
const NEWEST: i64 = 1_715_000_000;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// A small generator (xorshift*), always begun at the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap_or(0) % limit.max(1)
    }

    fn of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Writes all mailboxes below a folder; their local parts.
pub fn write(root: &Path) -> io::Result<Vec<String>> {
    let mut chance = Chance(0x6D61_696C_6665_7272);
    let mut names = Vec::new();
    for (at, (name, full)) in PEOPLE.iter().enumerate() {
        let mailbox = root.join(format!("{name}@contoso.example"));
        let messages = 120 + chance.below(260);
        for (components, share) in FOLDERS {
            let path = FolderPath::new(components.iter().copied());
            let count = (messages * share as usize).div_ceil(100);
            folder(&mailbox, &path, (name, full), count, &mut chance)?;
        }
        if WITH_A_LARGE_ONE.contains(&at) {
            let photos = large(name, full, &mut chance);
            deliver(&mailbox.join("cur"), "9999999999.large.contoso:2,S", &photos, NEWEST)?;
        }
        names.push((*name).to_owned());
    }
    Ok(names)
}

fn folder(mailbox: &Path, path: &FolderPath, owner: (&str, &str), count: usize, chance: &mut Chance) -> io::Result<()> {
    let unusable = || io::Error::new(io::ErrorKind::InvalidFilename, "a folder's name");
    let place = mailbox.join(directory(path).ok_or_else(unusable)?);
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(place.join(part))?;
    }
    fs::write(place.join("dovecot-keywords"), "0 $Label1\n1 $Forwarded\n2 NonJunk\n")?;
    let sent = path.components().first().is_some_and(|first| first == "Sent");
    let mut time = NEWEST - 2 * 365 * 86_400;
    let step = (NEWEST - time) / i64::try_from(count.max(1)).unwrap_or(1);
    for number in 0..count {
        time += 1 + i64::try_from(chance.below(usize::try_from(step).unwrap_or(1))).unwrap_or(0);
        let text = message(owner, sent, time, chance);
        let letters = ["", "S", "S", "S", "S", "RS", "FS", "RSb", "Sa", "Sc"];
        let letters = chance.of(&letters);
        // The newest have not been looked at.
        let (part, info) = match letters.is_empty() && number + 10 > count {
            true => ("new", String::new()),
            false => ("cur", format!(":2,{letters}")),
        };
        let info = if cfg!(windows) { info.replace(':', ";") } else { info };
        deliver(&place.join(part), &format!("{time}.M{number:06}P77.contoso{info}"), &text, time)?;
    }
    Ok(())
}

fn deliver(folder: &Path, name: &str, text: &str, time: i64) -> io::Result<()> {
    let name = if cfg!(windows) { name.replace(':', ";") } else { name.to_owned() };
    let path = folder.join(name);
    fs::write(&path, text)?;
    let since = Duration::from_secs(time.unsigned_abs());
    fs::File::options().write(true).open(&path)?.set_modified(UNIX_EPOCH + since)
}

/// A text for a header: as it is, or as an encoded word.
fn header_text(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_owned(),
        false => format!("=?utf-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(text)),
    }
}

/// The instant as mail writes it.
fn date(time: i64) -> String {
    let Ok(at) = jiff::Timestamp::from_second(time) else { return String::new() };
    let utc = at.to_zoned(jiff::tz::TimeZone::UTC);
    let day = usize::try_from(time.div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    format!("{}, {}", DAYS[day], utc.strftime("%d %b %Y %H:%M:%S +0000"))
}

fn head(from: (&str, &str), to: (&str, &str), subject: &str, time: i64, chance: &mut Chance) -> String {
    let id = format!("{:08x}.{time:x}", chance.below(usize::MAX));
    let host = from.0.rsplit('@').next().unwrap_or("contoso.example");
    format!(
        "Message-ID: <{id}@{host}>\nDate: {}\nFrom: {} <{}>\nTo: {} <{}>\nSubject: {}\nMIME-Version: 1.0\n",
        date(time),
        header_text(from.1),
        from.0,
        header_text(to.1),
        to.0,
        header_text(subject),
    )
}

fn message((name, full): (&str, &str), sent: bool, time: i64, chance: &mut Chance) -> String {
    let own = format!("{name}@contoso.example");
    let other = *chance.of(&OTHERS);
    let (from, to) = if sent { ((own.as_str(), full), other) } else { (other, (own.as_str(), full)) };
    let subject = chance.of(&SUBJECTS).replace('#', &(1000 + chance.below(9000)).to_string());
    let mut text = head(from, to, &subject, time, chance);
    text.push_str("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n");
    for _ in 0..1 + chance.below(6) {
        for _ in 0..1 + chance.below(4) {
            text.push_str(chance.of::<&str>(&SENTENCES));
            text.push('\n');
        }
        text.push('\n');
    }
    if chance.below(12) == 0 {
        // What a small picture weighs.
        text.push_str(&block(8_000 + chance.below(60_000), chance));
    }
    text.push_str("-- \n");
    text.push_str(from.1);
    text.push('\n');
    text
}

/// A message with photos, larger than the destination accepts.
fn large(name: &str, full: &str, chance: &mut Chance) -> String {
    let own = format!("{name}@contoso.example");
    let mut text = head(OTHERS[3], (&own, full), "Photos from the summer party, all of them", NEWEST, chance);
    text.push_str("Content-Type: image/jpeg; name=\"party.jpg\"\nContent-Transfer-Encoding: base64\n\n");
    text.push_str(&block(1_900_000, chance));
    text
}

/// Lines of base64, of about so many bytes.
fn block(bytes: usize, chance: &mut Chance) -> String {
    let mut block = String::with_capacity(bytes + 100);
    while block.len() < bytes {
        let line: Vec<u8> = (0..57).map(|_| u8::try_from(chance.below(256)).unwrap_or(0)).collect();
        block.push_str(&base64::engine::general_purpose::STANDARD.encode(line));
        block.push('\n');
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_week_are_right() {
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(date(NEWEST), "Mon, 06 May 2024 12:53:20 +0000");
    }

    #[test]
    fn samples_are_the_same_every_time() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let names = write(one.path()).unwrap();
        assert_eq!(names, write(two.path()).unwrap());
        let inbox = |root: &Path| {
            let folder = root.join("anna.berger@contoso.example/cur");
            let mut files: Vec<_> =
                fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
            files.sort();
            files
        };
        assert!(inbox(one.path()) == inbox(two.path()));
    }
}
