//! The pages keep to what there is: `REQUIREMENTS.md` names tests that exist and all that carry a requirement's number,
//! `ARCHITECTURE.md` and `GLOSSARY.md` name files that exist.

use std::fs;
use std::path::Path;

use crate::arrows::visit;

/// How many requirements there are, numbered from 1.
const REQUIREMENTS: u32 = 60;
/// What a line says that names no test.
const NOT_YET: &str = "not yet built";

#[test]
fn every_requirement_names_its_tests() {
    let mut tests = Vec::new();
    for folder in ["src", "tests"] {
        visit(&root().join(folder), &mut |file| {
            tests.extend(tests_of(&name(file), &fs::read_to_string(file).expect("readable")));
        });
    }
    assert!(tests.len() > 500, "only {} tests found", tests.len());
    no_faults("REQUIREMENTS.md", requirement_faults(&page("REQUIREMENTS.md"), &tests));
}

#[test]
fn the_pages_name_files_that_exist() {
    let there = |path: &str| root().join(path).exists() || root().join("src").join(path).exists();
    for title in ["ARCHITECTURE.md", "GLOSSARY.md"] {
        let page = page(title);
        let paths = paths(&page);
        assert!(paths.len() > 30, "{title}: only {} paths found", paths.len());
        no_faults(title, paths.into_iter().filter(|path| !there(path)).map(|path| format!("{path} is not there")));
    }
}

#[test]
fn the_glossary_has_each_word_once_in_order_with_its_file() {
    no_faults("GLOSSARY.md", glossary_faults(&page("GLOSSARY.md")));
}

#[test]
fn no_line_of_the_pages_is_longer_than_a_screen() {
    let title = "ARCHITECTURE.md";
    let long = page(title).lines().enumerate().map(|(at, line)| (at + 1, line.chars().count())).collect::<Vec<_>>();
    no_faults(title, long.into_iter().filter(|(_, n)| *n > 125).map(|(at, n)| format!("line {at} has {n} characters")));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(title: &str) -> String {
    fs::read_to_string(root().join(title)).expect("the page")
}

fn name(file: &Path) -> String {
    file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/")
}

fn no_faults(title: &str, faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{title}:\n  {}", faults.join("\n  "));
}

/// The tests of a source file, named as `cargo test` names them; those of the integration binary below `it::`.
fn tests_of(file: &str, text: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod").trim_end_matches("/lib");
    let path = path.strip_prefix("src/").or_else(|| path.strip_prefix("tests/")).unwrap_or(path).replace('/', "::");
    let (mut tests, mut inner, mut marked) = (Vec::new(), None, false);
    for line in text.lines() {
        if let Some(opened) = line.trim_start_matches("pub ").strip_prefix("mod ") {
            inner = opened.strip_suffix(" {");
        } else if line.starts_with('}') {
            inner = None;
        }
        let code = line.trim();
        if code == "#[test]" || code.starts_with("#[tokio::test") {
            marked = true;
        } else if marked && !code.starts_with("#[") && !code.starts_with("//") {
            marked = false;
            if let Some((_, rest)) = code.split_once("fn ") {
                let function = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                tests.push(
                    [Some(path.as_str()), inner, Some(function)].into_iter().flatten().collect::<Vec<_>>().join("::"),
                );
            }
        }
    }
    tests
}

/// The requirements whose numbers a test's name carries: `it::x::r5_r06_what_holds` those of 5 and 6.
fn numbers(test: &str) -> Vec<u32> {
    let words = test.rsplit("::").next().unwrap_or_default().split('_');
    words.filter_map(|word| word.strip_prefix('r').filter(|digits| digits.len() <= 2)?.parse().ok()).collect()
}

/// The requirement of a line, and the tests that it names.
fn requirement(line: &str) -> Option<(u32, Vec<&str>)> {
    let (number, rest) = line.strip_prefix("- **R")?.split_once("** ")?;
    let tests = rest.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::"));
    Some((number.parse().ok()?, tests.collect()))
}

fn requirement_faults(page: &str, tests: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let lines: Vec<_> = page.lines().filter_map(|line| Some((requirement(line)?, line))).collect();
    for number in 1..=REQUIREMENTS {
        match lines.iter().filter(|((found, _), _)| *found == number).count() {
            0 => faults.push(format!("R{number} is missing")),
            1 => {}
            more => faults.push(format!("R{number} stands there {more} times")),
        }
    }
    for ((number, named), line) in &lines {
        if !(1..=REQUIREMENTS).contains(number) {
            faults.push(format!("R{number} is no requirement"));
        }
        if named.is_empty() != line.ends_with(NOT_YET) {
            faults.push(format!("R{number} must either name a test or end with \"{NOT_YET}\""));
        }
        for test in named.iter().filter(|named| !tests.iter().any(|test| test == *named)) {
            let function = test.rsplit("::").next().unwrap_or_default();
            let moved = tests.iter().find(|there| there.rsplit("::").next() == Some(function));
            let now = moved.map_or(String::new(), |now| format!("; there is {now}"));
            faults.push(format!("R{number} names {test}, which is not there{now}"));
        }
    }
    for test in tests {
        for number in numbers(test) {
            let at_home =
                |((found, named), _): &((u32, Vec<&str>), &str)| *found == number && named.contains(&test.as_str());
            if !lines.iter().any(at_home) {
                faults.push(format!("{test} is not named at R{number}"));
            }
        }
    }
    faults
}

/// The files and folders that a page names: words that end with `.rs` wherever they stand, and folders between backticks.
fn paths(page: &str) -> Vec<&str> {
    let is_path = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        let quoted = line.split('`').skip(1).step_by(2).filter(|word| !fenced && word.ends_with('/') && is_path(word));
        let words = line.split(|c: char| c.is_whitespace() || "`()[]{},;:|*".contains(c));
        found.extend(quoted.chain(words.filter(|word| word.len() > 3 && word.ends_with(".rs") && is_path(word))));
    }
    found
}

fn glossary_faults(page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before = String::new();
    for line in page.lines().filter(|line| line.starts_with("- ")) {
        let Some((word, meaning)) = line.strip_prefix("- **").and_then(|rest| rest.split_once("**")) else {
            faults.push(format!("no word in: {line}"));
            continue;
        };
        if word.to_lowercase() <= before {
            faults.push(format!("{word} stands behind {before}"));
        }
        if paths(meaning).is_empty() {
            faults.push(format!("{word} has no file"));
        }
        before = word.to_lowercase();
    }
    faults
}

#[test]
fn tests_are_found_where_cargo_names_them() {
    let text = "#[test]\nfn a() {}\nfn helper() {}\nmod tests {\n    #[tokio::test(start_paused = true)]\n    // Why.\n    \
                #[allow(x)]\n    async fn b() {}\n        #[test]\n        fn c(x in 0..3) {}\n}\n#[test]\npub fn d() {}\n";
    assert_eq!(
        tests_of("src/pass/tally.rs", text),
        ["pass::tally::a", "pass::tally::tests::b", "pass::tally::tests::c", "pass::tally::d"]
    );
    assert_eq!(tests_of("tests/it/window/mod.rs", "#[test]\nfn a() {\n"), ["it::window::a"]);
    assert_eq!(numbers("it::x::r5_r06_what_holds"), [5, 6]);
    assert_eq!(numbers("it::r7::of_rfc_r_rr4_r123_and_a_r60"), [60]);
}

#[test]
fn faults_of_the_page_are_seen() {
    let whole = |but: u32, line: &str| {
        let others = (1..=REQUIREMENTS).filter(|n| *n != but).map(|n| format!("- **R{n}** Text. — {NOT_YET}\n"));
        format!("# Title\n\n{}{line}\n", others.collect::<String>())
    };
    let tests = ["a::tests::r5_x".to_owned(), "it::b::r5_r6_y".to_owned(), "it::b::z".to_owned()];
    let faults = |but, line: &str, tests: &[String]| requirement_faults(&whole(but, line), tests);
    assert_eq!(faults(0, "", &[]), [""; 0]);
    assert_eq!(
        faults(5, "- **R5** `x`. — `a::tests::r5_x`, `it::b::z`", &[tests[0].clone(), tests[2].clone()]),
        [""; 0]
    );
    for (but, line, expected) in [
        (0, "", "a::tests::r5_x is not named at R5"),
        (0, "", "it::b::r5_r6_y is not named at R6"),
        (5, "- **R5** Text. — `a::tests::r5_x`", "it::b::r5_r6_y is not named at R5"),
        (5, "", "R5 is missing"),
        (0, "- **R7** Text. — not yet built", "R7 stands there 2 times"),
        (0, "- **R61** Text. — not yet built", "R61 is no requirement"),
        (5, "- **R5** Text.", "R5 must either name a test or end with \"not yet built\""),
        (9, "- **R9** Text. — `it::b::z`, not yet built", "R9 must either name a test or end with \"not yet built\""),
        (9, "- **R9** Text. — `it::b::none`", "R9 names it::b::none, which is not there"),
        (9, "- **R9** Text. — `it::c::z`", "R9 names it::c::z, which is not there; there is it::b::z"),
    ] {
        let found = faults(but, line, &tests);
        assert!(found.iter().any(|fault| fault == expected), "{expected}: {found:?}");
    }
}

#[test]
fn paths_of_a_page_are_found() {
    let page =
        "`a/b.rs` and (`c.rs`), `dir/`, dir/, `numbers/<x>/`, `a b/`, .rs\n```\nx.rs ← y/\n```\n| `z/` | `q.md` |\n";
    assert_eq!(paths(page), ["dir/", "a/b.rs", "c.rs", "x.rs", "z/"]);
}

#[test]
fn faults_of_the_glossary_are_seen() {
    assert_eq!(glossary_faults("# T\n\n- **claim**: x. `a.rs`\n- **Lane**: y. `b/c.rs`\n"), [""; 0]);
    assert_eq!(glossary_faults("- **lane**: y. `b.rs`\n- **claim**: x. `a.rs`\n"), ["claim stands behind lane"]);
    assert_eq!(glossary_faults("- **lane**: y. `b.rs`\n- **lane**: x. `a.rs`\n"), ["lane stands behind lane"]);
    assert_eq!(glossary_faults("- **lane**: y.\n"), ["lane has no file"]);
    assert_eq!(glossary_faults("- lane\n"), ["no word in: - lane"]);
}
