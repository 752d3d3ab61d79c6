//! Lists as spreadsheets write them, good and bad.

use super::*;

const HEADER: &str =
    "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password";

fn problems(text: &str) -> Vec<String> {
    parse(text.as_bytes()).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_full_file_is_read() {
    let parsed =
        parse(format!("{HEADER}\r\n a@x , anna ,\" p,\"\"w \",b@y,,\r\n\r\n,,,,,\r\nc@x,,,d@y,dora,pw\r\n").as_bytes());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let first = &parsed.rows[0];
    assert_eq!((first.line, first.source_email.as_str(), first.source_login.as_deref()), (2, "a@x", Some("anna")));
    assert_eq!(first.source_password.as_ref().unwrap().expose(), " p,\"w ");
    assert_eq!((first.destination_login.as_ref(), first.destination_password.as_ref()), (None, None));
    let second = &parsed.rows[1];
    assert_eq!((second.line, second.destination_login.as_deref()), (5, Some("dora")));
    assert_eq!((parsed.encoding, parsed.delimiter), ("UTF-8", ','));
    assert_eq!(
        parsed.notes[0].to_string(),
        "line 2, Source Password: the password begins or ends with a blank; it is kept"
    );
    assert!(!format!("{parsed:?}").contains("p,\""));
}

#[test]
fn only_the_e_mails_are_compulsory_in_any_order_and_case() {
    let parsed = parse(b"destination  EMAIL;source email\nb@y;a@x");
    assert_eq!((parsed.rows[0].source_email.as_str(), parsed.delimiter), ("a@x", ';'));
    assert_eq!(parse(b"Source Email\tDestination Email\na@x\tb@y").rows.len(), 1);
}

#[test]
fn encodings_are_told_apart() {
    let text = "Source Email,Destination Email,Source Password\r\na@x,b@y,gr\u{fc}n\u{20ac}\r\n";
    let le: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let be: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let bom = format!("\u{feff}{text}").into_bytes();
    let western = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), "UTF-8"),
        (bom, "UTF-8"),
        (le, "UTF-16LE"),
        (be, "UTF-16BE"),
        (western, "windows-1252"),
    ] {
        let parsed = parse(&bytes);
        assert_eq!((parsed.encoding, parsed.problems.as_slice()), (encoding, [].as_slice()));
        assert_eq!(parsed.rows[0].source_password.as_ref().unwrap().expose(), "grün€", "{encoding}");
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
            "line 7: 2 columns instead of 6",
            "line 9: the same source and destination as on line 8",
            "line 10, Source Email: a blank inside the e-mail address",
        ]
    );
    assert_eq!(parse(file.as_bytes()).rows.len(), 1);
    assert!(!format!("{:?}", parse(file.as_bytes())).contains("hunter"));
}

#[test]
fn an_open_quote_is_told_where_it_opens() {
    let found = problems(&format!("{HEADER}\na@x,,,b@y,,\nc@x,,\n\nd@x,,\"hunter2,e@y,,\nf@x,,,g@y,,\n"));
    assert_eq!(found, ["line 3: 3 columns instead of 6", "line 5: a quotation mark opens here and is never closed"]);
}

#[test]
fn r10_a_hundred_thousand_rows_are_read_quickly() {
    let mut file = HEADER.to_owned();
    for n in 0..100_000 {
        file.push_str(&format!("\r\nuser{n}@contoso.example,login{n},\"se;cret{n}\",user{n}@fabrikam.example,,pw"));
    }
    let start = std::time::Instant::now();
    let parsed = parse(file.as_bytes());
    let took = start.elapsed();
    assert_eq!((parsed.rows.len(), parsed.problems.len()), (100_000, 0));
    assert!(took.as_secs() < if cfg!(debug_assertions) { 10 } else { 1 }, "took {took:?}");
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
    let named = parse_pasted("Source Email,Destination Email\na at x,b@y\n");
    assert_eq!(named.problems[0].to_string(), "line 2, Source Email: no @ in the e-mail address");
}

#[test]
fn a_migrationwiz_sample_comes_in_and_its_flags_are_named() {
    let parsed = parse(format!("{HEADER},Flags,,\r\na@x,,,b@y,,pw,7,,\r\nc@x,,,d@y,,,,\r\n").as_bytes());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    assert_eq!(parsed.rows.len(), 2);
    assert_eq!(parsed.rows[0].destination_password.as_ref().unwrap().expose(), "pw");
    let notes: Vec<String> = parsed.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["line 1: the column \"Flags\" is not known and is left out"]);
    // What stands below no name at all may be anything.
    assert_eq!(problems("Source Email,Destination Email,,\na@x,b@y,,hunter2"), ["line 2: 4 columns instead of 2"]);
    assert_eq!(problems("Source Email,Destination Email,Flags\na@x,b@y"), ["line 2: 2 columns instead of 3"]);
}
