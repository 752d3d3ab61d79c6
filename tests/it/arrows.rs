//! The guard of the house: which room may use which (`src/lib.rs` has the picture). A single crate has no compiler for
//! it, so the paths that begin with `crate::` are read from the sources.

use std::fs;
use std::path::Path;

/// Who may use whom, as a room or as one module of it. A room may always use itself.
const ROOMS: [(&str, &[&str]); 17] = [
    ("https", &[]),
    ("domain", &[]),
    ("store", &["domain"]),
    ("vault", &["domain"]),
    ("endpoint", &["domain"]),
    ("find", &["domain", "https"]),
    ("signin", &["domain", "https"]),
    ("intake", &["domain", "https"]),
    ("hybrid", &["domain", "https"]),
    ("pass", &["domain", "endpoint"]),
    ("engine", &["domain", "store", "vault", "endpoint", "signin", "hybrid", "pass", "platform"]),
    ("service", &["domain", "store", "vault", "endpoint", "find", "signin", "intake", "hybrid", "engine", "platform"]),
    ("platform", &["domain"]),
    ("cli", &["domain", "engine::command", "engine::snapshot", "service", "platform"]),
    ("ui", &["domain", "engine::command", "engine::snapshot", "service", "platform"]),
    ("demo", &["domain", "engine::command", "engine::snapshot", "service", "platform"]),
    ("bin", &["cli", "ui", "demo", "platform"]),
];

/// Modules that are only for some of those who may use their room, and why.
const RESERVED: [(&str, &[&str], &str); 2] = [
    ("service::seam", &["demo"], "what endpoints are made of: the demo brings a slow one"),
    ("service::client", &["ui"], "for a caller that must never wait"),
];

/// What the domain must not know: it decides from values alone.
const IMPURE: [&str; 10] = [
    "tokio",
    "rusqlite",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "getrandom",
    "std::time::SystemTime",
    "std::time::Instant",
];

/// File and path it may use all the same, and why.
const EXCEPTIONS: [(&str, &str, &str); 5] = [
    ("src/domain/mapping.rs", "std::time::Instant::now", "only its tests take the time"),
    ("src/domain/message.rs", "std::fs::File", "a large message is held as an open file; the domain never opens one"),
    ("src/domain/server/imap.rs", "std::net::Ipv6Addr", "a value that is parsed; no network"),
    ("src/domain/identity.rs", "std::time::Instant::now", "only its tests take the time"),
    ("src/domain/csv_import/tests.rs", "std::time::Instant::now", "only its tests take the time"),
];

#[test]
fn no_forbidden_arrow() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut files = 0;
    visit(&root.join("src"), &mut |file| {
        let name = file.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
        files += 1;
        wrong.extend(forbidden(&name, &fs::read_to_string(file).expect("readable")));
    });
    assert!(files > 8, "only {files} files found");
    assert!(wrong.is_empty(), "forbidden arrows:\n  {}", wrong.join("\n  "));
}

#[test]
fn the_guard_sees() {
    let seen = |file: &str, text: &str| !forbidden(file, text).is_empty();
    assert!(seen("src/domain/item.rs", "use crate::store::Store;"));
    assert!(seen("src/domain/item.rs", "fn f() { crate::engine::go() }"));
    assert!(seen("src/store/mod.rs", "use crate::{domain::ids::ItemId, vault::Vault};"));
    assert!(seen("src/store/mod.rs", "use crate::{\n    domain::{ids::ItemId, item},\n    endpoint,\n};"));
    assert!(seen("src/store/mod.rs", "use mailferry::vault::Vault;"));
    assert!(seen("src/endpoint/imap/mod.rs", "use crate::platform::clock;"));
    assert!(seen("src/endpoint/mod.rs", "use super::vault::Vault;"));
    assert!(seen("src/find/mod.rs", "use crate::endpoint::registry;"));
    assert!(seen("src/intake/token.rs", "use crate::vault::Vault;"));
    assert!(seen("src/signin/tokens.rs", "use crate::endpoint::auth::Bearer;"));
    assert!(seen("src/engine/mod.rs", "use crate::cli::main;"));
    assert!(seen("src/ui/app/mod.rs", "use crate::store::Store;"));
    assert!(seen("src/ui/pages/grid.rs", "use crate::vault::VaultKind;"));
    assert!(seen("src/service/client/mod.rs", "use crate::ui::theme;"));
    assert!(seen("src/engine/handle.rs", "use crate::service::OpenWorkspace;"));
    assert!(seen("src/ui/mod.rs", "use crate::engine::endpoints::RealEndpoints;"));
    assert!(seen("src/ui/mod.rs", "use crate::engine::Engine;"));
    assert!(seen("src/ui/mod.rs", "use crate::service::seam::RealEndpoints;"));
    assert!(seen("src/cli/start.rs", "use crate::{domain::ids, store::Store};"));
    assert!(seen("src/cli/demo.rs", "use crate::demo::prepare;"));
    assert!(seen("src/cli/stop.rs", "use crate::service::client::Client;"));
    assert!(seen("src/demo/pace.rs", "use crate::endpoint::SourceEndpoint;"));
    assert!(seen("src/bin/mailferry.rs", "use mailferry::store::Store;"));
    assert!(seen("src/domain/item.rs", "use std::fs::File;"));
    assert!(seen("src/domain/item.rs", "use std::{fmt, fs};"));
    assert!(seen("src/domain/item.rs", "let now = std::time::Instant::now();"));
    assert!(seen("src/domain/item.rs", "use std::time::{Duration, SystemTime};"));
    assert!(seen("src/domain/message.rs", "use std::fs::read;"));
    assert!(seen("src/attic/mod.rs", ""), "an unknown room");

    assert!(!seen("src/domain/item.rs", "use crate::domain::ids::ItemId;"));
    assert!(!seen("src/domain/item.rs", "use std::time::Duration;"));
    assert!(!seen("src/domain/item.rs", "// see crate::store::Store and [`crate::store`]"));
    assert!(!seen("src/domain/message.rs", "use std::fs::File;"));
    assert!(!seen("src/engine/mod.rs", "use crate::{domain::ids, store::Store, platform::clock};"));
    assert!(!seen("src/lib.rs", "pub mod domain;"));
    assert!(!seen("src/cli/start.rs", "use crate::engine::snapshot::{ItemRow, Snapshot};"));
    assert!(!seen("src/demo/pace.rs", "use crate::service::seam::{Endpoints, SourceEndpoint};"));
    assert!(!seen("src/ui/app/mod.rs", "use crate::service::client::Client;"));
    assert!(!seen("src/service/assembly.rs", "use crate::engine::{Engine, Workspace};"));
}

/// Calls with every Rust file below a folder.
pub fn visit(folder: &Path, file: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, file);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            file(&path);
        }
    }
}

/// What a file uses and must not.
fn forbidden(file: &str, text: &str) -> Vec<String> {
    let mut parts = file.split('/').skip(1);
    let room = parts.next().unwrap_or_default();
    if room == "lib.rs" {
        return Vec::new();
    }
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{file}: {room} is no room of the house")];
    };
    let depth = parts.count();
    let mut wrong = Vec::new();
    for path in paths(text) {
        let target = ["crate::", "mailferry::"].iter().find_map(|root| path.strip_prefix(root)).or_else(|| {
            // `super::` out of the room's own root.
            (file == format!("src/{room}/mod.rs") && depth == 1).then(|| path.strip_prefix("super::")).flatten()
        });
        let of = |module: &str, path: &str| path == module || path.starts_with(&format!("{module}::"));
        if let Some(target) = target
            && let Some(there) = target.split("::").next().filter(|there| *there != room)
            && ROOMS.iter().any(|(name, _)| *name == there)
        {
            let reserved = RESERVED.iter().find(|(module, ..)| of(module, target));
            if !allowed.iter().any(|module| of(module, target)) {
                wrong.push(format!("{file}: {room} must not use {target} ({path})"));
            } else if let Some((module, _, why)) = reserved.filter(|(_, rooms, _)| !rooms.contains(&room)) {
                wrong.push(format!("{file}: {module} is not for {room}: {why}"));
            }
        }
        let known = EXCEPTIONS.iter().any(|(place, exception, _)| *place == file && *exception == path);
        let is = |impure: &&&str| path == **impure || path.starts_with(&format!("{impure}::"));
        if room == "domain" && !known && IMPURE.iter().find(is).is_some() {
            wrong.push(format!("{file}: the domain must not know {path}"));
        }
    }
    wrong
}

/// Every path in the code: groups in braces resolved, comments left out.
fn paths(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some(start) = rest.find(|character: char| character.is_alphabetic() || character == '_') {
        rest = &rest[start..];
        let mut at = 0;
        expand("", rest, &mut at, &mut found);
        rest = &rest[at..];
    }
    found
}

/// Reads one path at `at`, with what stands in braces after it.
fn expand(before: &str, text: &str, at: &mut usize, found: &mut Vec<String>) {
    let end = |from: usize| {
        let word = |character: char| character.is_alphanumeric() || character == '_';
        text[from..].find(|character| !word(character)).map_or(text.len(), |length| from + length)
    };
    let mut path = before.to_owned();
    loop {
        let word_end = end(*at);
        path.push_str(&text[*at..word_end]);
        *at = word_end;
        if !text[*at..].starts_with("::") {
            break;
        }
        *at += 2;
        if !text[*at..].starts_with('{') {
            path.push_str("::");
            continue;
        }
        *at += 1;
        path.push_str("::");
        while let Some(next) = text[*at..].chars().next() {
            match next {
                '}' => {
                    *at += 1;
                    break;
                }
                next if next.is_alphabetic() || next == '_' => expand(&path, text, at, found),
                next => *at += next.len_utf8(),
            }
        }
        return;
    }
    found.push(path.trim_end_matches("::").to_owned());
}
