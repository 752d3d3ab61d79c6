//! Tests of connections from the window: steps appear as they end, closing gives the test up.

use egui::{Key, Modifiers};
use mailferry::domain::check::{CheckLine, CheckStep, StepResult};
use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::ids::ItemId;
use mailferry::domain::proposal::{Origin, Proposal};
use mailferry::domain::server::ImapServer;
use mailferry::domain::sign_in::{SignIn, SignInKind};
use mailferry::service::check::{CheckOf, Checking};
use mailferry::service::client::{Request, RequestId, Response};
use mailferry::service::{ServiceError, VaultKind, WorkspaceInfo};

use super::{PROJECT, Stage, item, project};

fn line(side: Side, step: CheckStep, found: &str) -> CheckLine {
    let found = found.to_owned();
    CheckLine { side, step, result: StepResult::Well, found, todo: None, server_text: None, cause: None }
}

/// A window that tests its only item.
fn testing() -> (Stage, RequestId, Checking) {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::T);
    let (request, Request::Check(CheckOf::Item(ItemId(1)), checking)) = stage.only() else { panic!("a test") };
    assert!(stage.shows("Test connection") && stage.shows("Testing…"));
    assert!(stage.shows("anna@contoso.example → anna@fabrikam.example"));
    (stage, request, checking)
}

#[test]
fn steps_appear_one_by_one_with_what_to_do_and_can_be_copied() {
    let (mut stage, request, checking) = testing();
    (checking.tell)(line(Side::Source, CheckStep::Name, "192.0.2.1"));
    stage.window.run();
    assert!(stage.shows("Source") && stage.shows("Name resolved: 192.0.2.1") && !stage.shows("Destination"));
    (checking.tell)(CheckLine {
        result: StepResult::Failed,
        todo: Some("Correct the password".into()),
        server_text: Some("[AUTHENTICATIONFAILED] no".into()),
        cause: Some(Cause::LoginRefused),
        ..line(Side::Source, CheckStep::Login, "Refused.")
    });
    (checking.tell)(line(Side::Destination, CheckStep::Folders, "3 folders"));
    stage.answer(request, Response::Checked(false));
    for words in ["Login accepted: Refused.", "Correct the password", "[AUTHENTICATIONFAILED] no", "Destination"] {
        assert!(stage.shows(words), "{words}");
    }
    assert!(stage.shows("Not all steps hold") && !stage.shows("Testing…"));
    let text = stage.copied("Copy as text");
    assert!(
        text.starts_with("anna@contoso.example → anna@fabrikam.example\nSource\nok      Name resolved: 192.0.2.1\n"),
        "{text}"
    );
    assert!(
        text.contains("FAILED  Login accepted: Refused.\n        Correct the password\n        server text: "),
        "{text}"
    );
    assert!(!checking.cancel.is_cancelled());
    stage.click("Close");
    assert!(!stage.shows("Test connection"));
}

#[test]
fn g4_a_certificate_that_a_test_did_not_trust_can_be_pinned_there() {
    let (mut stage, request, checking) = testing();
    (checking.tell)(CheckLine {
        result: StepResult::Failed,
        cause: Some(Cause::CertificateNotTrusted),
        ..line(Side::Destination, CheckStep::Certificate, "Not trusted.")
    });
    stage.window.run();
    assert!(!stage.shows("Pin this certificate…"), "not before the test has ended");
    stage.answer(request, Response::Checked(false));
    stage.click("Pin this certificate…");
    let (_, Request::Certificate(PROJECT, Side::Destination)) = stage.only() else { panic!("a look at it") };
    assert!(stage.shows("Pin this certificate") && stage.shows("Trust exactly this one"));
}

#[test]
fn closing_gives_a_test_up_and_its_late_answer_is_nobodys() {
    let (mut stage, request, checking) = testing();
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(checking.cancel.is_cancelled() && !stage.shows("Test connection"));
    stage.press(Modifiers::NONE, Key::T);
    let (second, Request::Check(_, again)) = stage.only() else { panic!("another test") };
    stage.answer(request, Response::Replaced);
    assert!(stage.shows("Testing…"));
    stage.answer(second, Response::Checked(true));
    assert!(stage.shows("All steps hold"));
    stage.click("Close");
    assert!(again.cancel.is_cancelled());
    stage.press(Modifiers::NONE, Key::T);
    let (third, _) = stage.only();
    stage.answer(third, Response::Refused(ServiceError::TooMany));
    assert!(stage.says("too many questions wait"));
}

#[test]
fn forms_test_their_servers_as_they_are_typed() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("All projects");
    stage.click("New project…");
    stage.type_into("Host of the source", "imap.contoso.example");
    stage.click("One administrator opens all mailboxes of the source");
    stage.click("Test connection…");
    let (_, Request::Check(CheckOf::Servers(servers), _)) = stage.only() else { panic!("a test") };
    assert_eq!(servers.len(), 1, "nothing is typed for the destination");
    assert_eq!(
        (servers[0].0, servers[0].1.server.to_string().as_str()),
        (Side::Source, "imaps://imap.contoso.example")
    );
    assert!(servers[0].1.password.is_none() && stage.shows("imap.contoso.example"));
}

#[test]
fn settings_are_found_by_an_address_and_taken_by_a_click() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    // What is told of a provider makes the form longer than a small window.
    stage.window.set_size(egui::vec2(1280.0, 1200.0));
    stage.click("All projects");
    stage.click("New project…");
    stage.type_into("An e-mail address at the source", "anna@contoso.example");
    stage.click("Find settings of the source");
    let (request, Request::Find(email)) = stage.only() else { panic!("a search") };
    assert!(email == "anna@contoso.example" && stage.shows("Asking name servers and the web…"));
    let server = ImapServer::parse_url("imap://imap.gmail.com:1143").expect("an address");
    let origin = Origin::Service("_imap._tcp.contoso.example".into());
    let found = Proposal { server, login: Some("anna".into()), sign_in: None, origin };
    stage.answer(request, Response::Found(vec![found]));
    assert!(stage.says("named by its name servers: _imap._tcp.contoso.example · login name anna"));
    stage.click("Use imap://imap.gmail.com:1143");
    stage.click("About Gmail as the source");
    assert!(stage.says("Daily limit: 2.50 GB are read of each mailbox"));
    stage.click("Test connection…");
    let (_, Request::Check(CheckOf::Servers(servers), _)) = stage.only() else { panic!("a test") };
    assert_eq!(servers[0].1.server.to_string(), "imap://imap.gmail.com:1143");
}

#[test]
fn an_address_of_which_nobody_says_anything_is_said_to_be_so() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("More…");
    stage.click("Project settings…");
    stage.type_into("An e-mail address at the destination", "bob@fabrikam.example");
    stage.click("Find settings of the destination");
    let (request, _) = stage.only();
    stage.answer(request, Response::Found(Vec::new()));
    assert!(stage.says("Nobody says where this mail is read"));
    stage.click("Find settings of the destination");
    let (request, _) = stage.only();
    stage.answer(request, Response::Refused(ServiceError::TooMany));
    assert!(stage.says("too many questions wait"));
}

#[test]
fn the_settings_of_a_project_test_both_servers() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("More…");
    stage.click("Project settings…");
    stage.click("Test connection…");
    let (_, Request::Check(CheckOf::Servers(servers), _)) = stage.only() else { panic!("a test") };
    assert_eq!(servers.iter().map(|(side, _)| *side).collect::<Vec<_>>(), [Side::Source, Side::Destination]);
}

#[test]
fn the_guide_has_the_projects_values_filled_in_to_be_copied() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "o'neil")]);
    stage.click("More…");
    stage.click("Guide for administrators…");
    stage.click("For the destination (imap.fabrikam.example)");
    assert!(stage.says("Set-CASMailbox -Identity 'anna@fabrikam.example'"));
    stage.click("For the source (imap.contoso.example)");
    stage.type_into("Client id", "11111111");
    stage.type_into("Object id of the enterprise application", "22222222");
    assert!(stage.says("New-ServicePrincipal -AppId '11111111' -ObjectId '22222222'"));
    assert!(
        stage.says(
            "Add-MailboxPermission -Identity 'o''neil@contoso.example' -User '22222222' -AccessRights FullAccess"
        )
    );
    stage.click("Google Workspace");
    assert!(stage.shows("11111111") && stage.says("https://www.googleapis.com/auth/gmail.imap_admin"));
    stage.click("Close");
    assert!(!stage.says("gmail.imap_admin"));
}

#[test]
fn g5_each_side_has_its_guide_with_its_own_values_and_mailboxes() {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    let mut project = project();
    project.source.set_sign_in(Some(SignIn::of(SignInKind::GoogleService))).expect("a server");
    let app = SignIn { tenant: "fabrikam".into(), client_id: "3333".into(), ..SignIn::of(SignInKind::MicrosoftApp) };
    project.destination.set_sign_in(Some(app)).expect("a server");
    stage.opened(WorkspaceInfo { projects: vec![project], ..WorkspaceInfo::default() });
    stage.click("More…");
    stage.click("Guide for administrators…");
    assert!(stage.says("gmail.imap_admin"), "the source's guide first");
    stage.type_into("Client id", "1047");
    let opened = "Add-MailboxPermission -Identity 'anna@fabrikam.example'";
    // The guide that fits the other side shows that side.
    stage.click("Microsoft 365");
    assert!(stage.says(opened) && !stage.says("anna@contoso.example' -User"));
    assert!(stage.says("--destination-signin microsoft-app --destination-tenant 'fabrikam'"));
    assert!(stage.says("New-ServicePrincipal -AppId '3333'"));
    stage.click("For the source (imap.contoso.example)");
    assert!(stage.says("gmail.imap_admin") && stage.shows("1047"), "what was typed there is there");
    stage.click("For the destination (imap.fabrikam.example)");
    assert!(stage.says(opened) && stage.says("-AppId '3333'"));
}

#[test]
fn the_guide_reads_the_number_of_the_service_account_from_its_key_and_persons_have_guides_too() {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    let mut project = project();
    project.source.set_sign_in(Some(SignIn::of(SignInKind::GoogleService))).expect("a server");
    let (projects, vault) = (vec![project], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { projects, unlocked: true, vault, ..WorkspaceInfo::default() });
    stage.click("More…");
    stage.click("Guide for administrators…");
    let (request, Request::ServiceNumber(PROJECT, Side::Source)) = stage.only() else { panic!("the number") };
    assert!(stage.says("{client_id}"));
    stage.answer(request, Response::ServiceNumber(PROJECT, Side::Source, Some("104729583".into())));
    assert!(stage.shows("104729583") && !stage.says("{client_id}"));
    // What somebody typed meanwhile stays.
    stage.answer(request, Response::ServiceNumber(PROJECT, Side::Source, Some("7".into())));
    assert!(stage.shows("104729583"));
    stage.click("Google by person");
    assert!(stage.says("https://mail.google.com/"));
    stage.click("Microsoft 365 by person");
    assert!(stage.says("http://localhost") && stage.shows("Tenant"));
}
