//! The command palette: every action of the table that can be done where a person is, found by words, and the projects.
//!
//! A page tells what it offers while the palette stands over it (`offer`, from where its keys are taken), so both are made from the
//! same subject.

use std::sync::Arc;

use egui::{Context, Id, Key, Modifiers, ScrollArea, TextEdit, Ui};

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::domain::project::Project;
use crate::ui::action::{ACTIONS, ActionName, HybridAct, Scope, Screen, Subject, UserAction};
use crate::ui::model::forms::PaletteForm;
use crate::ui::model::grid::GridAction;
use crate::ui::model::hybrid::UsersAction;
use crate::ui::route::Route;
use crate::ui::theme::{Palette as Colours, Type};
use crate::ui::widgets::field::focus_once;
use crate::ui::widgets::text::{muted, text};

/// How high the list of actions is.
const LIST: f32 = 320.0;

/// What a page offers.
type Offers = Arc<Vec<(ActionName, UserAction)>>;

fn id() -> Id {
    Id::unique("what the page offers")
}

/// Pages are asked what they offer, or not any more.
pub fn ask(context: &Context, wanted: bool) {
    context.data_mut(|data| match wanted {
        true => drop(data.get_temp_mut_or_default::<Offers>(id())),
        false => data.remove::<Offers>(id()),
    });
}

/// Whether pages are asked.
pub(super) fn is_asked(context: &Context) -> bool {
    context.data(|data| data.get_temp::<Offers>(id())).is_some()
}

/// A page tells what can be done on it.
pub(super) fn offer(context: &Context, subject: &Subject<'_>) {
    let here = ACTIONS.iter().filter(|entry| entry.scope.holds(subject.screen()) && entry.name != ActionName::Palette);
    // What belongs to the page comes first; a step through its rows is nothing to look for.
    let (window, own): (Vec<_>, Vec<_>) = here.partition(|entry| entry.scope == Scope::Window);
    let can = own.into_iter().chain(window).filter_map(|entry| Some((entry.name, (entry.rule)(subject).ok()?)));
    let is_step = |action: &UserAction| {
        let of_users = matches!(action, UserAction::Hybrid(HybridAct::Users(UsersAction::Move(..))));
        of_users || matches!(action, UserAction::Grid(GridAction::Move(..)))
    };
    let offers: Offers = Arc::new(can.filter(|(_, action)| !is_step(action)).collect());
    context.data_mut(|data| data.insert_temp(id(), offers));
}

/// A line of the palette.
struct Line {
    words: String,
    keys: String,
    action: UserAction,
}

/// The lines that have all these words, in the order of the table; then the projects that are not archived.
fn lines(offers: &Offers, projects: &[Project], sought: &str) -> Vec<Line> {
    let actions = offers.iter().map(|(name, action)| {
        let entry = name.entry();
        Line { words: entry.text.to_owned(), keys: entry.key_names(), action: action.clone() }
    });
    let pages = [("Settings", Route::Settings)].into_iter().map(|(name, route)| (name.to_owned(), route));
    let pages = pages.chain(
        projects
            .iter()
            .filter(|project| !project.starts.archived)
            .map(|project| (project.name.clone(), Route::Project(project.id))),
    );
    let pages = pages.map(|(name, route)| Line {
        words: format!("Go to {name}"),
        keys: String::new(),
        action: UserAction::Go(route),
    });
    let words: Vec<String> = sought.split_whitespace().map(str::to_lowercase).collect();
    let fits = |line: &Line| {
        let line = line.words.to_lowercase();
        words.iter().all(|word| line.contains(word))
    };
    actions.chain(pages).filter(fits).collect()
}

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut PaletteForm, projects: &[Project]) -> Actions {
    let mut actions = Actions::new();
    let (holder, subject) = (Holder::before(ui), Subject::Nothing(Screen::Palette));
    let offers = ui.data(|data| data.get_temp::<Offers>(id())).unwrap_or_default();
    let label = ui.label(text(Type::Page, "What do you want to do?"));
    let edit = TextEdit::singleline(&mut form.search).hint_text("a word of it").desired_width(f32::INFINITY);
    // It is typed into while the arrows walk through the list.
    let field = ui.add(edit.return_key(None)).labelled_by(label.id);
    focus_once(&mut form.entered, &field);
    if field.changed() {
        form.at = 0;
    }
    let lines = lines(&offers, projects, &form.search);
    let step = |ui: &Ui, key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    form.at = match (step(ui, Key::ArrowDown), step(ui, Key::ArrowUp)) {
        (true, _) => form.at + 1,
        (_, true) => form.at.saturating_sub(1),
        _ => form.at,
    };
    form.at = form.at.min(lines.len().saturating_sub(1));
    let mut chosen = step(ui, Key::Enter).then_some(form.at);
    ui.add_space(4.0);
    // Of one size, whatever is found.
    let list = ScrollArea::vertical().max_height(LIST).min_scrolled_height(LIST).auto_shrink([false, false]);
    list.show(ui, |ui| {
        for (at, line) in lines.iter().enumerate() {
            chosen = chosen.or(row(ui, line, at == form.at).then_some(at));
        }
        if lines.is_empty() {
            muted(ui, "Nothing that can be done here has these words");
        }
    });
    ui.add_space(8.0);
    Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    if let Some(line) = chosen.and_then(|at| lines.get(at)) {
        actions.extend([UserAction::CloseDialog, line.action.clone()]);
    }
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// One line; tells whether it was clicked.
fn row(ui: &mut Ui, line: &Line, on: bool) -> bool {
    let colours = Colours::of(ui);
    let words = text(Type::Body, &line.words).color(if on { colours.accent } else { colours.text });
    let button = egui::Button::selectable(on, words).min_size(egui::vec2(ui.available_width() - 12.0, 0.0));
    let button = button.right_text(text(Type::Small, &line.keys).color(colours.muted));
    let response = ui.add(button);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &line.words));
    if on {
        response.scroll_to_me(None);
    }
    response.clicked()
}

/// Whether a page tells what it offers: what stands over it does not.
pub(super) fn is_page(subject: &Subject<'_>) -> bool {
    Scope::Window.holds(subject.screen())
}
