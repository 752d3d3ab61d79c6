//! The errors of an item's latest pass, by reason: what happened and what to do is said once, then which messages, and what a
//! person may do with them.

use egui::{Align, Layout, Ui};

use super::controls::Control;
use super::{Actions, ItemContext};
use crate::domain::ids::ItemId;
use crate::domain::overrides::OptionKey;
use crate::domain::wording;
use crate::service::items::Details;
use crate::ui::action::{ActionName, UserAction};
use crate::ui::model::errors::{self, ErrorGroup, ErrorLine};
use crate::ui::model::forms::ChosenErrors;
use crate::ui::model::item::ItemAction;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::{copy, cut, muted, text};

/// Errors of one reason that are shown unasked.
const FOLDED: usize = 5;
const ACCEPT: &str = "Accept…";
const TAKE_BACK: &str = "Do not accept";

/// Paints them.
pub fn show(ui: &mut Ui, lists: ItemContext<'_>, details: &Details, actions: &mut Actions) {
    let page = lists.page;
    if page.lists.groups.is_empty() {
        muted(ui, if details.errors.is_empty() { "None in the latest pass" } else { "Reading…" });
        return;
    }
    Control::of(ActionName::RetryErrors).show(ui, &lists.subject(), actions);
    for (at, group) in page.lists.groups.iter().enumerate() {
        let again = retry(&lists, group);
        head(ui, group, again, actions);
        ui.indent(("errors", at), |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            muted(ui, format!("{} {}", group.words.what, group.words.todo));
            if let Some(server) = &group.server {
                ui.label(text(Type::Mono, server).color(Palette::of(ui).muted));
            }
            let whole = page.lists.unfolded.contains(&at) || group.errors.len() <= FOLDED;
            let shown = if whole { group.errors.len() } else { FOLDED };
            group.errors.iter().take(shown).for_each(|error| line(ui, group, error, actions));
            if let Some(folder) = &group.folder
                && ui.button(text(Type::Small, "Map folder…")).clicked()
            {
                actions.push(UserAction::AskMap(folder.clone()));
            }
            group.option.iter().for_each(|key| option(ui, (lists.row.item, *key), actions));
            if !whole {
                let words = format!("Show all {}", words::count(group.errors.len() as u64));
                if ui.button(text(Type::Small, words)).clicked() {
                    actions.push(UserAction::Item(ItemAction::Unfold(at)));
                }
            }
        });
        ui.add_space(4.0);
    }
    if page.more.1 {
        Control::of(ActionName::MoreErrors).show(ui, &lists.subject(), actions);
    }
}

/// Opens the option that would do otherwise.
pub(super) fn option(ui: &mut Ui, (item, key): (ItemId, OptionKey), actions: &mut Actions) {
    if ui.button(text(Type::Small, ActionName::CorrectOption.entry().text)).clicked() {
        actions.push(UserAction::AskOption(item, key));
    }
}

/// What tries the errors of this reason again and leaves the others, and how many messages those are: where there are others, and
/// it may be started.
fn retry(lists: &ItemContext<'_>, group: &ErrorGroup) -> Option<(u64, UserAction)> {
    let groups = &lists.page.lists.groups;
    let cause = group.cause.filter(|_| groups.iter().any(|other| other.cause != group.cause))?;
    let same = groups.iter().filter(|other| other.cause == Some(cause));
    let open: u64 = same.map(|other| other.messages - other.accepted).sum();
    (ActionName::RetryErrors.entry().rule)(&lists.subject()).ok()?;
    (open > 0).then_some((open, UserAction::RetryErrors(lists.row.item, Some(cause))))
}

/// How many of which reason, and what can be done with all of them.
fn head(ui: &mut Ui, group: &ErrorGroup, again: Option<(u64, UserAction)>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let open = group.accepted < group.messages;
    let tone = palette.tone(if open { Tone::Warning } else { Tone::Quiet });
    ui.horizontal(|ui| {
        icon::show(ui, icon::Icon::Warning, tone);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let messages = group.errors.iter().map(|line| line.which.as_str());
            copy(ui, "Copy text", || errors::as_text(&group.words, group.server.as_deref(), messages));
            let (accept, take_back) = if group.errors.len() > 1 {
                // A name of its own beside those of the single messages.
                let left = words::count(group.messages - group.accepted);
                (format!("Accept all {left}…"), "Do not accept any")
            } else {
                (ACCEPT.to_owned(), TAKE_BACK)
            };
            verdicts(ui, (group.chosen(false), group.chosen(true)), (&accept, take_back), actions);
            if let Some((messages, again)) = again
                && ui.button(text(Type::Small, format!("Retry {}", words::count(messages)))).clicked()
            {
                actions.push(again);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let mut words = format!("{} × {}", words::count(group.messages), group.words.headline);
                if group.bytes > 0 && group.errors.len() > 1 {
                    words += &format!(", {}", wording::size(group.bytes));
                }
                if group.accepted > 0 {
                    words += &format!(", {} accepted", words::count(group.accepted));
                }
                cut(ui, text(Type::Strong, words).color(tone));
            });
        });
    });
}

/// Accepts what is open, or takes back what is accepted.
fn verdicts(
    ui: &mut Ui,
    (open, accepted): (Option<ChosenErrors>, Option<ChosenErrors>),
    (accept, take_back): (&str, &str),
    actions: &mut Actions,
) {
    let (words, action) = match (open, accepted) {
        (Some(open), _) => (accept, UserAction::AskAccept(open)),
        (None, Some(accepted)) => (take_back, UserAction::TakeBack(accepted)),
        (None, None) => return,
    };
    if ui.button(text(Type::Small, words)).clicked() {
        actions.push(action);
    }
}

/// One message, and what can be done with it.
fn line(ui: &mut Ui, group: &ErrorGroup, line: &ErrorLine, actions: &mut Actions) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if group.errors.len() > 1 {
                let chosen = line.chosen(&group.words);
                let accepted = line.error.error.accepted.is_some();
                let chosen = if accepted { (None, chosen) } else { (chosen, None) };
                verdicts(ui, chosen, (ACCEPT, TAKE_BACK), actions);
            }
            if line.error.error.source.is_some() && ui.button(text(Type::Small, "Save .eml…")).clicked() {
                actions.push(UserAction::AskSave(Box::new(line.error.clone())));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| cut(ui, text(Type::Small, &line.which)));
        });
    });
    if let Some(server) = &line.server {
        ui.label(text(Type::Mono, server).color(Palette::of(ui).muted));
    }
}
