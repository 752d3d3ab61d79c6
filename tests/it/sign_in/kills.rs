//! Killed between the steps of a renewal: the next start goes on, or asks once; a refresh token that the provider still
//! honours is never lost. The steps, and what the disk holds when the program dies behind each:
//!
//! 1. takes its turn and reads what is kept; asks: the old one, which the provider still honours
//! 2. the provider replaces it: the old one, which is dead, and nobody knows the new one
//! 3. the answer has come: the same
//! 4. the new one is written in the place of the old, by renaming a whole file, and read back: the new one
//! 5. the token is shown to a server: the new one

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, Once};

use crate::sign_in::real::Site;
use crate::support::corpus;
use crate::support::ends::Ends;
use crate::support::oidc;
use crate::support::product::PROJECT;
use crate::support::relay::{Act, At, Relay, Rules, verb};
use crate::support::scripted::{HttpAnswer, Scripted};

/// Where the program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It asked, and the provider has not heard it yet.
    Asked,
    /// The provider has replaced the refresh token, and its answer never came.
    Replaced,
}

/// A provider that gets nothing through from a program that is to be killed, and tells when that has asked; at
/// [`Step::Replaced`] the first renewal takes place all the same.
struct StandingStill {
    proxy: Scripted,
    asked: Receiver<()>,
    killed: Arc<AtomicBool>,
}

impl StandingStill {
    fn new(site: &Site, at: Step) -> StandingStill {
        let (asks, asked) = sync_channel(8);
        let (killed, renewed) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false));
        let dead = Arc::clone(&killed);
        let proxy = site.provider.proxy("/contoso/oauth2/v2.0/token", move |_, form, pass_on| {
            if !form.contains("grant_type=refresh_token") || dead.load(SeqCst) {
                return pass_on();
            }
            if at == Step::Replaced && !renewed.swap(true, SeqCst) {
                assert_eq!(pass_on().status, 200);
            }
            asks.send(()).expect("the test listens");
            HttpAnswer::new(503, "").with("Retry-After", "3600")
        });
        StandingStill { proxy, asked, killed }
    }

    fn kill_start(&self, site: &Site) {
        kill_start(site, || self.asked.recv().expect("it asks"));
        self.killed.store(true, SeqCst);
    }
}

/// A mailbox of this corpus, its owner signed in, and the start that was killed there; from then on the provider answers.
fn killed(at: Step, seed: u64) -> (Site, StandingStill) {
    let mut site = Site::new(3600);
    site.workspace.environment.clear();
    let provider = StandingStill::new(&site, at);
    site.project_by_person(&provider.proxy.url());
    corpus::small(seed).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    provider.kill_start(&site);
    (site, provider)
}

fn kill_start(site: &Site, reached: impl FnOnce()) {
    let mut child = site.workspace.command(&["start", PROJECT]).spawn().expect("the program starts");
    reached();
    child.kill().expect("killed");
    child.ends();
}

#[test]
fn killed_before_the_provider_heard_it_the_next_start_goes_on() {
    if !oidc::available() {
        return;
    }
    let (site, _provider) = killed(Step::Asked, 12);
    site.workspace.start().expect(0);
    site.expect_equal();
}

#[test]
fn killed_after_the_provider_replaced_it_the_next_start_asks_once_to_sign_in_again() {
    if !oidc::available() {
        return;
    }
    let (mut site, _provider) = killed(Step::Replaced, 13);
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("Sign in to the") && said.contains("again"), "{said}");
    site.sign_in();
    site.workspace.start().expect(0);
    site.expect_equal();
}

#[test]
fn killed_when_the_answer_has_come_and_is_not_kept_yet_the_next_start_asks_once() {
    if !oidc::available() {
        return;
    }
    let mut site = Site::new(3600);
    site.workspace.environment.clear();
    let lock = site.workspace.path().join("vault.lock");
    let held: Arc<Mutex<Option<File>>> = Arc::default();
    let (holds, once) = (Arc::clone(&held), Once::new());
    // From the first renewal on nobody gets to write the vault.
    let proxy = site.provider.proxy("/contoso/oauth2/v2.0/token", move |_, form, pass_on| {
        if form.contains("grant_type=refresh_token") {
            once.call_once(|| *holds.lock().expect("not poisoned") = Some(locked(&lock)));
        }
        pass_on()
    });
    site.project_by_person(&proxy.url());
    corpus::small(19).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    let is_renewal = |number: u64| proxy.asked()[number as usize - 1].contains("grant_type=refresh_token");
    kill_start(&site, || while !is_renewal(proxy.wait_taken()) {});
    drop(held.lock().expect("not poisoned").take());
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("Sign in to the") && said.contains("again"), "{said}");
    site.sign_in();
    site.workspace.start().expect(0);
    site.expect_equal();
}

fn locked(path: &Path) -> File {
    let file = File::options().write(true).open(path).expect("the vault's lock");
    file.lock().expect("nobody writes");
    file
}

#[test]
fn killed_after_it_was_kept_the_next_start_goes_on() {
    if !oidc::available() {
        return;
    }
    let mut site = Site::new(3600);
    site.workspace.environment.clear();
    let relay = Relay::start(site.server.plain_port, Rules::default());
    let token = site.provider.url("token");
    site.project_by_person_at(relay.port, &token);
    corpus::small(14).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    // Either side logs in with what it has just got.
    let held = [1, 2].map(|number| relay.plan(At::Command(verb("AUTHENTICATE").nth(number)), Act::Hold));
    kill_start(&site, || held.iter().for_each(|hit| hit.wait()));
    relay.forget_plans();
    held.iter().for_each(|hit| hit.go_on());
    site.workspace.start().expect(0);
    site.expect_equal();
}
