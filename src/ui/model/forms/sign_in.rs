//! The dialog in which the person whose mailbox it is signs in.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::service::client::{RequestId, Waker};
use crate::service::sign_in::{Shown, Signing, Way};

/// What the person is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownPage {
    /// The page that the browser opens.
    Browser(String),
    /// A code, to be typed at a page within so many minutes.
    Code {
        /// The code.
        code: String,
        /// The page.
        page: String,
        /// For how long it holds.
        minutes: u64,
    },
}

/// A person is waited for. Dropped, the waiting is given up.
#[derive(Debug)]
pub struct SigningNow {
    /// How.
    pub way: Way,
    /// The question under way.
    pub asked: Option<RequestId>,
    shown: Arc<Mutex<Option<ShownPage>>>,
    opened: bool,
    cancel: CancellationToken,
    _gives_up: DropGuard,
}

/// The dialog.
#[derive(Debug)]
pub struct SignInForm {
    /// For which item.
    pub item: ItemId,
    /// At which side.
    pub side: Side,
    /// Who is to sign in.
    pub whose: String,
    /// How its project is signed in to, for people.
    pub how: &'static str,
    /// Whether the provider has codes for other devices.
    pub by_device: bool,
    /// Who is waited for.
    pub now: Option<SigningNow>,
    /// Why nobody has signed in.
    pub refused: Option<String>,
}

impl SigningNow {
    fn new(way: Way) -> Self {
        let cancel = CancellationToken::new();
        let _gives_up = cancel.clone().drop_guard();
        Self { way, asked: None, shown: Arc::default(), opened: false, cancel, _gives_up }
    }

    /// What the person is shown, once it is known.
    pub fn shown(&self) -> Option<ShownPage> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SignInForm {
    /// Begins; `waker` is called when there is something to show.
    pub fn begin(&mut self, way: Way, waker: &Waker) -> Signing {
        let now = SigningNow::new(way);
        let (shown, waker, cancel) = (Arc::clone(&now.shown), Arc::clone(waker), now.cancel.clone());
        (self.now, self.refused) = (Some(now), None);
        let tell = Arc::new(move |page: Shown<'_>| {
            let page = match page {
                Shown::Page(page) => ShownPage::Browser(page.to_owned()),
                Shown::Code(code) => ShownPage::Code {
                    code: code.user_code.clone(),
                    page: code.page.clone(),
                    minutes: code.lives.as_secs() / 60,
                },
            };
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(page);
            waker();
        });
        Signing { tell, cancel }
    }

    /// Whether somebody is waited for.
    pub fn is_under_way(&self) -> bool {
        self.now.is_some()
    }

    /// The page that the browser is to open now: each once.
    pub fn page_to_open(&mut self) -> Option<String> {
        let now = self.now.as_mut().filter(|now| !now.opened)?;
        let Some(ShownPage::Browser(page)) = now.shown() else { return None };
        now.opened = true;
        Some(page)
    }

    /// Nobody signed in, and why; none: it is not about the question under way.
    pub fn ended(&mut self, request: Option<RequestId>, why: String) {
        if self.now.as_ref().is_some_and(|now| now.asked == request) {
            (self.now, self.refused) = (None, Some(why));
        }
    }
}
