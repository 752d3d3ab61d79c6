//! What may be edited when, and when it is asked whether a mailbox is still the one it was.

use super::*;
use crate::domain::ids::CredentialId;
use crate::domain::project::Starts;

fn item() -> Item {
    let mailbox = |email: &str| Mailbox { email: email.into(), login: None, credential: Some(CredentialId(1)) };
    Item { id: ItemId(1), project: ProjectId(1), source: mailbox("anna@a"), destination: mailbox("anna@b") }
}

fn edit(change: impl FnOnce(&mut ItemEdit<()>)) -> ItemEdit<()> {
    let mut edit = ItemEdit::of(ItemId(1));
    change(&mut edit);
    edit
}

#[test]
fn another_mailbox_is_asked_about_when_there_are_records_or_a_pass_is_making_them() {
    let moved = edit(|edit| edit.source.email = Some("anne@a".into()));
    assert_eq!(moved.check(&item(), Status::Stopped, false), Ok(Records::Keep));
    let asks = Err(EditRefusal::WhichMailbox(vec![Side::Source]));
    assert_eq!(moved.check(&item(), Status::Stopped, true), asks);
    assert_eq!(moved.check(&item(), Status::Migrating, false), asks);
    for records in [Records::Keep, Records::Reset] {
        let told = ItemEdit { records: Some(records), ..moved.clone() };
        assert_eq!(told.check(&item(), Status::Stopped, true), Ok(records));
    }
    let other_login = edit(|edit| edit.destination.login = Change::Set("boss".into()));
    let asks = EditRefusal::WhichMailbox(vec![Side::Destination]);
    assert_eq!(other_login.check(&item(), Status::Stopped, true), Err(asks));
    // The same name, written out, and a password make no other mailbox.
    let same = edit(|edit| {
        (edit.source.email, edit.source.login) = (Some("Anna@A".into()), Change::Set("anna@a".into()));
        (edit.source.password, edit.note) = (Change::Set(()), Change::Set("VIP".into()));
    });
    assert_eq!(same.check(&item(), Status::Stopped, true), Ok(Records::Keep));
}

#[test]
fn r13_an_edit_keeps_to_what_its_status_allows() {
    let note = edit(|edit| edit.note = Change::Set("call first".into()));
    for status in Status::ALL {
        assert_eq!(note.check(&item(), status, true).is_ok(), Action::Edit.check(status, 0).is_ok(), "{status:?}");
    }
    let cleared = edit(|edit| edit.source.password = Change::Clear);
    assert_eq!(cleared.check(&item(), Status::Submitted, true), Err(Refusal::SubmittedFirst.into()));
    assert_eq!(cleared.check(&item(), Status::Stopped, true), Ok(Records::Keep));
    let other = edit(|edit| (edit.source.email, edit.records) = (Some("x@a".into()), Some(Records::Reset)));
    assert_eq!(other.check(&item(), Status::Migrating, true), Err(Refusal::Migrating.into()));
}

#[test]
fn what_is_typed_wrong_is_named() {
    let told = |change: fn(&mut ItemEdit<()>)| edit(change).validate().unwrap_err().to_string();
    assert_eq!(told(|edit| edit.source.email = Some("anna".into())), "Source Email: no @ in the e-mail address");
    let login = told(|edit| edit.destination.login = Change::Set("a\tb".into()));
    assert!(login.starts_with("Destination Login Name: holds a control character"), "{login}");
    assert_eq!(told(|edit| edit.note = Change::Set("x".repeat(1001))), "Note: longer than 1000 characters");
}

fn project() -> Project {
    let server = |url: &str| Server::parse_url(url).unwrap();
    Project {
        id: ProjectId(1),
        name: "p".into(),
        client: None,
        source: server("imaps://a"),
        destination: server("imaps://b"),
        options: Options::default(),
        starts: Starts::default(),
        pool: PoolId::FIRST,
    }
}

#[test]
fn servers_change_at_rest_only_and_options_always() {
    let mut edit = ProjectEdit::<()>::of(ProjectId(1));
    edit.options = Some(Options { concurrent: 3, ..Options::default() });
    let running = ItemsAt { active: 1, not_at_rest: 2, have_records: true };
    let nothing = ProjectEffects { records: Records::Keep, asks_direction: false };
    assert_eq!(edit.check(&project(), running), Ok(nothing));
    edit.source.password = Change::Set(());
    assert_eq!(edit.check(&project(), running), Err(EditRefusal::Running(1)));
    // The same server through its other door.
    edit.source.server = Some(Server::parse_url("imap://A").unwrap());
    let waiting = ItemsAt { active: 0, ..running };
    assert_eq!(edit.check(&project(), waiting), Ok(nothing));
    edit.source.server = Some(Server::parse_url("imaps://c").unwrap());
    assert_eq!(edit.check(&project(), waiting), Err(EditRefusal::WhichMailbox(vec![Side::Source])));
    edit.records = Some(Records::Reset);
    assert_eq!(edit.check(&project(), waiting), Err(EditRefusal::NotAtRest(2)));
    edit.records = Some(Records::Keep);
    let asks = ProjectEffects { records: Records::Keep, asks_direction: true };
    assert_eq!(edit.check(&project(), waiting), Ok(asks));
}
