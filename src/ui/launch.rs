//! How a window is opened: over which workspace, with what the system lends it.

use std::sync::Arc;

use crate::engine::desk::{Desk, Launch, Opening, Prepared, Waker};
use crate::engine::endpoints::RealEndpoints;
use crate::platform::clock::SystemClock;
use crate::platform::picker::SystemPicker;
use crate::platform::program::DemoProcess;
use crate::platform::{folder, logging};
use crate::ui::app::{App, Services};

/// Opens the window and returns when it has closed.
///
/// # Errors
/// For people: why there is no window.
pub fn main(launch: Launch) -> Result<(), String> {
    if !has_display() {
        return Err("there is no display for a window here".into());
    }
    match launch {
        Launch::Workspace { data, vault, passphrase } => {
            let folder = folder::data_dir(data).map_err(|error| error.to_string())?;
            let _log = logging::init(&folder, tracing::Level::INFO).map_err(|error| error.to_string())?;
            let endpoints = Arc::new(RealEndpoints);
            let opening = Opening { folder, vault, passphrase, clock: Arc::new(SystemClock), endpoints };
            show("Mailferry", opening, services)
        }
        Launch::Prepared(Prepared { title, folder, endpoints, errand, interrupts }) => {
            let opening = Opening { folder, vault: None, passphrase: None, clock: Arc::new(SystemClock), endpoints };
            show(title, opening, |waker| Services {
                auto_run: Some(errand),
                interrupts: Some(interrupts.pass_on(Arc::clone(&waker))),
                ..services(waker)
            })
        }
    }
}

/// What the system lends to every window.
fn services(waker: Waker) -> Services {
    Services {
        clock: Arc::new(SystemClock),
        zone: jiff::tz::TimeZone::system(),
        picker: Box::new(SystemPicker),
        demo: Box::new(DemoProcess),
        waker,
        auto_run: None,
        interrupts: None,
    }
}

/// The size of the first window, in points: with its frame it fits a screen of 1280 × 800.
const FIRST_SIZE: [f32; 2] = [1240.0, 740.0];

fn show(title: &str, opening: Opening, services: impl FnOnce(Waker) -> Services) -> Result<(), String> {
    let icon = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")).unwrap_or_default();
    let viewport = egui::ViewportBuilder::default()
        .with_title(title)
        .with_app_id("mailferry")
        .with_icon(icon)
        .with_inner_size(FIRST_SIZE)
        .with_min_inner_size([960.0, 560.0]);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let started = eframe::run_native(
        "mailferry",
        options,
        Box::new(move |creation| {
            let context = creation.egui_ctx.clone();
            let waker: Waker = Arc::new(move || context.request_repaint());
            let services = services(Arc::clone(&waker));
            let desk = Desk::open(opening, waker)?;
            Ok(Box::new(App::new(&creation.egui_ctx, desk, services)))
        }),
    );
    started.map_err(|error| format!("the window could not be opened: {error}"))
}

#[cfg(all(unix, not(target_os = "macos")))]
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn has_display() -> bool {
    true // the system has one, or says so itself
}
