//! The page of licenses: pools with their balances, and the history of one or of all.

use egui::{Align, Layout, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, PageContext};
use crate::service::items::PAGE;
use crate::service::licenses::{Account, Entry, Ledger};
use crate::ui::action::{ActionName, Subject, UserAction};
use crate::ui::model::licenses::{LicensePage, figures};
use crate::ui::model::words;
use crate::ui::theme::{Palette, ROW, Type};
use crate::ui::widgets::text::{cut, figure, muted, section, text};

/// The figures of a pool.
const FIGURES: [&str; 5] = ["Added", "Reserved", "Consumed", "Lost", "Free"];
/// The columns of the history, and how wide they are.
const HISTORY: [(&str, f32); 4] = [("Time", 84.0), ("Entry", 76.0), (LICENSES, 60.0), ("Pool", 140.0)];
const LICENSES: &str = "Licenses";

/// Paints it.
pub fn show(ui: &mut Ui, page: PageContext<'_>, licenses: &LicensePage) -> Actions {
    let (mut actions, subject) = (Actions::new(), Subject::Licenses(licenses));
    keys::act(ui, Holder::before(ui), &subject, &mut actions);
    ui.horizontal(|ui| {
        ui.label(text(Type::Page, "Licenses"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for name in [ActionName::ExportLicenses, ActionName::AddLicenses, ActionName::NewPool] {
                Control::of(name).show(ui, &subject, &mut actions);
            }
        });
    });
    muted(
        ui,
        "The first Pre-Stage or Full pass of an item reserves one; Completed consumes it, Stopped and Failed return it. \
         A project takes its licenses where its settings say",
    );
    ui.add_space(12.0);
    let Some(ledger) = &licenses.ledger else {
        muted(ui, "Reading the ledger…");
        return actions;
    };
    pools(ui, ledger, licenses, &mut actions);
    ui.add_space(16.0);
    history(ui, page, ledger, licenses);
    actions
}

fn pools(ui: &mut Ui, ledger: &Ledger, licenses: &LicensePage, actions: &mut Actions) {
    let muted = Palette::of(ui).muted;
    let mut table = TableBuilder::new(ui)
        .id_salt("pools")
        .vscroll(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::initial(160.0).at_least(120.0).clip(true))
        .column(Column::remainder().at_least(80.0).clip(true));
    for _ in FIGURES {
        table = table.column(Column::exact(68.0));
    }
    let head = table.header(ROW, |mut row| {
        for word in ["Pool", "Kind and client"] {
            row.col(|ui| drop(cut(ui, text(Type::Small, word).color(muted))));
        }
        FIGURES.into_iter().for_each(|word| drop(row.col(|ui| figure(ui, word, Some(muted)))));
    });
    head.body(|body| {
        body.rows(ROW + 4.0, ledger.accounts.len(), |mut row| {
            let account: &Account = &ledger.accounts[row.index()];
            let terms = &account.pool.terms;
            row.col(|ui| {
                let (id, here) = (account.pool.id, licenses.pool == Some(account.pool.id));
                if ui.selectable_label(here, text(Type::Strong, &terms.name)).clicked() {
                    actions.push(UserAction::ShowPool(Some(id).filter(|_| !here)));
                }
            });
            row.col(|ui| {
                let known = [&terms.kind, &terms.client].into_iter().filter(|text| !text.is_empty());
                cut(ui, text(Type::Small, known.cloned().collect::<Vec<_>>().join(" · ")));
            });
            figures(account).into_iter().for_each(|words| drop(row.col(|ui| figure(ui, words, None))));
        });
    });
}

fn history(ui: &mut Ui, page: PageContext<'_>, ledger: &Ledger, licenses: &LicensePage) {
    section(ui, "History");
    let words = match licenses.pool {
        _ if ledger.newest.is_empty() => "No entries yet".to_owned(),
        _ if ledger.newest.len() == PAGE as usize => format!("The newest {PAGE} entries; a table has all of them"),
        Some(_) => "Of this pool, the newest first; a click on its name shows all pools".to_owned(),
        None => "Of all pools, the newest first; a click on a pool's name shows its own".to_owned(),
    };
    muted(ui, words);
    ui.add_space(4.0);
    let grey = Palette::of(ui).muted;
    let mut table =
        TableBuilder::new(ui).id_salt("history").cell_layout(Layout::left_to_right(Align::Center)).striped(true);
    for (_, wide) in HISTORY {
        table = table.column(Column::exact(wide).clip(true));
    }
    let table = table.column(Column::remainder().at_least(160.0).clip(true));
    let head = table.header(ROW, |mut row| {
        for word in HISTORY.iter().map(|(word, _)| *word).chain(["Item"]) {
            row.col(|ui| match word {
                LICENSES => figure(ui, word, Some(grey)),
                word => drop(cut(ui, text(Type::Small, word).color(grey))),
            });
        }
    });
    head.body(|body| {
        body.rows(ROW, ledger.newest.len(), |mut row| {
            let entry = &ledger.newest[row.index()];
            let time = words::moment(entry.at, page.now, page.zone);
            let cell_of = |row: &mut TableRow<'_, '_>, words: String| {
                row.col(|ui| drop(cut(ui, text(Type::Small, words))));
            };
            [time, entry.kind.word().into()].into_iter().for_each(|cell| cell_of(&mut row, cell));
            row.col(|ui| figure(ui, words::count(entry.number), None));
            [pool(ledger, entry), what(entry)].into_iter().for_each(|cell| cell_of(&mut row, cell));
        });
    });
}

fn pool(ledger: &Ledger, entry: &Entry) -> String {
    let of = ledger.accounts.iter().find(|account| account.pool.id == entry.pool);
    of.map(|account| account.pool.terms.name.clone()).unwrap_or_default()
}

/// What an entry was written for.
fn what(entry: &Entry) -> String {
    let item = entry.of.as_ref().map(|of| format!("{} · {} → {}", of.project, of.source, of.destination));
    let note = Some(entry.note.clone()).filter(|note| !note.is_empty());
    item.into_iter().chain(note).collect::<Vec<_>>().join(" · ")
}
