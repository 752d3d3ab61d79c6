//! What passes would do, looked at before they run: the page, and the questions it asks.

use std::collections::HashSet;

use super::connection::Purpose;
use super::window::App;
use crate::domain::ids::ItemId;
use crate::domain::preview::Preview;
use crate::service::ServiceError;
use crate::service::client::{Request, RequestId};
use crate::service::preview::Unsaved;
use crate::ui::action::{Targets, UserAction};
use crate::ui::model::forms::OptionsForm;
use crate::ui::model::item;
use crate::ui::model::preview::{CHOICES, Looking, PreviewPage};
use crate::ui::route::Route;

impl App {
    /// Shows what a pass over the first of these items would do, with a choice of the others; with options that are not saved,
    /// if there are some.
    pub(super) fn preview(&mut self, targets: &Targets, unsaved: Option<(Unsaved, Box<OptionsForm>)>) {
        let Some((project, items)) = self.items(targets) else { return };
        if self.workspace.is_locked(project) {
            let again = match unsaved {
                Some(_) => UserAction::PreviewOptions,
                None => UserAction::Preview(Targets::These(items)),
            };
            return self.unlock_first(again);
        }
        let first: HashSet<ItemId> = items.iter().take(CHOICES).copied().collect();
        let rows = self.connection.snapshot.rows().filter(|row| first.contains(&row.item));
        let names = rows.map(|row| (row.item, format!("{} → {}", row.source, row.destination)));
        let Some(page) = PreviewPage::new(project, items, names) else { return };
        let page = PreviewPage { unsaved, ..page };
        let first = page.item;
        self.dialogs.close_for_page();
        self.pages.preview = Some(page);
        self.go(Route::Preview(project));
        self.look(first);
    }

    /// Looks at both mailboxes of an item.
    pub(super) fn look(&mut self, item: ItemId) {
        let now = self.services.clock.now();
        let Some(page) = &mut self.pages.preview else { return };
        let cancel = page.begin(item, now);
        let unsaved = page.unsaved.as_ref().map(|(unsaved, _)| unsaved.clone()).unwrap_or_default();
        let asked = self.ask(Request::PreviewItem(item, unsaved, cancel), Purpose::PreviewItem);
        if let Some(page) = &mut self.pages.preview {
            page.is_asked(asked);
        }
    }

    pub(super) fn stop_looking(&mut self) {
        if let Some(page) = &mut self.pages.preview {
            page.looking = Looking::GivenUp;
        }
    }

    /// This is what a pass would do.
    pub(super) fn seen(&mut self, request: RequestId, preview: Preview) {
        let now = self.services.clock.now();
        if let Some(page) = self.pages.preview.as_mut().filter(|page| page.waits_for(Some(request))) {
            page.looking = Looking::Seen(preview, now);
        }
    }

    /// One of the mailboxes could not be looked at.
    pub(super) fn look_failed(&mut self, request: Option<RequestId>, why: &ServiceError) {
        let Some(page) = self.pages.preview.as_mut().filter(|page| page.waits_for(request)) else { return };
        let row = self.connection.snapshot.rows().find(|row| row.item == page.item);
        let words = match (why, row, self.workspace.project(page.project)) {
            (ServiceError::NotLooked(side, failure), Some(row), Some(project)) => {
                let text = item::failure(project, row, Some(*side), failure);
                format!("{}. {} {}", text.headline, text.what, text.todo)
            }
            _ => why.to_string(),
        };
        page.looking = Looking::Failed(words);
    }

    /// The question was not even taken.
    pub(super) fn not_looked(&mut self, why: String) {
        if let Some(page) = &mut self.pages.preview {
            page.looking = Looking::Failed(why);
        }
    }
}
