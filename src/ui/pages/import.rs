//! The dialog that imports items from a file or a pasted list.

use egui::{Align, ComboBox, Layout, ScrollArea, TextEdit, Ui};

use super::Actions;
use super::controls::Control;
use super::edit_item::which_mailbox;
use super::keys::{self, Holder};
use crate::domain::csv_import::ListEncoding;
use crate::domain::wording;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{ImportForm, Importing};
use crate::ui::model::mask::masked;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::bars;
use crate::ui::widgets::field::{drop_down, focus_once};
use crate::ui::widgets::text::{forget_typing, muted, text};

/// A longer pasted list is not laid out as a text: that would take the window's time with every letter.
const SHOWN: usize = 64 * 1024;

/// Paints it; `leaving` tells whether the window closes when the import has ended.
pub fn show(ui: &mut Ui, form: &mut ImportForm, leaving: bool) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, "Import items"));
    muted(
        ui,
        "Columns: Source Email, Source Login Name, Source Password, Destination Email, Destination Login Name, \
         Destination Password. Only the two e-mails are needed",
    );
    ui.add_space(8.0);
    let running = form.running.clone();
    ui.add_enabled_ui(running.is_none(), |ui| input(ui, form, &mut actions));
    ui.add_space(4.0);
    let good = preview(ui, form);
    if let Some(refused) = &form.refused {
        let color = Palette::of(ui).tone(Tone::Bad);
        ui.label(egui::RichText::new(refused).color(color));
    }
    which_mailbox(ui, &form.asks, &mut form.records);
    if let Some(running) = &running {
        progress(ui, running, leaving);
    }
    ui.add_space(8.0);
    let subject = Subject::Import(form);
    ui.horizontal(|ui| {
        let words = if good == 0 { "Import".to_owned() } else { format!("Import {}", words::counted(good, "item")) };
        Control::of(ActionName::Import).label(words).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn input(ui: &mut Ui, form: &mut ImportForm, actions: &mut Actions) {
    let label = ui.label(text(Type::Small, "CSV file"));
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // The field takes what the button leaves.
            Control::of(ActionName::Browse).show(ui, &Subject::Import(form), actions);
            let edit = TextEdit::singleline(&mut form.path).hint_text("/path/to/items.csv");
            let field = ui.add(edit.desired_width(f32::INFINITY)).labelled_by(label.id);
            focus_once(&mut form.entered, &field);
        });
    });
    let label = ui.label(text(Type::Small, "Or paste the list, also just two columns of addresses"));
    if form.pasted.len() > SHOWN {
        ui.horizontal(|ui| {
            ui.label(format!("A list of {} is pasted", wording::size(form.pasted.len() as u64)));
            if ui.button("Remove it").clicked() {
                form.pasted = zeroize::Zeroizing::default();
            }
        });
        return;
    }
    ScrollArea::vertical().max_height(120.0).id_salt("pasted").show(ui, |ui| {
        // No password is on the screen: where one may be, dots are laid out in its place.
        let mut dotted = |ui: &Ui, list: &dyn egui::TextBuffer, width: f32| {
            let (font, color) = (egui::TextStyle::Monospace.resolve(ui.style()), ui.visuals().text_color());
            ui.fonts_mut(|fonts| fonts.layout(masked(list.as_str()), font, color, width))
        };
        let edit = TextEdit::multiline(&mut *form.pasted).desired_rows(5).desired_width(f32::INFINITY);
        let edit = edit.font(egui::TextStyle::Monospace).layouter(&mut dotted);
        let field = ui.add(edit).labelled_by(label.id);
        forget_typing(ui, &field);
    });
}

/// How far the import is; the last step is the database's, which is quick.
fn progress(ui: &mut Ui, running: &Importing, leaving: bool) {
    let palette = Palette::of(ui);
    ui.add_space(4.0);
    let words = match running.progress {
        _ if leaving => "Taking back what was stored, then the window closes".to_owned(),
        _ if running.cancel.is_cancelled() => "Taking back what was stored".to_owned(),
        Some((work, done, of)) => {
            format!("{}: {} of {}", work.words(), words::count(done as u64), words::count(of as u64))
        }
        None => "Importing…".to_owned(),
    };
    muted(ui, words);
    if let Some((_, done, of)) = running.progress {
        let parts = [(done as u64, palette.accent), (of.saturating_sub(done) as u64, palette.track)];
        bars::segments(ui, ui.available_width(), 8.0, &parts, palette.track);
    }
}

/// In which encoding a file was read; another choice is looked at anew.
fn encoding(ui: &mut Ui, form: &mut ImportForm, read_as: &'static str) {
    ui.horizontal(|ui| {
        let label = ui.label("Read as");
        let chosen = form.encoding.map_or(read_as, ListEncoding::name);
        let combo = ComboBox::from_id_salt("encoding").selected_text(chosen).width(150.0);
        let names = ListEncoding::OFFERED.iter().map(|name| (*name == chosen, *name));
        if let Some(name) = drop_down(ui, combo, label.id, names).and_then(|at| ListEncoding::OFFERED.get(at)) {
            form.encoding = ListEncoding::named(name);
        }
        muted(ui, "Do the addresses look right?");
    });
}

/// What would come in; answers the number of good rows.
fn preview(ui: &mut Ui, form: &mut ImportForm) -> usize {
    let Some(preview) = form.preview.clone() else {
        muted(ui, if form.from().is_some() { "Reading…" } else { "Nothing chosen yet" });
        return 0;
    };
    if let Some(form) = form.pasted.trim().is_empty().then_some(form) {
        encoding(ui, form, preview.encoding);
    }
    for sample in &preview.samples {
        ui.label(text(Type::Small, sample));
    }
    let passwords = if preview.passwords { ", with passwords" } else { "" };
    ui.label(format!("{} can be imported{passwords}", words::counted(preview.good, "row")));
    let warning = Palette::of(ui).tone(Tone::Warning);
    if preview.bad > 0 {
        let words = format!("{} cannot, and will be left out:", words::counted(preview.bad, "row"));
        ui.label(egui::RichText::new(words).color(warning));
    }
    ScrollArea::vertical().max_height(110.0).id_salt("problems").show(ui, |ui| {
        for line in preview.problems.iter().chain(&preview.notes) {
            ui.label(text(Type::Small, line));
        }
    });
    preview.good
}
