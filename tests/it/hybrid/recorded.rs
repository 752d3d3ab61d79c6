//! What was recorded is masked, and can be played to the program: it comes to the same.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use mailferry::service::hybrid::{self, MoveStatus, batches, users};
use serde_json::Value;

use super::{Stage, address};
use crate::support::oidc::{self, TENANT};
use crate::support::tenant::MINUTE;

/// Answers each call with what was recorded for its name, in order; the last of it again and again.
fn play(lines: &[Value]) -> String {
    let mut answers: HashMap<String, VecDeque<(u64, Value)>> = HashMap::new();
    for line in lines {
        let name = line["body"]["CmdletInput"]["CmdletName"].as_str().unwrap_or_else(|| line["path"].as_str().unwrap());
        let name = name.split('?').next().unwrap().rsplit('/').next().unwrap();
        answers.entry(name.into()).or_default().push_back((line["status"].as_u64().unwrap(), line["answer"].clone()));
    }
    let (answers, listener) = (Arc::new(Mutex::new(answers)), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let path =
                first.split(' ').nth(1).unwrap().split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
            let name = body["CmdletInput"]["CmdletName"].as_str().map_or(path, str::to_owned);
            let mut answers = answers.lock().unwrap();
            let queue = answers.entry(name).or_default();
            let (status, answer) =
                if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }.unwrap_or((404, Value::Null));
            let text = answer.to_string();
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
            reader.get_mut().write_all(head.as_bytes()).unwrap();
        }
    };
    std::thread::Builder::new().name("recorded".into()).spawn(serve).unwrap();
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_is_masked_and_played_again_comes_to_the_same() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |settings| settings.sku = String::new()).await;
    let line = stage.batch("Contoso wave", 0..1).await;
    stage.start("Contoso wave").await;
    let mut lines = Vec::new();
    let mut text = String::new();
    let mut rounds = 0;
    while stage.line("Contoso wave").await.status != MoveStatus::PendingFinalization {
        let file = stage.folder.path().join(format!("calls-{rounds}.jsonl"));
        stage.recorded_round(Some(&file)).await;
        let written = std::fs::read_to_string(&file).unwrap();
        // Each file has a mask of its own: these say the same, as one user and one batch come in the same order.
        lines.extend(written.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        text += &written;
        rounds += 1;
        stage.now.step(10 * MINUTE);
        assert!(rounds < 400);
    }
    let token = stage.oidc.asked();
    assert!(token > 0 && !lines.is_empty());
    for secret in [&address(0), "contoso.example", TENANT, &line.batch.remote_name, "eyJ", "Bearer", "onmicrosoft.com"]
    {
        assert!(!text.contains(secret), "{secret} is in the record: {text}");
    }
    let file = stage.folder.path().join("calls-0.jsonl");
    let again = hybrid::once(&stage.workspace, stage.project.id, Some(&file)).await.unwrap_err();
    assert!(again.to_string().contains("calls-0.jsonl"), "{again}");

    // Played to another workspace that knows who it is about.
    let masked: BTreeSet<String> =
        text.split('"').filter(|word| word.ends_with("@masked.example")).map(str::to_owned).collect();
    let other = Stage::new(0, |_| ()).await;
    let csv = other.folder.path().join("masked.csv");
    let list: String = masked.iter().map(|address| format!("{address}\n")).collect();
    std::fs::write(&csv, format!("Email Address\n{list}")).unwrap();
    users::import(&other.workspace, &other.project, csv).await.unwrap();
    let mut settings = other.project().await.settings;
    (settings.exchange_url, settings.sku) = (play(&lines), String::new());
    hybrid::change(&other.workspace, &other.project, settings).await.unwrap();
    let id = batches::new(&other.workspace, &other.project, "played").await.unwrap();
    let members = users::all(&other.workspace, &other.project).await.unwrap();
    batches::move_in(&other.workspace, &other.project, id, &members).await.unwrap();
    batches::start(&other.workspace, &other.project, id, true).await.unwrap();
    for _ in 0..rounds + 10 {
        other.round().await;
        other.now.step(10 * MINUTE);
    }
    let told: Vec<MoveStatus> =
        users::all(&other.workspace, &other.project).await.unwrap().iter().map(|user| user.status).collect();
    assert!(told.contains(&MoveStatus::PendingFinalization), "{told:?}");
}
