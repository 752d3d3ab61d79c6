//! How a window is opened: over which workspace, with what the system lends it.

use std::sync::Arc;

use crate::domain::clock::Clock;
use crate::platform::picker::SystemPicker;
use crate::platform::program::DemoProcess;
use crate::service::OpenOptions;
use crate::service::client::{Client, Waker};
use crate::service::front;
use crate::service::launch::{Launch, Launching, NoWindow};
use crate::ui::app::{App, Services};
use crate::ui::named;

/// Opens the window and returns when it has closed.
///
/// # Errors
/// Why there is no window.
pub fn main(launch: Launch) -> Result<(), NoWindow> {
    if !has_display() {
        return Err(NoWindow::NoDisplay);
    }
    let Launching { title, options, autorun, interrupts, folder: _folder } = launch.prepare()?;
    if front::raise(&options) {
        return Ok(()); // the window that is open shows itself
    }
    let clock = Arc::clone(&options.clock);
    show(title, options, |waker| Services {
        auto_run: autorun,
        interrupts: interrupts.map(|presses| presses.pass_on(Arc::clone(&waker))),
        ..services(title, clock, waker)
    })
}

/// What the system lends to every window.
fn services(title: &'static str, clock: Arc<dyn Clock>, waker: Waker) -> Services {
    Services {
        title,
        clock,
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

fn show(title: &str, options: OpenOptions, services: impl FnOnce(Waker) -> Services) -> Result<(), NoWindow> {
    let icon = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")).unwrap_or_default();
    let viewport = egui::ViewportBuilder::default()
        .with_title(title)
        .with_app_id("mailferry")
        .with_icon(icon)
        .with_inner_size(FIRST_SIZE)
        .with_min_inner_size([960.0, 560.0]);
    let native = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let started = eframe::run_native(
        "mailferry",
        native,
        Box::new(move |creation| {
            let context = creation.egui_ctx.clone();
            let waker: Waker = Arc::new(move || context.request_repaint());
            let services = services(Arc::clone(&waker));
            named::tell(&creation.egui_ctx);
            let client = Client::open(options, waker)?;
            Ok(Box::new(App::new(&creation.egui_ctx, client, services)))
        }),
    );
    started.map_err(|error| NoWindow::Graphics(error.to_string()))
}

#[cfg(all(unix, not(target_os = "macos")))]
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn has_display() -> bool {
    true // the system has one, or says so itself
}
