//! Where owners are reached, how projects write, and how ends of passes are told.

use super::*;
use crate::domain::asking::{MailState, SendAttempt, SendOutcome};
use crate::domain::edit::{Change, ItemEdit, ProjectEdit};
use crate::domain::ids::CredentialId;
use crate::domain::language::Language;
use crate::domain::project::ProjectTerms;
use crate::domain::project_mail::ProjectMail;

#[tokio::test]
async fn a_contact_comes_by_a_list_or_an_edit_and_goes_into_a_copy_with_the_words_of_its_project() {
    let bench = Bench::new().await;
    let contact = async |item| bench.store.item(item).await.unwrap().contact;
    assert_eq!(contact(bench.item).await, None);
    let listed = NewItem { contact: Some("ann@home".into()), ..new_item("ann@a", "ann@b") };
    let became = bench.store.import_items(bench.project, vec![listed]).await.unwrap()[0].became;
    assert!(matches!(became, Became::Updated { .. }), "{became:?}");
    let again = bench.store.import_items(bench.project, vec![new_item("ann@a", "ann@b")]).await.unwrap()[0].became;
    assert_eq!((again, contact(bench.item).await.as_deref()), (Became::Unchanged, Some("ann@home")));
    let own = ProjectMail {
        client: Some("Contoso Ltd".into()),
        language: Some(Language::Spanish),
        template: Some("{link}".into()),
        success: None,
        failure: Some("kim@c".into()),
    };
    bench.store.set_project_mail(bench.project, own.clone()).await.unwrap();
    let copy = bench.store.duplicate_project(bench.project, "Copy".into(), true).await.unwrap();
    assert_eq!(bench.store.project_mail(copy).await.unwrap(), own);
    let copied = bench.store.items(copy).await.unwrap();
    assert_eq!(copied[0].contact.as_deref(), Some("ann@home"));
    let edit = ItemEdit::<CredentialId> { contact: Change::Clear, ..ItemEdit::of(bench.item) };
    bench.store.edit_item(edit, at(5)).await.unwrap();
    assert_eq!(contact(bench.item).await, None);
}

#[tokio::test]
async fn a_client_is_kept_and_copied_and_named_by_mails_that_have_no_other_name_for_it() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let terms = ProjectTerms { client: Some("Contoso Ltd".into()), ..Options::default().into() };
    let made = store.create_project("p".into(), [server("a"), server("b")], terms, [None; 2]).await.unwrap();
    let copy = store.duplicate_project(made, "q".into(), false).await.unwrap();
    let client = async |id| store.project(id).await.unwrap().client;
    assert_eq!(client(copy).await.as_deref(), Some("Contoso Ltd"));
    let edit = |client| ProjectEdit::<CredentialId> { client, ..ProjectEdit::of(made) };
    store.edit_project(edit(Change::Set("Fabrikam".into())), at(5)).await.unwrap();
    assert_eq!((client(made).await, client(copy).await), (Some("Fabrikam".into()), Some("Contoso Ltd".into())));
    assert_eq!(store.mail_client(made).await.unwrap().as_deref(), Some("Fabrikam"));
    let own = ProjectMail { client: Some("We".into()), ..ProjectMail::default() };
    store.set_project_mail(made, own).await.unwrap();
    assert_eq!(store.mail_client(made).await.unwrap().as_deref(), Some("We"));
    store.edit_project(edit(Change::Clear), at(6)).await.unwrap();
    assert_eq!((client(made).await, store.mail_client(bench.project).await.unwrap()), (None, None));
}

impl Bench {
    async fn ends(&self, to: Status) -> PassId {
        let pass = self.submit().await;
        self.store.set_status(StatusChange::new(pass, Status::Submitted, to), at(1_000)).await.unwrap();
        pass
    }

    async fn tells(&self, success: Option<&str>, failure: Option<&str>) {
        let mail = ProjectMail {
            success: success.map(Into::into),
            failure: failure.map(Into::into),
            ..ProjectMail::default()
        };
        self.store.set_project_mail(self.project, mail).await.unwrap();
    }
}

#[tokio::test]
async fn an_end_is_written_down_with_the_status_and_told_once_to_whom_the_project_names() {
    let bench = Bench::new().await;
    bench.ends(Status::Failed).await;
    bench.tells(None, Some("kim@c")).await;
    bench.ends(Status::Completed).await;
    bench.ends(Status::Stopped).await;
    assert_eq!(bench.store.take_end_notices(at(i64::MAX / 2)).await.unwrap(), None, "nobody is told of these");
    let pass = bench.ends(Status::Failed).await;
    assert_eq!(bench.store.take_end_notices(at(60_999)).await.unwrap(), None, "ends of a minute go together");
    let taken = bench.store.take_end_notices(at(61_000)).await.unwrap().unwrap();
    assert_eq!((taken.recipient.as_str(), taken.well, taken.tries, taken.ends.len()), ("kim@c", false, 1, 1));
    assert_eq!((taken.ends[0].pass, taken.ends[0].item), (pass, bench.item));
    assert_eq!(bench.store.take_end_notices(at(61_000)).await.unwrap(), None, "it is being told");
    let ids: Vec<_> = taken.ends.iter().map(|end| end.id).collect();
    let later = SendAttempt { at: at(61_000), outcome: SendOutcome::Later, answer: "450 not now".into() };
    bench.store.end_notices_tried(ids.clone(), later, at(70_000)).await.unwrap();
    assert_eq!(bench.store.take_end_notices(at(69_999)).await.unwrap(), None);
    assert_eq!(bench.store.take_end_notices(at(70_000)).await.unwrap().unwrap().tries, 2);
    // The process died: it may have been told.
    bench.store.recover_end_notices().await.unwrap();
    assert_eq!(bench.store.take_end_notices(at(i64::MAX / 2)).await.unwrap(), None, "not told twice by itself");
    let told = bench.store.end_notices(bench.item).await.unwrap();
    assert_eq!((told[0].state, told[0].answer.as_deref()), (MailState::Unsure, Some("450 not now")));
    bench.store.delete_items(vec![bench.item], at(80_000)).await.unwrap();
    bench.purge().await;
    assert_eq!(bench.count("end_notice"), 0);
}
