//! The directory: Microsoft Graph v1.0, as far as licenses need it (Graph reference: subscribedSkus, user, assignLicense).

use serde_json::{Value, json};

use super::http::{Asked, Reply};
use super::{MINUTE, Person, World};

/// Users of a page.
const PAGE: usize = 250;

fn user(person: &Person) -> Value {
    let licenses: Vec<Value> = person.skus.iter().map(|sku| json!({"skuId": sku, "disabledPlans": []})).collect();
    json!({
        "id": person.object, "usageLocation": person.location.as_ref().map(|(place, _)| place),
        "assignedLicenses": licenses,
    })
}

fn error(status: u16, code: &str, text: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": text}}))
}

pub fn answer(world: &mut World, asked: &Asked) -> Reply {
    let path = asked.path.split('?').next().unwrap_or_default().to_owned();
    match (asked.method.as_str(), path.as_str()) {
        ("GET", "/v1.0/subscribedSkus") => {
            let row = |sku: &super::Sku| {
                json!({
                    "skuId": sku.id, "skuPartNumber": sku.name, "capabilityStatus": "Enabled", "appliesTo": "User",
                    "consumedUnits": sku.consumed, "prepaidUnits": {"enabled": sku.enabled, "suspended": 0, "warning": 0},
                    "servicePlans": [{"servicePlanName": "EXCHANGE_S_ENTERPRISE", "provisioningStatus": "Success"}],
                })
            };
            Reply::json(200, &json!({"value": world.skus.iter().map(row).collect::<Vec<_>>()}))
        }
        ("GET", "/v1.0/users") => {
            let skip: usize = asked.path.split("skip=").nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
            let rows: Vec<Value> = world.people.values().skip(skip).take(PAGE).map(user).collect();
            let mut body = json!({"value": rows});
            if skip + PAGE < world.people.len() {
                body["@odata.nextLink"] = json!(format!("{}/v1.0/users?skip={}", asked.base, skip + PAGE));
            }
            Reply::json(200, &body)
        }
        (method, path) => {
            let object = path.split('/').nth(3).unwrap_or_default().to_owned();
            let Some(address) =
                world.people.iter().find(|(_, person)| person.object == object).map(|(address, _)| address.clone())
            else {
                return error(404, "Request_ResourceNotFound", "Resource does not exist");
            };
            match (method, path.ends_with("/assignLicense")) {
                ("GET", false) => Reply::json(200, &user(&world.people[&address])),
                ("PATCH", false) => set_location(world, &address, &asked.body),
                ("POST", true) => assign(world, &address, &asked.body),
                _ => error(405, "Request_BadRequest", "no such method"),
            }
        }
    }
}

fn set_location(world: &mut World, address: &str, body: &Value) -> Reply {
    let Some(place) = body["usageLocation"].as_str() else { return error(400, "Request_BadRequest", "usageLocation") };
    let known = world.now.get() + MINUTE;
    let before = world.people.get_mut(address).expect("found").location.replace((place.into(), known));
    if before.is_some_and(|(before, _)| before == place) {
        world.wrong(format!("the location of {address} was set twice"));
    }
    world.carried_out("setLocation", address);
    Reply { status: 204, headers: String::new(), body: Vec::new() }
}

fn assign(world: &mut World, address: &str, body: &Value) -> Reply {
    let now = world.now.get();
    let Some(sku) = body["addLicenses"][0]["skuId"].as_str().map(str::to_owned) else {
        return error(400, "Request_BadRequest", "addLicenses");
    };
    if !body["removeLicenses"].is_array() {
        return error(400, "Request_BadRequest", "removeLicenses is missing");
    }
    let person = world.people[address].clone();
    // What stands here is said by public callers of assignLicense.
    let invalid = "License assignment cannot be done for user with invalid usage location.";
    match &person.location {
        None => {
            world.wrong(format!("a license for {address}, who has no location"));
            return error(400, "Request_BadRequest", invalid);
        }
        Some((_, known)) if *known > now => return error(400, "Request_BadRequest", invalid),
        Some(_) => {}
    }
    if !person.guid && !person.mailbox {
        world.wrong(format!("a license for {address} before its mailbox was known"));
    }
    let reached = world.movers.get(address).is_some_and(|mover| {
        matches!(mover.state, super::State::Synced | super::State::Completing | super::State::Completed)
    });
    if !reached {
        world.wrong(format!("a license for {address} before 95 %"));
    }
    if person.skus.contains(&sku) {
        world.wrong(format!("a second license for {address}"));
    }
    let Some(of) = world.skus.iter_mut().find(|one| one.id == sku) else {
        return error(400, "Request_BadRequest", "unknown skuId");
    };
    if of.consumed >= of.enabled {
        world.wrong(format!("a license for {address} without a free unit"));
        return error(400, "Request_BadRequest", "CountViolation: no license is free");
    }
    of.consumed += 1;
    world.people.get_mut(address).expect("found").skus.insert(sku);
    world.carried_out("assignLicense", address);
    Reply::json(200, &user(&world.people[address]))
}
