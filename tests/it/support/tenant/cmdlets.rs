//! InvokeCommand: the envelope and errors of Exchange Online's own PowerShell module over REST, and the cmdlets that move
//! mailboxes. Parameters and properties: Exchange PowerShell reference.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::http::{Asked, Reply};
use super::{Batch, Mover, State, World};
use crate::support::oidc::TENANT;

/// Rows of a page, whatever is asked for.
const PAGE: usize = 90;

/// Cmdlets that are known, with the parameters that they take here, and whether they ask a person unless told not to.
const KNOWN: [(&str, &[&str], bool); 20] = [
    ("Get-MigrationEndpoint", &["Identity"], false),
    ("Test-MigrationServerAvailability", &["Endpoint"], false),
    ("Get-MailUser", &["Identity", "ResultSize"], false),
    ("Get-Mailbox", &["Identity", "ResultSize"], false),
    ("Get-CASMailbox", &["Identity"], false),
    ("Get-MigrationBatch", &["Identity"], false),
    ("Get-MigrationUser", &["Identity", "BatchId", "ResultSize"], false),
    ("Get-MigrationUserStatistics", &["Identity", "IncludeReport", "IncludeSkippedItems"], false),
    ("Get-MoveRequestStatistics", &["Identity"], false),
    ("New-MigrationBatch", &["Name", "SourceEndpoint", "TargetDeliveryDomain", "CSVData", "Confirm"], true),
    ("Start-MigrationBatch", &["Identity", "Confirm"], true),
    ("Set-MigrationBatch", &["Identity", "CompleteAfter", "Confirm"], true),
    ("Set-MigrationUser", &["Identity", "CompleteAfter", "ApproveSkippedItems", "Confirm"], true),
    ("Stop-MigrationUser", &["Identity", "Confirm"], true),
    ("Remove-MigrationUser", &["Identity", "Force", "Confirm"], true),
    ("Remove-MoveRequest", &["Identity", "Confirm"], true),
    ("Set-Mailbox", &["*"], true),
    ("Set-CASMailbox", &["*"], true),
    ("Enable-Mailbox", &["Identity", "Archive", "Confirm"], true),
    ("Get-MoveRequest", &["Identity"], false),
];

pub fn name(asked: &Asked) -> String {
    asked.body["CmdletInput"]["CmdletName"].as_str().unwrap_or_default().to_owned()
}

/// The details of an error: `id|exception|text`.
pub fn error(status: u16, detail: &str) -> Reply {
    let details = json!([{"code": "Client", "target": "", "message": detail}]);
    Reply::json(
        status,
        &json!({"error": {"code": "BadRequest", "message": "Error executing cmdlet", "details": details}}),
    )
}

fn not_found(what: &str) -> Reply {
    error(
        404,
        &format!(
            "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|{what} couldn't be found."
        ),
    )
}

fn refused(kind: &str, text: &str) -> Reply {
    error(400, &format!("ExE1|Microsoft.Exchange.Migration.{kind}|{text}"))
}

fn rows(asked: &Asked, all: &[Value]) -> Reply {
    let skip: usize = asked.path.split("skip=").nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    // Without a page size there is one row and a link (seen by a public client).
    let page = if asked.header("prefer").is_some_and(|text| text.contains("maxpagesize")) { PAGE } else { 1 };
    let end = (skip + page).min(all.len());
    let mut body = json!({
        "@odata.context": format!("{}/adminapi/beta/{TENANT}/$metadata", asked.base),
        "adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": [],
        "value": all.get(skip..end).unwrap_or_default(),
    });
    if end < all.len() {
        let path = asked.path.split('?').next().unwrap_or_default();
        body["@odata.nextLink"] = json!(format!("{}{path}?skip={end}", asked.base));
    }
    Reply::json(200, &body)
}

fn done() -> Reply {
    Reply::json(200, &json!({"value": [], "@adminapi.warnings": []}))
}

/// A time as it is told: text with its type beside it.
fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map(|at| format!("{at:.7}")).unwrap_or_default()
}

fn moment(value: &Value) -> Option<i64> {
    Some(value.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

pub fn answer(world: &mut World, asked: &Asked) -> Reply {
    let path = asked.path.split('?').next().unwrap_or_default();
    if path != format!("/adminapi/beta/{TENANT}/InvokeCommand") || asked.method != "POST" {
        return Reply { status: 405, headers: String::new(), body: Vec::new() };
    }
    let cmdlet = name(asked);
    let Some((_, parameters, asks)) = KNOWN.iter().find(|(name, ..)| *name == cmdlet) else {
        return Reply { status: 403, headers: String::new(), body: vec![0; 64] };
    };
    let given: Map<String, Value> = asked.body["CmdletInput"]["Parameters"].as_object().cloned().unwrap_or_default();
    for name in given.keys() {
        if !parameters.contains(&"*") && !parameters.contains(&name.as_str()) {
            let text = format!("A parameter cannot be found that matches parameter name '{name}'.");
            return error(400, &format!("Ex1|System.Management.Automation.ParameterBindingException|{text}"));
        }
    }
    if *asks && given.get("Confirm") != Some(&json!(false)) {
        world.wrong(format!("{cmdlet} without Confirm: it waits for a person"));
        return Reply::json(200, &json!({"value": [], "@adminapi.confirmationmessage": "Are you sure?"}));
    }
    if given.get("Identity").is_some_and(|identity| identity.as_str().is_none_or(str::is_empty)) {
        world.wrong(format!("{cmdlet} without an identity is about everything"));
    }
    let of = given.get("Identity").and_then(Value::as_str).unwrap_or_default().to_owned();
    if cmdlet.starts_with("Get-") || cmdlet.starts_with("Test-") {
        question(world, asked, (&cmdlet, &of), &given)
    } else {
        order(world, (&cmdlet, &of), &given)
    }
}

fn question(world: &mut World, asked: &Asked, (cmdlet, of): (&str, &str), given: &Map<String, Value>) -> Reply {
    match cmdlet {
        "Get-MigrationEndpoint" => {
            let row = |name: &String| {
                json!({"Identity": name, "EndpointType": "ExchangeRemoteMove", "RemoteServer": "mail.contoso.example",
                       "MaxConcurrentMigrations": "100", "MaxConcurrentMigrations@data.type": "System.String"})
            };
            rows(asked, &world.endpoints.keys().map(row).collect::<Vec<_>>())
        }
        "Test-MigrationServerAvailability" => {
            let endpoint = given.get("Endpoint").and_then(Value::as_str).unwrap_or_default();
            match world.endpoints.get(endpoint) {
                Some(None) => rows(asked, &[json!({"Result": "Success", "Message": ""})]),
                Some(Some(why)) => rows(asked, &[json!({"Result": "Failed", "Message": why})]),
                None => not_found(endpoint),
            }
        }
        "Get-MailUser" | "Get-Mailbox" => people(world, asked, cmdlet == "Get-Mailbox", of),
        "Get-CASMailbox" => match world.people.get(of).filter(|person| person.mailbox) {
            Some(person) => rows(asked, &[json!(person.properties)]),
            None => not_found(of),
        },
        "Get-MigrationBatch" => match world.batches.get(of) {
            Some(batch) if world.now.get() >= batch.created + world.late => rows(asked, &[batch_row(of, batch)]),
            _ => not_found(of),
        },
        "Get-MigrationUser" => {
            let batch = given.get("BatchId").and_then(Value::as_str);
            let late = world.late;
            let shown = |mover: &Mover| world.now.get() >= mover.created + late;
            let found: Vec<Value> = world
                .movers
                .iter()
                .filter(|(address, mover)| shown(mover) && batch.map_or(*address == of, |batch| mover.batch == batch))
                .map(|(address, mover)| user_row(world, address, mover))
                .collect();
            if batch.is_none() && found.is_empty() { not_found(of) } else { rows(asked, &found) }
        }
        "Get-MigrationUserStatistics" => {
            if given.contains_key("IncludeReport") {
                world.carried_out("report", of);
            }
            match world.movers.get(of) {
                Some(mover) => {
                    let mut row = user_row(world, of, mover);
                    row["PercentageComplete"] = json!(world.percent(of).to_string());
                    row["BytesTransferred"] = json!("1.204 GB (1,292,785,156 bytes)");
                    row["Report"] =
                        json!(given.contains_key("IncludeReport").then_some("Stage: CopyingMessages.\nNothing odd."));
                    rows(asked, &[row])
                }
                None => not_found(of),
            }
        }
        _ => move_row(world, asked, of),
    }
}

fn people(world: &World, asked: &Asked, mailboxes: bool, of: &str) -> Reply {
    let row = |address: &String, person: &super::Person| {
        let proxies: Vec<String> = person.proxies.iter().map(|proxy| format!("smtp:{proxy}")).collect();
        let guid = if person.guid {
            person.object.replace("33333333", "44444444")
        } else {
            "00000000-0000-0000-0000-000000000000".into()
        };
        let mut row = json!({
            "Identity": address.split('@').next(), "PrimarySmtpAddress": address, "EmailAddresses": proxies, "ExchangeGuid": guid,
            "ExternalDirectoryObjectId": person.object, "DisplayName": address.split('@').next(),
        });
        for (name, value) in &person.properties {
            row[name] = json!(value);
        }
        row
    };
    let found: Vec<Value> = world
        .people
        .iter()
        .filter(|(address, person)| person.mailbox == mailboxes && (of.is_empty() || *address == of))
        .map(|(address, person)| row(address, person))
        .collect();
    if !of.is_empty() && found.is_empty() { not_found(of) } else { rows(asked, &found) }
}

fn batch_row(name: &str, batch: &Batch) -> Value {
    json!({
        "Identity": name, "Status": batch.word.0, "Status@data.type": "Microsoft.Exchange.Data.Storage.Management.MigrationBatchStatus",
        "CompleteAfter": batch.complete_after.map(time), "CreationDateTime": time(batch.created),
        "CreationDateTime@data.type": "System.DateTime", "TotalCount": "0",
    })
}

fn user_row(world: &World, address: &str, mover: &Mover) -> Value {
    let items = world.percent(address) * 100;
    let skipped = if world.people.get(address).is_some_and(|person| person.must_approve) { 3 } else { 0 };
    // While it is queued an error may stand there that passes.
    let error =
        mover.error.clone().or((mover.state == State::Queued).then(|| "MigrationTransientException: busy".into()));
    json!({
        "Identity": address, "BatchId": mover.batch, "Status": world.word(address), "ErrorSummary": error,
        "SyncedItemCount": items.to_string(), "SkippedItemCount": skipped, "LastSuccessfulSyncTime": time(mover.since),
    })
}

fn move_row(world: &World, asked: &Asked, of: &str) -> Reply {
    let word = match world.movers.get(of).map(|mover| (mover.state, mover)) {
        Some((State::Created, _)) => None,
        Some((state, mover)) => {
            let word = match state {
                State::Completing => "CompletionInProgress",
                State::Completed => "Completed",
                State::Failed => "Failed",
                State::Synced => "Synced",
                State::Stopped | State::Stopping => "Suspended",
                _ => "InProgress",
            };
            Some((word, mover.complete_after))
        }
        None => world.left.get(of).filter(|until| world.now.get() < **until).map(|_| ("Suspended", None)),
    };
    match word {
        Some((word, after)) => rows(asked, &[json!({"Status": word, "CompleteAfter": after.map(time)})]),
        None => not_found(of),
    }
}

fn order(world: &mut World, (cmdlet, of): (&str, &str), given: &Map<String, Value>) -> Reply {
    let now = world.now.get();
    match cmdlet {
        "New-MigrationBatch" => new_batch(world, given),
        "Start-MigrationBatch" => start(world, of),
        "Set-MigrationBatch" => {
            let Some(after) = given.get("CompleteAfter").and_then(moment) else {
                return refused("BadTime", "CompleteAfter");
            };
            let Some(batch) = world.batches.get_mut(of) else { return not_found(of) };
            let before = batch.complete_after.replace(after);
            if before.is_some_and(|before| before == after || (before <= now && after <= now)) {
                world.wrong(format!("{of} was finalized twice"));
            }
            world.carried_out(cmdlet, of);
            done()
        }
        "Set-MigrationUser" => set_user(world, of, given),
        "Stop-MigrationUser" => {
            let Some(mover) = world.movers.get_mut(of) else { return not_found(of) };
            if matches!(mover.state, State::Completing | State::Completed) {
                return refused("CannotStopException", "the user is being completed");
            }
            let twice = matches!(mover.state, State::Stopping | State::Stopped);
            if !twice {
                (mover.state, mover.since) = (State::Stopping, now);
            } else {
                world.wrong(format!("{of} was halted twice"));
            }
            world.carried_out(cmdlet, of);
            done()
        }
        "Remove-MigrationUser" => {
            let Some(mover) = world.movers.get(of) else { return not_found(of) };
            if !matches!(mover.state, State::Stopped | State::Failed) {
                return refused("CannotRemoveException", "stop the user first");
            }
            world.movers.remove(of);
            // A move shows for a while after its user is gone; some stay.
            let stays = world.people.get(of).is_some_and(|person| person.leaves_move);
            world.left.insert(of.into(), if stays { i64::MAX } else { now + 4 * super::MINUTE });
            world.carried_out(cmdlet, of);
            done()
        }
        "Remove-MoveRequest" => {
            if world.left.remove(of).is_none() {
                return not_found(of);
            }
            world.carried_out(cmdlet, of);
            done()
        }
        _ => set_mailbox(world, (cmdlet, of), given),
    }
}

fn new_batch(world: &mut World, given: &Map<String, Value>) -> Reply {
    let now = world.now.get();
    let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, endpoint) = (text("Name"), text("SourceEndpoint"));
    let csv = match given.get("CSVData").map(|data| &data["Data"]) {
        Some(Value::String(data)) if !world.numbers_only => STANDARD.decode(data).ok(),
        Some(Value::Array(bytes)) => {
            bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
        }
        _ => None,
    };
    let Some(csv) = csv.and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return error(
            400,
            "Ex2|System.Runtime.Serialization.SerializationException|Cannot deserialize the ByteArray CSVData.",
        );
    };
    if name.is_empty() || name.chars().count() > 64 || !world.endpoints.contains_key(&endpoint) {
        return refused("MigrationBatchException", "the name is too long, or there is no such endpoint");
    }
    if world.batches.contains_key(&name) {
        world.wrong(format!("{name} was made twice"));
        return refused("MigrationBatchAlreadyExistsException", "a batch of this name exists already");
    }
    let mut lines = csv.split("\r\n").filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("EmailAddress"), "the head of the list: {csv}");
    let addresses: Vec<String> = lines.map(str::to_owned).collect();
    for address in &addresses {
        if !world.allowed.contains(address) {
            world.wrong(format!("{address} belongs to nobody's project"));
        }
        if let Some(mover) = world.movers.get(address) {
            let text = format!("{address} is already included in migration batch {}", mover.batch);
            return refused("UserDuplicateInOtherBatchException", &text);
        }
    }
    for address in addresses {
        let mover = Mover {
            batch: name.clone(),
            created: now,
            state: State::Created,
            since: now,
            complete_after: None,
            approved: false,
            tries: 0,
            error: None,
        };
        world.movers.insert(address, mover);
    }
    world.batches.insert(
        name.clone(),
        Batch { created: now, started: None, complete_after: None, word: ("Created".into(), now - super::HOUR) },
    );
    world.carried_out("New-MigrationBatch", &name);
    done()
}

fn start(world: &mut World, of: &str) -> Reply {
    let now = world.now.get();
    let Some(batch) = world.batches.get_mut(of) else { return not_found(of) };
    let first = batch.started.is_none();
    batch.started.get_or_insert(now);
    let mut again = 0;
    for (address, mover) in world.movers.iter_mut().filter(|(_, mover)| mover.batch == of) {
        let starts = if first { mover.state == State::Created } else { mover.state == State::Failed };
        if starts {
            let is_person = world.people.get(address).is_some_and(|person| !person.mailbox && person.guid);
            (mover.state, mover.since) = if is_person { (State::Queued, now) } else { (State::Failed, now) };
            mover.error = (!is_person).then(|| "MigrationRecipientNotFoundException: no mailbox on-premises".into());
            mover.tries += 1;
            again += 1;
        }
    }
    if !first && again == 0 {
        world.wrong(format!("{of} was started twice"));
    }
    world.carried_out("Start-MigrationBatch", of);
    done()
}

fn set_user(world: &mut World, of: &str, given: &Map<String, Value>) -> Reply {
    let now = world.now.get();
    let after = given.get("CompleteAfter").and_then(moment);
    let Some(mover) = world.movers.get_mut(of) else { return not_found(of) };
    let mut twice = None;
    if let Some(after) = after {
        let before = mover.complete_after.replace(after);
        if before.is_some_and(|before| before == after || (before <= now && after <= now)) {
            twice = Some("finalized");
        }
    }
    if given.get("ApproveSkippedItems") == Some(&json!(true)) {
        // Nothing tells whether it was approved: approving again is no fault.
        mover.approved = true;
    }
    if let Some(what) = twice {
        world.wrong(format!("{of} was {what} twice"));
    }
    world.carried_out(if after.is_some() { "Set-MigrationUser" } else { "approve" }, of);
    done()
}

fn set_mailbox(world: &mut World, (cmdlet, of): (&str, &str), given: &Map<String, Value>) -> Reply {
    let Some(person) = world.people.get_mut(of).filter(|person| person.mailbox) else { return not_found(of) };
    for (name, value) in given.iter().filter(|(name, _)| *name != "Identity" && *name != "Confirm") {
        let (name, told) = match (name.as_str(), value) {
            ("Archive", _) => ("ArchiveStatus", "Active".to_owned()),
            (name, Value::Bool(flag)) => (name, if *flag { "True".to_owned() } else { "False".to_owned() }),
            (name, Value::String(text)) if text.ends_with("GB") => {
                let number: u64 = text.trim_end_matches("GB").parse().expect("a size");
                (name, format!("{number} GB ({} bytes)", commas(number << 30)))
            }
            (name, Value::String(text)) if name.starts_with("Forwarding") => (name, format!("smtp:{text}")),
            (name, Value::String(text)) if text == "Forbidden" => {
                let text = format!("{name} cannot be set to {text}");
                return error(400, &format!("Ex9|Microsoft.Exchange.Data.DataValidationException|{text}"));
            }
            (name, value) => (name, value.as_str().unwrap_or_default().to_owned()),
        };
        person.properties.insert(name.to_owned(), told);
    }
    world.carried_out(cmdlet, of);
    done()
}

fn commas(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut parts = Vec::new();
    if first > 0 {
        parts.push(digits[..first].to_owned());
    }
    parts.extend(digits.as_bytes()[first..].chunks(3).map(|chunk| String::from_utf8_lossy(chunk).into_owned()));
    parts.join(",")
}
