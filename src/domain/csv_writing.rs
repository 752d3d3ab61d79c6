//! Tables for spreadsheets. What strangers wrote stays text: no cell can become a formula.

use super::plain_text::shown;

/// A line of these cells, each in quotes, with the line's end of RFC 4180. A cell that a spreadsheet would take for a formula
/// gets a quote before it, and control characters become blanks.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

/// The same for the clipboard: cells are parted by tabs, which none of them holds, and need no quotes.
pub fn tabbed<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(guarded).collect();
    cells.join("\t") + "\n"
}

fn cell(text: &str) -> String {
    format!("\"{}\"", guarded(text).replace('"', "\"\""))
}

/// One line, and no formula.
fn guarded(text: &str) -> String {
    let plain = shown(text);
    let guard = if plain.trim_start().starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("{guard}{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r26_no_cell_can_become_a_formula() {
        assert_eq!(line(["a", "1,5", "say \"so\""]), "\"a\",\"1,5\",\"say \"\"so\"\"\"\r\n");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r\n=1"] {
            assert!(line([formula]).trim_start_matches('"').starts_with('\''), "{formula:?}");
        }
        assert_eq!(tabbed(["a\tb", "=1", "say \"so\""]), "a b\t'=1\tsay \"so\"\n");
        assert_eq!(line(["a\u{1b}[31m\r\nb"]), "\"a [31m  b\"\r\n", "one line, whatever is in it");
    }
}
