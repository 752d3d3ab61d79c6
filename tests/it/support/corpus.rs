//! Mailboxes to move: a hostile one and a plain large one, always the same for the same seed.
//!
//! Left out is only what Dovecot itself alters or refuses: bare LF, NUL, empty messages, dates in the future or at the
//! epoch itself, names that begin with `~`, folders below INBOX where the prefix is `INBOX.` (two readings).

use super::dovecot::{Dovecot, Format, PASSWORD};
use super::imap::{Imap, Listed, Message, quoted, to_utf7};

/// Folders that both layouts can hold: name with separator `/`, name with separator `.` below `INBOX.`. Written by
/// hand: a table made by a rule would share the rule's mistakes.
const FOLDERS: [(&str, &str); 24] = [
    ("INBOX", "INBOX"),
    ("Sent", "INBOX.Sent"),
    ("Drafts", "INBOX.Drafts"),
    ("Trash", "INBOX.Trash"),
    ("Junk", "INBOX.Junk"),
    ("Archive", "INBOX.Archive"),
    ("Archive/2019", "INBOX.Archive.2019"),
    ("Work", "INBOX.Work"),
    ("work", "INBOX.work"),
    ("Work/Clients/Contoso", "INBOX.Work.Clients.Contoso"),
    ("Lonely/Parent/Is/No/Folder", "INBOX.Lonely.Parent.Is.No.Folder"),
    ("Entwürfe für später", "INBOX.Entwürfe für später"),
    ("Übergabe/Größe", "INBOX.Übergabe.Größe"),
    ("日本語/受信トレイ", "INBOX.日本語.受信トレイ"),
    ("Post 📮/🎉🎉", "INBOX.Post 📮.🎉🎉"),
    ("say \"hello\"", "INBOX.say \"hello\""),
    ("back\\slash", "INBOX.back\\slash"),
    ("R&D", "INBOX.R&D"),
    ("&", "INBOX.&"),
    ("100% sure", "INBOX.100% sure"),
    ("five *stars*", "INBOX.five *stars*"),
    (" blank before", "INBOX. blank before"),
    ("blank after ", "INBOX.blank after "),
    ("(paren) [bracket] {5}", "INBOX.(paren) [bracket] {5}"),
];

/// Only where the separator is `/`; at the other side the dot becomes `_`.
const ONLY_SLASH: [(&str, &str); 2] = [("v1.2.3", "INBOX.v1_2_3"), ("Work/e.g.", "INBOX.Work.e_g_")];

/// Only where the separator is `.`; at the other side the slash becomes `_`.
const ONLY_DOT: [(&str, &str); 2] = [("in_out", "INBOX.in/out"), ("Work/a_b", "INBOX.Work.a/b")];

const DATES: [&str; 12] = [
    "02-Jan-1970 03:04:05 +0000",
    "15-Jun-1975 12:00:00 -0330",
    "31-Dec-1979 23:59:59 +1400",
    " 1-Feb-2003 04:05:06 +0530",
    "29-Feb-2004 00:00:00 -1200",
    "31-Mar-2013 02:30:00 +0100",
    "09-Sep-2001 01:46:40 +0000",
    "19-Jul-2011 07:08:09 +0545",
    "30-Nov-2015 23:30:00 -0930",
    "28-Oct-2018 02:30:00 +0200",
    "11-Nov-2020 11:11:11 +1245",
    "24-Dec-2024 18:00:00 -0800",
];

const FLAGS: [&str; 11] = [
    "\\Seen",
    "\\Answered",
    "\\Flagged",
    "\\Draft",
    "\\Deleted",
    "$Forwarded",
    "$MDNSent",
    "NonJunk",
    "$label1",
    "Rechnung_2024",
    "a.keyword-with:odd/signs",
];

/// A folder with its messages.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its name where the separator is `/`.
    pub slash: String,
    /// Its name where the separator is `.` and all is below `INBOX.`.
    pub dot: String,
    /// Whether it is subscribed.
    pub subscribed: bool,
    /// In the order in which they arrive.
    pub messages: Vec<Message>,
}

impl Folder {
    /// Its name, in Unicode, on a server that keeps mail so.
    pub fn name(&self, format: Format) -> &str {
        match format {
            Format::Sdbox => &self.slash,
            Format::Maildir => &self.dot,
        }
    }
}

/// A mailbox to load.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// INBOX first, parents before children.
    pub folders: Vec<Folder>,
}

/// Small deterministic generator (xorshift*).
pub struct Random(u64);

impl Random {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).expect("31 bits") % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Text of about this many bytes in lines of `width`.
    fn text(&mut self, bytes: usize, width: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes + width);
        while text.len() < bytes {
            for _ in 0..width / 8 {
                text.extend_from_slice(format!("{:07x} ", self.below(0x0FFF_FFFF)).as_bytes());
            }
            text.extend_from_slice(b"\r\n");
        }
        text
    }
}

/// A mailbox with odd names and odd messages as it may stand on a server of this format.
pub fn hostile(seed: u64, origin: Format) -> Corpus {
    let only = match origin {
        Format::Sdbox => ONLY_SLASH,
        Format::Maildir => ONLY_DOT,
    };
    let mut random = Random::new(seed);
    let mut folders: Vec<Folder> = FOLDERS
        .iter()
        .chain(&only)
        .map(|&(slash, dot)| Folder {
            slash: slash.into(),
            dot: dot.into(),
            subscribed: random.below(2) == 0,
            messages: Vec::new(),
        })
        .collect();
    for (number, message) in odd_messages(seed, &mut random).into_iter().enumerate() {
        // The first ones all stand in INBOX: every kind of oddity in one folder, twins beside each other.
        let place = if number < 24 { 0 } else { random.below(folders.len()) };
        folders[place].messages.push(message);
    }
    Corpus { folders }
}

/// The same with a message of 25 MB.
pub fn hostile_large(seed: u64, origin: Format) -> Corpus {
    let mut corpus = hostile(seed, origin);
    let mut random = Random::new(seed ^ 25);
    let mut bytes = b"Message-ID: <large@example.org>\r\nSubject: large\r\n\r\n".to_vec();
    bytes.extend(random.text(25_000_000, 72));
    corpus.folders[0].messages.push(dressed(bytes, &mut random));
    corpus
}

/// `n` ordinary messages, 12 KB on average, in 12 folders: for speed.
pub fn plain(n: usize) -> Corpus {
    let mut random = Random::new(12);
    let mut folders: Vec<Folder> = (0..12)
        .map(|number| {
            let name = if number == 0 { "INBOX".to_owned() } else { format!("Folder {number:02}") };
            let dot = if number == 0 { name.clone() } else { format!("INBOX.{name}") };
            Folder { slash: name, dot, subscribed: true, messages: Vec::new() }
        })
        .collect();
    for number in 0..n {
        let size = 500 + random.below(7000) + if number % 10 == 0 { random.below(160_000) } else { 0 };
        let mut bytes = header(number, 12, "plain");
        bytes.extend(random.text(size, 72));
        folders[number % 12].messages.push(dressed(bytes, &mut random));
    }
    Corpus { folders }
}

/// `n` tiny messages in one folder: for second passes over large mailboxes.
pub fn tiny(n: usize) -> Corpus {
    let message = |number: usize| {
        let date = Some(DATES[number % DATES.len()].to_owned());
        Message { date, ..Message::plain([header(number, 1, "tiny"), b"x\r\n".to_vec()].concat()) }
    };
    let messages = (0..n).map(message).collect();
    Corpus { folders: vec![Folder { slash: "INBOX".into(), dot: "INBOX".into(), subscribed: true, messages }] }
}

/// 40 small messages in 4 folders, byte twins, half-twins and messages without a Message-ID among them: for kills and
/// faults.
pub fn small(seed: u64) -> Corpus {
    let mut random = Random::new(seed);
    let names = [("INBOX", "INBOX"), ("Sent", "INBOX.Sent"), ("Work", "INBOX.Work"), ("Work/Old", "INBOX.Work.Old")];
    let folder = |(at, (slash, dot)): (usize, &(&str, &str))| {
        let mut messages: Vec<Message> = (0..6)
            .map(|number| {
                let size = 200 + random.below(3000);
                // The last line tells them apart by their sizes.
                let last = [vec![b'.'; at * 10 + number], b"\r\n".to_vec()].concat();
                let bytes = [header(at * 10 + number, seed, "small"), random.text(size, 72), last].concat();
                dressed(bytes, &mut random)
            })
            .collect();
        let twin = dated("Message-ID: <twin@example.org>\r\nSubject: twin\r\n\r\nequal\r\n");
        let half = dated("Message-ID: <twin@example.org>\r\nSubject: twin\r\n\r\nanother body\r\n");
        let nobody = dated(format!("Subject: nobody {at}\r\n\r\nno id, no date\r\n"));
        messages.insert(1, twin.clone());
        messages.insert(3, half);
        messages.insert(5, nobody);
        messages.push(twin);
        Folder { slash: (*slash).into(), dot: (*dot).into(), subscribed: at % 2 == 0, messages }
    };
    Corpus { folders: names.iter().enumerate().map(folder).collect() }
}

/// An unmarked message that is as old in every mailbox it is put into.
pub fn dated(bytes: impl Into<Vec<u8>>) -> Message {
    Message { date: Some(DATES[5].to_owned()), ..Message::plain(bytes) }
}

impl Corpus {
    /// Number of messages.
    pub fn count(&self) -> usize {
        self.folders.iter().map(|folder| folder.messages.len()).sum()
    }

    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.folders.iter().flat_map(|folder| &folder.messages).map(|message| message.bytes.len()).sum()
    }

    /// The table of expected names: as they stand on one side, and what they become on the other.
    pub fn names(&self, from: Format, to: Format) -> Vec<(String, String)> {
        self.folders.iter().map(|folder| (folder.name(from).to_owned(), folder.name(to).to_owned())).collect()
    }

    /// Puts this mailbox on a server. The server's layout must be one of the two the names are written for.
    pub fn load(&self, server: &Dovecot, user: &str) {
        self.load_at(server.plain_port, server.options.format, user);
    }

    /// The same by a port, e.g. a relay's, in front of a server of this layout.
    pub fn load_at(&self, port: u16, format: Format, user: &str) {
        let mut imap = Imap::login(port, user, PASSWORD);
        for folder in &self.folders {
            let wire = to_utf7(folder.name(format));
            if wire != "INBOX" {
                imap.ok(&format!("CREATE {}", quoted(&wire)));
            }
            if folder.subscribed {
                imap.subscribe(&wire);
            }
            imap.append_all(&wire, &folder.messages);
        }
    }
}

/// Folders of a listing that hold messages.
pub fn selectable(listing: &[Listed]) -> impl Iterator<Item = &Listed> {
    listing.iter().filter(|folder| folder.selectable())
}

fn header(number: usize, seed: u64, subject: &str) -> Vec<u8> {
    let date = format!("{} Feb 2003 {:02}:{:02}:{:02} +0100", 1 + number % 28, number % 24, number % 60, number % 59);
    format!(
        "Return-Path: <a@example.org>\r\nMessage-ID: <{number}.{seed}.{subject}@example.org>\r\nDate: {date}\r\n\
         From: Ann <ann@example.org>\r\nTo: bob@example.com\r\nSubject: {subject} {number}\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    .into_bytes()
}

/// With flags, keywords and a date.
fn dressed(bytes: Vec<u8>, random: &mut Random) -> Message {
    let mut flags: Vec<String> = (0..random.below(4)).map(|_| random.pick(&FLAGS).to_owned()).collect();
    flags.sort();
    flags.dedup();
    Message { bytes, flags, date: Some(random.pick(&DATES).to_owned()) }
}

/// Every oddity once, then a mixed bag of more.
fn odd_messages(seed: u64, random: &mut Random) -> Vec<Message> {
    let fixed: [&[u8]; 18] = [
        b"Subject: no message id\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n\r\nbody\r\n",
        b"Message-ID: <twin@example.org>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n\r\nthe first body\r\n",
        b"Message-ID: <twin@example.org>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n\r\nanother body\r\n",
        b"Message-ID: <twin@example.org>\r\nSubject: same id, no date\r\n\r\na third body\r\n",
        b"Message-ID: <same@example.org>\r\nSubject: byte twins\r\n\r\nequal\r\n",
        b"Message-ID: <same@example.org>\r\nSubject: byte twins\r\n\r\nequal\r\n",
        b"no header at all, only words\r\n",
        b"no header at all, only words\r\n",
        b"Subject: \xfcml\xe4ut \xff\xfe raw\r\nFrom: \xc3\x9cser <u@example.org>\r\n\r\n\xe4\xf6\xfc\r\n",
        b"Subject: headers without end\r\nX-A: 1\r\nX-B: 2\r\n",
        b"Subject: no line end at the end\r\n\r\nlast line",
        b"\r\nonly a body\r\n",
        b"X",
        b"Message-ID:\r\nMessage-ID: <second@example.org>\r\nDate: yesterday\r\nSubject: =?utf-8?Q?broken=\r\n\r\n.\r\n",
        b"Message-ID: no brackets or sense \"\\\r\n folded (here)\r\nSubject: x\r\n\r\n\r\n\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=\"b\"\r\nSubject: broken mime\r\n\r\n--b\r\nContent-Type: multipart/\
          alternative; boundary=\"b\"\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n--c--\r\n",
        b"Status: RO\r\nX-Status: A\r\nX-Keywords: a b\r\nX-UID: 77\r\nContent-Length: 3\r\nSubject: mbox\r\n\r\nFrom me\r\n",
        b"Subject: a000 OK {5}\r\n\r\n) * BYE\r\na1 NO {10}\r\n.\r\n..\r\nFrom x\r\n",
    ];
    let mut messages: Vec<Message> = fixed.iter().map(|bytes| dressed(bytes.to_vec(), random)).collect();
    let long_line = [b"Subject: long lines\r\n\r\n".to_vec(), [vec![b'y'; 2000], b"\r\n".to_vec()].concat().repeat(3)];
    messages.push(dressed(long_line.concat(), random));
    let long_header = [b"X-Long: ".to_vec(), vec![b'z'; 2000], b"\r\nSubject: long header\r\n\r\n.\r\n".to_vec()];
    messages.push(dressed(long_header.concat(), random));
    let many = [b"X-Line: again\r\n".repeat(3000), b"Subject: many headers\r\n\r\n.\r\n".to_vec()];
    messages.push(dressed(many.concat(), random));
    messages.push(dressed([header(0, seed, "binary"), (128..=255).collect(), b"\r\n".to_vec()].concat(), random));
    // Around the sizes where senders change their ways.
    for size in [4096, 4097] {
        let start = header(size, seed, "size");
        let filling = vec![b'f'; size - start.len() - 2];
        messages.push(dressed([start, filling, b"\r\n".to_vec()].concat(), random));
    }
    for number in 0..40 {
        let size = 1 + random.below(20_000);
        let bytes = [header(number, seed, "ordinary"), random.text(size, 72)].concat();
        let message = dressed(bytes, random);
        if random.below(8) == 0 {
            messages.push(message.clone());
        }
        messages.push(message);
    }
    messages
}
