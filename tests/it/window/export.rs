//! Rows of the grid saved as a table.

use egui::{Key, Modifiers};
use mailferry::domain::csv_import;
use mailferry::domain::status::Status;
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::client::{Request, Response};
use mailferry::service::errors::{NotSaved, SaveTo, save_table};

use super::{Stage, item, item_in};

fn table(stage: &mut Stage) -> (mailferry::service::client::RequestId, String, SaveTo) {
    let (request, Request::SaveTable { text, to }) = stage.only() else { panic!("a table is saved") };
    (request, text.to_string(), to)
}

#[test]
fn l4_what_is_shown_is_saved_as_a_table_in_its_order() {
    let bob = ItemRow { note: Some("=1+1, \"so\"".into()), ..item_in(2, "bob", Status::Failed) };
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Failed), bob, item(3, "carl")]);
    stage.click("Status…");
    stage.click("Failed 2");
    stage.press(Modifiers::NONE, Key::Escape);
    stage.click("Sort by Source → destination");
    stage.click("More…");
    stage.click("Save rows as a table…");
    assert!(stage.shows("Save 2 rows as a table"));
    stage.type_into("File", "/lists/items.csv");
    stage.click("Save");
    let (request, text, to) = table(&mut stage);
    assert_eq!(to, SaveTo { file: "/lists/items.csv".into(), overwrite: false });
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("\"Source Email\",\"Destination Email\",\"Status\""), "{text}");
    assert!(lines[1].starts_with("\"bob@") && lines[1].contains("\"'=1+1, \"\"so\"\"\""), "{text}");
    assert!(lines[2].starts_with("\"anna@") && lines.len() == 3, "{text}");
    stage.answer(request, Response::Refused(NotSaved::Exists("/lists/items.csv".into()).into()));
    assert!(stage.says("exists already"));
    stage.click("Write over a file that exists");
    stage.click("Save");
    let (request, _, to) = table(&mut stage);
    assert!(to.overwrite);
    stage.answer(request, Response::Saved(512, "/lists/items.csv".into()));
    assert!(stage.says("saved as /lists/items.csv") && !stage.shows("Save 2 rows as a table"));
}

#[tokio::test]
async fn l4_a_saved_table_is_imported_again_and_nothing_is_written_over_unasked() {
    let mut stage = Stage::with(vec![item_in(1, "jürgen", Status::Completed), item(2, "bob")]);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("More…");
    stage.click("Save rows as a table…");
    stage.type_into("File", "x.csv");
    stage.click("Save");
    let (_, text, _) = table(&mut stage);
    let folder = tempfile::tempdir().expect("a folder");
    let to = SaveTo { file: folder.path().join("x.csv"), overwrite: false };
    let size = save_table(text.as_str().into(), to.clone()).await.expect("saved");
    let bytes = std::fs::read(&to.file).expect("the file");
    assert_eq!(bytes.len() as u64, size);
    let list = csv_import::parse(&bytes, None);
    let rows: Vec<(&str, &str)> =
        list.rows.iter().map(|row| (row.source_email.as_str(), row.destination_email.as_str())).collect();
    assert_eq!(list.problems, []);
    let bob = ("bob@contoso.example", "bob@fabrikam.example");
    assert_eq!(rows, [bob, ("jürgen@contoso.example", "jürgen@fabrikam.example")]);
    let refused = save_table("other".into(), to.clone()).await.expect_err("there is one");
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert_eq!(std::fs::read(&to.file).expect("the file"), bytes);
    save_table("other".into(), SaveTo { overwrite: true, ..to.clone() }).await.expect("written over");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("listed").collect();
    assert_eq!((left.len(), std::fs::read(&to.file).expect("the file")), (1, "\u{feff}other".as_bytes().to_vec()));
    let nowhere = SaveTo { file: folder.path().join("none/x.csv"), overwrite: false };
    assert!(save_table("x".into(), nowhere).await.expect_err("no folder").to_string().contains("none/x.csv"));
}
