//! Lists as spreadsheets write them, good and bad.

use super::*;

const HEADER: &str =
    "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password";

fn problems(text: &str) -> Vec<String> {
    parse(text.as_bytes(), None).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_full_file_is_read() {
    let parsed = parse(
        format!("{HEADER}\r\n a@x , anna ,\" p,\"\"w \",b@y,,\r\n\r\n,,,,,\r\nc@x,,,d@y,dora,pw\r\n").as_bytes(),
        None,
    );
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let first = &parsed.rows[0];
    assert_eq!((first.line, first.source_email.as_str(), first.source_login.as_deref()), (2, "a@x", Some("anna")));
    assert_eq!(first.source_password.as_ref().unwrap().expose(), " p,\"w ");
    assert_eq!((first.destination_login.as_ref(), first.destination_password.as_ref()), (None, None));
    let second = &parsed.rows[1];
    assert_eq!((second.line, second.destination_login.as_deref()), (5, Some("dora")));
    assert_eq!((parsed.encoding.name(), parsed.delimiter), ("UTF-8", ','));
    assert_eq!(
        parsed.notes[0].to_string(),
        "line 2, Source Password: the password begins or ends with a blank; it is kept"
    );
    assert!(!format!("{parsed:?}").contains("p,\""));
}

#[test]
fn only_the_e_mails_are_compulsory_in_any_order_and_case() {
    let parsed = parse(b"destination  EMAIL;source email\nb@y;a@x", None);
    assert_eq!((parsed.rows[0].source_email.as_str(), parsed.delimiter), ("a@x", ';'));
    assert_eq!(parse(b"Source Email\tDestination Email\na@x\tb@y", None).rows.len(), 1);
}

#[test]
fn encodings_are_told_apart() {
    let text = "Source Email,Destination Email,Source Password\r\na@x,b@y,gr\u{fc}n\u{20ac}\r\n";
    let le: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let be: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let bom = format!("\u{feff}{text}").into_bytes();
    let western = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let unmarked = le[2..].to_vec();
    for (bytes, chosen, encoding) in [
        (text.as_bytes().to_vec(), None, "UTF-8"),
        (bom, None, "UTF-8"),
        (le, Some("windows-1252"), "UTF-16LE"),
        (be, None, "UTF-16BE"),
        (unmarked, None, "UTF-16LE"),
        (western, Some("windows-1252"), "windows-1252"),
    ] {
        let parsed = parse(&bytes, chosen.and_then(ListEncoding::named));
        assert_eq!((parsed.encoding.name(), parsed.problems.as_slice()), (encoding, [].as_slice()));
        assert_eq!(parsed.rows[0].source_password.as_ref().unwrap().expose(), "grün€", "{encoding}");
    }
}

#[test]
fn j10_one_bad_byte_spoils_its_row_only_and_no_encoding_is_guessed() {
    let text = "Source Email,Destination Email,Source Password\njürgen@x,j@y,pw\nb@x,b@y,gr?n\nc@x,c@y,pw\n";
    let mut bytes = text.as_bytes().to_vec();
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xfc;
    let parsed = parse(&bytes, None);
    assert_eq!(parsed.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(parsed.rows[0].source_email, "jürgen@x");
    let problem = parsed.problems[0].to_string();
    assert!(problem.starts_with("line 3, Source Password: letters that are no UTF-8"), "{problem}");
    assert_eq!(parsed.samples()[0], "line 2: jürgen@x → j@y", "what tells the encoding stands first");
    // What a person says is done, whatever comes of it.
    let parsed = parse(&bytes, ListEncoding::named("cp1252"));
    assert_eq!((parsed.rows.len(), parsed.problems.len()), (3, 0));
    assert_eq!(parsed.samples()[0], "line 2: jÃ¼rgen@x → j@y");
    for (name, bytes) in [("windows-1251", b"\xe8@x,i@y".as_slice()), ("Shift_JIS", b"\x83A@x,i@y")] {
        let file = [b"Source Email,Destination Email\n".as_slice(), bytes].concat();
        assert_eq!(parse(&file, None).rows.len(), 0, "{name}");
        let letter = parse(&file, ListEncoding::named(name)).rows[0].source_email.clone();
        assert!(letter == "и@x" || letter == "ア@x", "{letter}");
    }
    assert!(ListEncoding::OFFERED.iter().all(|name| ListEncoding::named(name).is_some_and(|one| one.name() == *name)));
}

#[test]
fn j9_lists_of_spreadsheets_and_other_programs_are_taken_or_answered() {
    let rows = |text: &str| {
        let parsed = parse(text.as_bytes(), None);
        assert!(parsed.problems.is_empty(), "{text}: {:?}", parsed.problems);
        parsed.rows.into_iter().map(|row| (row.source_email, row.destination_email)).collect::<Vec<_>>()
    };
    let one = vec![("a@x".to_owned(), "b@y".to_owned())];
    for text in [
        "sep=;\r\nSource Email;Destination Email\r\na@x;b@y\r\n",
        "\"sep=|\"\nSource Email|Destination Email\na@x|b@y\n",
        "sep=\t\nSource Email\tDestination Email\na@x\tb@y",
        "#TYPE Selected.System.Management\n\"Source Email\",\"Destination Email\"\n\"a@x\",\"b@y\"\n",
        "SourceEmail,destination_email\na@x,b@y",
        "Quell-E-Mail;Quell-Passwort;Ziel-E-Mail\na@x;;b@y",
        "Adresse source;Adresse destination;Mot de passe destination\na@x;b@y",
        "Source Email,Destination Email,Destination Password,,,\na@x,b@y\n",
        "Source Email,Destination Email\na@x,b@y,,,,\n",
        "mx1.example;a@x;pw;mx2.example;b@y;pw;--ssl1\n",
        "host1;user1;password1;host2;user2;password2\nmx1.example;a@x;pw;mx2.example;b@y;pw\n",
    ] {
        assert_eq!(rows(text), one, "{text}");
    }
    for (text, words) in [
        ("User principal name,Display name\na@x,A", "exported from Microsoft 365"),
        ("First Name [Required],Last Name [Required],Email Address [Required]\nA,B,a@x", "Google Workspace"),
        ("PK\u{3}\u{4}…", "workbook"),
        ("mx1.example;a@x;pw;mx2.example;b@y;pw\nmx3.example;c@x;pw;mx2.example;d@y;pw", "line 2: other hosts"),
    ] {
        assert!(problems(text).join("\n").contains(words), "{text}: {:?}", problems(text));
    }
    let passwords = parse(b"mx1.example;a@x;p1;mx2.example;b@y;p2", None);
    assert_eq!(passwords.rows[0].destination_password.as_ref().unwrap().expose(), "p2");
}

#[test]
fn j11_addresses_are_cleaned_with_a_word_and_what_is_none_is_named() {
    let text = "Source Email,Destination Email\nAnn <ann@x>,mailto:ann@y\n'bob@x,\u{200b}bob@y\n=A1,b@y\na@@b,c@y\n\
                ann@x,other@y\nd@bücher.example,e@xn--bcher-kva.example\nf@x,e@bücher.example\n";
    let parsed = parse(text.as_bytes(), None);
    let said = |problems: &[Problem]| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        said(&parsed.notes),
        [
            "line 2, Source Email: read as ann@x",
            "line 2, Destination Email: read as ann@y",
            "line 3, Source Email: read as bob@x",
            "line 3, Destination Email: read as bob@y",
            "line 6, Source Email: the same source as on line 2",
            "line 8, Destination Email: the same destination as on line 7, spelled otherwise",
        ]
    );
    assert_eq!(
        said(&parsed.problems),
        [
            "line 4, Source Email: a formula instead of an address: copy the cells and paste them as values",
            "line 5, Source Email: more than one @ in the e-mail address",
        ]
    );
}

#[test]
fn k6_no_cell_is_repeated_but_an_address() {
    for text in [
        "Source Email,Destination Email,Source Passworda@x,b@y,hunter2\nc@x,d@y,hunter3",
        "Source Email,Destination Email,hunter2\na@x,b@y,hunter3",
        "hunter2,Source Email,Destination Email\nhunter3,a@x,b@y",
        "a@x;hunter2;b@y;hunter3",
    ] {
        let parsed = parse(text.as_bytes(), None);
        let said = format!("{:?} {:?} {:?}", parsed.problems, parsed.notes, parsed.samples());
        assert!(!said.contains("hunter"), "{said}");
    }
}

#[test]
fn wrong_headers_are_named() {
    assert_eq!(problems(""), ["line 1: the file is empty"]);
    assert_eq!(problems("\n\n \r\n"), ["line 1: the file is empty"]);
    assert_eq!(
        problems("\nSource Email,,Source email,Flags\na@x,b,c,d"),
        [
            "line 2: column 2 of the header has no name",
            "line 2, Source Email: the header names this column twice",
            "line 2, Destination Email: this column is missing",
        ]
    );
    let without = problems("a@x,hunter2,b@y\nc@x,hunter3,d@y");
    assert_eq!(without.len(), 1);
    assert!(without[0].contains("must name the columns") && !without[0].contains("hunter"), "{without:?}");
}

#[test]
fn bad_rows_are_named_by_line_and_column() {
    let long = "x".repeat(FIELD_LIMIT + 1);
    let file = format!(
        "{HEADER}\n,,,b@y,,\nax,,,@y,,\na@x,\"an\nna\",hunter2\u{1},b@y,,\n{long},,,b@y,,\na@x,b@y\na@x,,,b@y,,\nA@X,,,b@Y,,hunter2\na x@x,,,b@y,,\n"
    );
    let found = problems(&file);
    assert_eq!(
        found,
        [
            "line 2, Source Email: the e-mail address is missing",
            "line 3, Source Email: no @ in the e-mail address",
            "line 3, Destination Email: nothing before or behind the @ of the e-mail address",
            "line 4, Source Login Name: holds a control character, such as a tab or a line break",
            "line 4, Source Password: holds a control character, such as a tab or a line break",
            "line 6, Source Email: longer than 1000 characters",
            "line 7, Destination Email: the e-mail address is missing",
            "line 9: the same source and destination as on line 8",
            "line 10, Source Email: a blank inside the e-mail address",
        ]
    );
    assert_eq!(parse(file.as_bytes(), None).rows.len(), 1);
    assert!(!format!("{:?}", parse(file.as_bytes(), None)).contains("hunter"));
}

#[test]
fn an_open_quote_is_told_where_it_opens() {
    let found = problems(&format!("{HEADER}\na@x,,,b@y,,\nc@x,,\n\nd@x,,\"hunter2,e@y,,\nf@x,,,g@y,,\n"));
    assert_eq!(
        found,
        [
            "line 3, Destination Email: the e-mail address is missing",
            "line 5: a quotation mark opens here and is never closed"
        ]
    );
}

#[test]
fn r10_a_hundred_thousand_rows_are_read() {
    let mut file = HEADER.to_owned();
    for n in 0..100_000 {
        file.push_str(&format!("\r\nuser{n}@contoso.example,login{n},\"se;cret{n}\",user{n}@fabrikam.example,,pw"));
    }
    let parsed = parse(file.as_bytes(), None);
    assert_eq!((parsed.rows.len(), parsed.problems.len()), (100_000, 0));
}

#[test]
fn a_pasted_list_needs_no_header_and_its_lines_are_counted_as_they_stand() {
    let parsed = parse_pasted("\na@x\tb@y\nc at x\td@y\na@x\tB@Y\n");
    let problems: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["line 3, Source Email: no @ in the e-mail address", "line 4: the same source and destination as on line 2"]
    );
    assert_eq!((parsed.rows[0].line, parsed.rows[0].destination_email.as_str()), (2, "b@y"));
    let blanks = parse_pasted("a@x   b@y\n c@x d@y \n");
    assert_eq!((blanks.rows.len(), blanks.rows[1].destination_email.as_str()), (2, "d@y"));
    let six = parse_pasted("a@x;anna;pw;b@y;;\nc@x;;;d@y;dora;pw");
    assert_eq!((six.rows.len(), six.rows[1].destination_login.as_deref()), (2, Some("dora")));
    let named = parse_pasted("Source Email,Destination Email\na at x,b@y\n");
    assert_eq!(named.problems[0].to_string(), "line 2, Source Email: no @ in the e-mail address");
}

#[test]
fn a_migrationwiz_sample_comes_in_and_its_flags_are_named() {
    let parsed = parse(format!("{HEADER},Flags,,\r\na@x,,,b@y,,pw,7,,\r\nc@x,,,d@y,,,,\r\n").as_bytes(), None);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    assert_eq!(parsed.rows.len(), 2);
    assert_eq!(parsed.rows[0].destination_password.as_ref().unwrap().expose(), "pw");
    let notes: Vec<String> = parsed.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["line 1: the name of column 7 is not known; the column is left out"]);
    // What stands below no name at all may be anything.
    assert_eq!(problems("Source Email,Destination Email,,\na@x,b@y,,hunter2"), ["line 2: 4 columns instead of 2"]);
    assert!(problems("Source Email,Destination Email,Flags\na@x,b@y").is_empty(), "a short row");
}
