//! Colours, type and spacing: the only room that knows them. No texts, no decisions.

use std::sync::Arc;

use egui::style::ScrollStyle;
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke, Style,
    TextStyle, Theme, Ui, Vec2, Visuals,
};

use crate::domain::star::Star;

/// Height of a table's row.
pub const ROW: f32 = 28.0;
/// Distances; nothing lies between them.
pub const GAP: [f32; 5] = [4.0, 8.0, 12.0, 16.0, 24.0];
/// Height of a row in the lists of a page.
pub const LINE: f32 = 24.0;
/// Size of a painted icon.
pub const ICON: f32 = 15.0;
/// Width of the panel with the projects.
pub const SIDE: f32 = 200.0;
/// In a window with less room, also by zoom, what stands around the pages gives way.
pub const SMALL: f32 = 860.0;
/// Width of the panel with the projects there.
pub const SIDE_SMALL: f32 = 148.0;
/// A page with less room leaves out what it can do without.
pub const NARROW: f32 = 860.0;
/// A page with more room gives it to names and figures.
pub const WIDE: f32 = 1300.0;
/// Width of the lists of an item at most.
pub const LISTS: f32 = 900.0;
/// Width of dialogs.
pub const DIALOG: f32 = 560.0;
/// Width of dialogs with two columns.
pub const WIDE_DIALOG: f32 = 760.0;

const SEMIBOLD: &str = "semibold";

/// What a colour says. Never alone: a shape and a word say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing is happening.
    Quiet,
    /// Waits for its turn.
    Waiting,
    /// Waits for a person.
    Asking,
    /// Runs.
    Moving,
    /// Pauses, ends, or is done with errors.
    Warning,
    /// Failed.
    Bad,
    /// Done.
    Good,
    /// Done, but not everything was meant to be.
    Partial,
}

/// The colours of one theme.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// The page.
    pub page: Color32,
    /// Panels beside it.
    pub panel: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// Selected rows.
    pub selected: Color32,
    /// Text.
    pub text: Color32,
    /// Text of less weight.
    pub muted: Color32,
    /// Edges of controls.
    pub border: Color32,
    /// Hair lines and the track of bars.
    pub track: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    tones: [Color32; 8],
    stars: [Color32; 6],
}

const fn hex(rgb: u32) -> Color32 {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

const LIGHT: Palette = Palette {
    page: hex(0xFFFFFF),
    panel: hex(0xF5F6F8),
    hover: hex(0xEDF0F4),
    selected: hex(0xE1ECFD),
    text: hex(0x1A1E24),
    muted: hex(0x586270),
    border: hex(0x747D8B),
    track: hex(0xD3DAE4),
    accent: hex(0x1D5BC9),
    on_accent: hex(0xFFFFFF),
    tones: [
        hex(0x586270),
        hex(0x46548A),
        hex(0x7436A8),
        hex(0x1D5BC9),
        hex(0x875000),
        hex(0xB3221B),
        hex(0x17693A),
        hex(0x0A6673),
    ],
    stars: [hex(0xCF2A2A), hex(0xC25400), hex(0x937200), hex(0x2B7F3E), hex(0x2069D2), hex(0x8B3FB5)],
};

const DARK: Palette = Palette {
    page: hex(0x15181C),
    panel: hex(0x1C2025),
    hover: hex(0x252A31),
    selected: hex(0x1D3252),
    text: hex(0xE7EAEE),
    muted: hex(0x9DA7B4),
    border: hex(0x707B89),
    track: hex(0x39424D),
    accent: hex(0x82B0FF),
    on_accent: hex(0x0B1626),
    tones: [
        hex(0x9DA7B4),
        hex(0xAEBBE6),
        hex(0xCDA4F5),
        hex(0x82B0FF),
        hex(0xF2B33D),
        hex(0xFF8F86),
        hex(0x6CCB8B),
        hex(0x5CC6D6),
    ],
    stars: [hex(0xFF7B72), hex(0xFF9E4A), hex(0xF5D03B), hex(0x63C97C), hex(0x79AEFF), hex(0xCF9BFF)],
};

impl Palette {
    /// The colours in force here.
    pub fn of(ui: &Ui) -> &'static Self {
        if ui.visuals().dark_mode { &DARK } else { &LIGHT }
    }

    /// The colour of a tone.
    pub fn tone(&self, tone: Tone) -> Color32 {
        self.tones[tone as usize]
    }

    /// The colour of a star.
    pub fn star(&self, star: Star) -> Color32 {
        self.stars[star as usize]
    }
}

/// Sizes of type: 12 table and labels, 13 body, 15 and 20 headings, 12 mono.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Tables and labels.
    Small,
    /// The same, heavier.
    SmallStrong,
    /// Body.
    Body,
    /// Body, heavier.
    Strong,
    /// Headings of sections.
    Section,
    /// Headings of pages.
    Page,
    /// A server's own words.
    Mono,
}

/// The font of a size.
pub fn font(kind: Type) -> FontId {
    let semibold = || FontFamily::Name(SEMIBOLD.into());
    match kind {
        Type::Small => FontId::proportional(12.0),
        Type::SmallStrong => FontId::new(12.0, semibold()),
        Type::Body => FontId::proportional(13.0),
        Type::Strong => FontId::new(13.0, semibold()),
        Type::Section => FontId::new(15.0, semibold()),
        Type::Page => FontId::new(20.0, semibold()),
        Type::Mono => FontId::monospace(12.0),
    }
}

/// Dresses a context, for both themes.
pub fn apply(context: &Context) {
    context.set_fonts(fonts());
    context.style_mut_of(Theme::Light, |style| dress(style, Visuals::light(), &LIGHT));
    context.style_mut_of(Theme::Dark, |style| dress(style, Visuals::dark(), &DARK));
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8]| {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    };
    add("plex", include_bytes!("../../assets/fonts/IBMPlexSans-Regular.ttf"));
    add("plex-semibold", include_bytes!("../../assets/fonts/IBMPlexSans-SemiBold.ttf"));
    add("plex-mono", include_bytes!("../../assets/fonts/IBMPlexMono-Regular.ttf"));
    // What Plex lacks comes from egui's own fonts, which stay behind it.
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    let fallback = proportional.clone();
    proportional.insert(0, "plex".to_owned());
    fonts.families.entry(FontFamily::Monospace).or_default().insert(0, "plex-mono".to_owned());
    let semibold = ["plex-semibold".to_owned()].into_iter().chain(fallback).collect();
    fonts.families.insert(FontFamily::Name(SEMIBOLD.into()), semibold);
    fonts
}

fn dress(style: &mut Style, visuals: Visuals, palette: &Palette) {
    style.visuals = visuals;
    style.text_styles = [
        (TextStyle::Small, font(Type::Small)),
        (TextStyle::Body, font(Type::Body)),
        (TextStyle::Button, font(Type::Body)),
        (TextStyle::Heading, font(Type::Page)),
        (TextStyle::Monospace, font(Type::Mono)),
    ]
    .into();
    style.animation_time = 0.0; // nothing moves by itself: an idle window paints nothing
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 6.0);
    spacing.button_padding = Vec2::new(10.0, 4.0);
    spacing.interact_size.y = 26.0;
    spacing.scroll = ScrollStyle {
        bar_width: 8.0,
        floating_allocated_width: 12.0,
        dormant_handle_opacity: 0.3,
        ..ScrollStyle::floating()
    };
    spacing.window_margin = Margin::same(20);
    spacing.menu_margin = Margin::same(6);
    let v = &mut style.visuals;
    v.panel_fill = palette.page;
    v.window_fill = palette.page;
    v.window_stroke = Stroke::new(1.0, palette.track);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(6);
    let shadow = Shadow { offset: [0, 6], blur: 20, spread: 0, color: Color32::from_black_alpha(48) };
    (v.window_shadow, v.popup_shadow) = (shadow, shadow);
    v.extreme_bg_color = palette.page;
    v.text_edit_bg_color = Some(palette.page);
    v.faint_bg_color = palette.panel;
    v.code_bg_color = palette.panel;
    v.hyperlink_color = palette.accent;
    v.warn_fg_color = palette.tone(Tone::Warning);
    v.error_fg_color = palette.tone(Tone::Bad);
    v.weak_text_color = Some(palette.muted);
    v.selection.bg_fill = palette.selected;
    v.selection.stroke = Stroke::new(1.0, palette.accent);
    let widgets = &mut v.widgets;
    let states = [
        (&mut widgets.noninteractive, palette.page, palette.track, palette.text),
        (&mut widgets.inactive, palette.page, palette.border, palette.text),
        (&mut widgets.hovered, palette.hover, palette.border, palette.text),
        (&mut widgets.active, palette.hover, palette.accent, palette.text),
        (&mut widgets.open, palette.hover, palette.accent, palette.text),
    ];
    for (state, fill, border, text) in states {
        (state.bg_fill, state.weak_bg_fill) = (fill, fill);
        state.bg_stroke = Stroke::new(1.0, border);
        state.fg_stroke = Stroke::new(1.0, text);
        state.corner_radius = CornerRadius::same(4);
        state.expansion = 0.0;
    }
    // What has the keyboard is told from what is selected by a thicker edge.
    widgets.active.bg_stroke.width = 2.0;
}
