//! What owners are asked for, and the mails that ask them.

use super::*;
use crate::domain::asking::{LinkState, MailKind, MailState, SendAttempt, SendOutcome};
use crate::domain::ids::CredentialId;

impl Bench {
    /// The item waits for its owner; its pass.
    async fn waits(&self) -> PassId {
        let submission = Submission { kind: PassKind::Full, wait: Wait::Credentials, schedule: None, at: at(10) };
        let submitted = self.store.submit(vec![(self.item, PassPlan::FULL)], submission).await.unwrap();
        submitted.passes[0].1
    }

    async fn becomes(&self, pass: PassId, to: Status) {
        let change = StatusChange::new(pass, Status::WaitingForUser, to);
        self.store.set_status(change, at(50)).await.unwrap();
    }

    fn asks(&self, seed: u8) -> NewCredentialRequest {
        NewCredentialRequest {
            item: self.item,
            sides: vec![Side::Destination],
            nonce: [seed; 16],
            token_hash: [seed; 32],
            recipient: "anna@a.example".into(),
        }
    }

    async fn states(&self) -> Vec<MailState> {
        self.store.mails(self.item).await.unwrap().into_iter().map(|(mail, _)| mail.state).collect()
    }
}

#[tokio::test]
async fn who_is_asked_twice_has_one_link_and_who_does_not_wait_has_none() {
    let bench = Bench::new().await;
    assert_eq!(bench.store.ask(vec![bench.asks(1)], at(20)).await.unwrap(), [], "it does not wait");
    bench.waits().await;
    assert_eq!(bench.store.unasked(9).await.unwrap(), [(bench.project, bench.item)]);
    let asked = bench.store.ask(vec![bench.asks(1), bench.asks(2)], at(20)).await.unwrap();
    assert_eq!(asked, [bench.item]);
    assert_eq!(bench.store.ask(vec![bench.asks(3)], at(21)).await.unwrap(), []);
    assert_eq!(bench.store.unasked(9).await.unwrap(), []);
    let request = bench.store.living_request([1; 32]).await.unwrap().unwrap();
    assert_eq!((request.sides.as_slice(), request.state), (&[Side::Destination][..], LinkState::Alive));
    assert_eq!(bench.store.living_request([2; 32]).await.unwrap(), None);
    let two = "INSERT INTO credential_request (item, source, destination, nonce, token_hash, created)
               VALUES (1, 1, 0, randomblob(16), randomblob(32), 1)";
    assert!(bench.other().execute(two, []).is_err(), "the schema itself allows no second living link");
}

#[tokio::test]
async fn r39_stopping_kills_the_link_and_its_mail_and_a_new_start_asks_with_another_one() {
    let bench = Bench::new().await;
    let pass = bench.waits().await;
    bench.store.ask(vec![bench.asks(1)], at(20)).await.unwrap();
    bench.becomes(pass, Status::Stopped).await;
    assert_eq!(bench.store.living_request([1; 32]).await.unwrap(), None);
    assert_eq!(bench.states().await, [MailState::Dropped]);
    let dead = &bench.store.credential_requests(bench.item).await.unwrap()[0];
    assert_eq!((dead.state, dead.ended), (LinkState::Dead, Some(at(50))));
    assert!(bench.other().execute("UPDATE credential_request SET state = 'alive', ended = NULL", []).is_err());
    bench.waits().await;
    assert_eq!(bench.store.ask(vec![bench.asks(2)], at(60)).await.unwrap(), [bench.item]);
    assert!(bench.store.living_request([2; 32]).await.unwrap().is_some());
    assert_eq!(bench.states().await, [MailState::Queued, MailState::Dropped]);
}

#[tokio::test]
async fn what_comes_through_a_link_is_kept_once() {
    let bench = Bench::new().await;
    let pass = bench.waits().await;
    bench.store.ask(vec![bench.asks(1)], at(20)).await.unwrap();
    let id = bench.store.living_request([1; 32]).await.unwrap().unwrap().id;
    bench.store.request_opened(id, at(30)).await.unwrap();
    bench.store.request_opened(id, at(31)).await.unwrap();
    assert!(bench.store.request_attempted(id).await.unwrap());
    let given = |number| {
        let login = Some("anna".to_owned());
        vec![GivenCredential { side: Side::Destination, login, credential: CredentialId(number) }]
    };
    let credentials = bench.store.new_credentials(2, at(32), "owner").await.unwrap();
    assert_eq!(bench.store.use_request(id, given(credentials[0].0), at(33)).await.unwrap(), Some(Vec::new()));
    assert_eq!(
        bench.store.use_request(id, given(credentials[1].0), at(34)).await.unwrap(),
        None,
        "the second is too late"
    );
    assert!(!bench.store.request_attempted(id).await.unwrap());
    let item = bench.store.item(bench.item).await.unwrap().item;
    assert_eq!(item.destination.credential, Some(credentials[0]));
    assert_eq!(item.destination.login.as_deref(), Some("anna"));
    bench.becomes(pass, Status::Submitted).await;
    let used = &bench.store.credential_requests(bench.item).await.unwrap()[0];
    assert_eq!((used.state, used.opened, used.attempts), (LinkState::Used, Some(at(30)), 1));
    assert_eq!(used.ended, Some(at(33)));
}

#[tokio::test]
async fn a_mail_that_was_being_sent_when_the_process_died_is_sent_no_second_time_by_itself() {
    let bench = Bench::new().await;
    bench.waits().await;
    bench.store.ask(vec![bench.asks(1)], at(20)).await.unwrap();
    assert_eq!(bench.store.take_mail(at(19)).await.unwrap(), None, "not due yet");
    let mail = bench.store.take_mail(at(20)).await.unwrap().unwrap();
    assert_eq!((mail.kind, mail.recipient.as_str(), mail.tries), (MailKind::Ask, "anna@a.example", 1));
    assert_eq!(bench.store.take_mail(at(99)).await.unwrap(), None, "one takes it");
    assert!(bench.store.remind(bench.item, "anna@a.example".into(), at(40)).await.unwrap());
    assert_eq!(bench.states().await, [MailState::Sending], "what is on its way is reminder enough");
    assert_eq!(bench.store.recover_mails(at(50)).await.unwrap(), 1);
    assert_eq!(bench.store.take_mail(at(99)).await.unwrap(), None);
    let (mail, tries) = bench.store.mails(bench.item).await.unwrap().remove(0);
    assert_eq!((mail.state, tries.len(), tries[0].outcome), (MailState::Unsure, 1, SendOutcome::Unsure));
    assert!(bench.store.remind(bench.item, "anna@a.example".into(), at(60)).await.unwrap());
    let reminder = bench.store.take_mail(at(60)).await.unwrap().unwrap();
    assert_eq!(reminder.kind, MailKind::Remind);
    let request = bench.store.request_of_mail(reminder.id).await.unwrap().unwrap();
    assert_eq!(request.nonce, [1; 16], "a reminder carries the same link");
}

#[tokio::test]
async fn a_mail_is_tried_again_at_its_time_unless_its_link_died_meanwhile() {
    let bench = Bench::new().await;
    let pass = bench.waits().await;
    bench.store.ask(vec![bench.asks(1)], at(20)).await.unwrap();
    let mail = bench.store.take_mail(at(20)).await.unwrap().unwrap();
    let later = SendAttempt { at: at(21), outcome: SendOutcome::Later, answer: "450 greylisted".into() };
    bench.store.mail_tried(mail.id, later.clone(), at(80)).await.unwrap();
    assert_eq!(bench.store.next_mail_due().await.unwrap(), Some(at(80)));
    assert_eq!(bench.store.take_mail(at(79)).await.unwrap(), None);
    let again = bench.store.take_mail(at(80)).await.unwrap().unwrap();
    assert_eq!((again.id, again.tries), (mail.id, 2));
    bench.becomes(pass, Status::Stopped).await;
    bench.store.mail_tried(mail.id, later.clone(), at(90)).await.unwrap();
    assert_eq!((bench.states().await, bench.store.next_mail_due().await.unwrap()), (vec![MailState::Dropped], None));
    assert_eq!(bench.store.mails(bench.item).await.unwrap()[0].1, [later.clone(), later]);
}

#[tokio::test]
async fn secrets_of_the_workspace_are_in_use() {
    let bench = Bench::new().await;
    let ids = bench.store.new_credentials(3, at(1), "settings").await.unwrap();
    assert_eq!(bench.store.first_workspace_secret("link-key", ids[0]).await.unwrap(), ids[0]);
    assert_eq!(bench.store.first_workspace_secret("link-key", ids[1]).await.unwrap(), ids[0], "the first one counts");
    assert_eq!(bench.store.set_workspace_secret("mail-login", ids[1]).await.unwrap(), None);
    assert_eq!(bench.store.set_workspace_secret("mail-login", ids[2]).await.unwrap(), Some(ids[1]));
    assert_eq!(bench.store.workspace_secret("mail-login").await.unwrap(), Some(ids[2]));
    let unused = bench.store.unused_credentials(at(2)).await.unwrap();
    assert_eq!(unused, [ids[1]]);
}

#[tokio::test]
async fn requests_and_mails_go_with_their_item() {
    let bench = Bench::new().await;
    let pass = bench.waits().await;
    bench.store.ask(vec![bench.asks(1)], at(20)).await.unwrap();
    bench.becomes(pass, Status::Stopped).await;
    bench.store.delete_items(vec![bench.item], at(60)).await.unwrap();
    bench.purge().await;
    assert_eq!((bench.count("item"), bench.count("credential_request"), bench.count("outgoing_mail")), (0, 0, 0));
}
