//! What follows from entries, and which pools there can be.

use super::*;

const POOL: PoolId = PoolId(7);

#[test]
fn d33_what_is_free_follows_from_the_entries() {
    use EntryKind::*;
    let fold = |entries: &[(EntryKind, u64)]| {
        entries.iter().fold(Balance::default(), |balance, (kind, number)| balance.after(*kind, *number))
    };
    let begun = [(Add, 3), (Reserve, 1), (Reserve, 1), (Reserve, 1)];
    assert_eq!((fold(&begun).reserved, fold(&begun).free()), (3, 0));
    let ended = fold(&[&begun[..], &[(Consume, 1), (Return, 1)]].concat());
    assert_eq!(ended, Balance { added: 3, reserved: 1, consumed: 1, lost: 0 });
    assert_eq!(ended.free(), 1);
    let deleted = ended.after(Loss, 1);
    assert_eq!((deleted.consumed, deleted.lost, deleted.free()), (0, 1, 1), "r43: it does not come back");
    assert_eq!(deleted.after(Add, 2).free(), 3);
}

#[test]
fn r22_r27_a_reservation_is_consumed_by_completed_and_returned_by_stopped_and_failed() {
    let reserved = ItemLicense::after(EntryKind::Reserve, POOL);
    for status in Status::ALL {
        let expected = match status {
            Status::Completed => Some((EntryKind::Consume, POOL)),
            Status::Stopped | Status::Failed => Some((EntryKind::Return, POOL)),
            _ => None,
        };
        assert_eq!(reserved.settled(status), expected, "{status:?}");
        assert_eq!(ItemLicense::None.settled(status), None);
        assert_eq!(ItemLicense::Consumed(POOL).settled(status), None, "it stays consumed");
    }
}

#[test]
fn an_item_takes_one_license_and_no_second() {
    for kind in PassKind::ALL {
        let takes = matches!(kind, PassKind::PreStage | PassKind::Full);
        assert_eq!(ItemLicense::None.takes(kind), takes, "{kind:?}");
        assert!(!ItemLicense::Consumed(POOL).takes(kind) && !ItemLicense::Reserved(POOL).takes(kind));
    }
    assert_eq!(ItemLicense::after(EntryKind::Return, POOL), ItemLicense::None, "what was returned is taken anew");
    assert_eq!(ItemLicense::after(EntryKind::Consume, POOL).deleted(), Some((EntryKind::Loss, POOL)));
}

#[test]
fn a_start_says_what_it_takes_and_what_is_missing() {
    let taking = |needed, free| Taking { pool: "Contoso".into(), needed, free };
    assert_eq!(taking(2, Some(5)).words(), "takes 2 licenses of Contoso (5 free)");
    assert_eq!(taking(1, None).words(), "takes 1 license of Contoso (unlimited)");
    assert_eq!((taking(2, Some(5)).shortage(), taking(9, None).shortage()), (None, None));
    let short = taking(41, Some(38));
    assert_eq!((short.takes(), short.short()), (38, 3));
    let words = "3 licenses short: 41 needed, 38 free; none of the 3 is started";
    assert_eq!(short.shortage().as_deref(), Some(words));
    let one = taking(1, Some(0)).shortage().unwrap();
    assert_eq!(one, "1 license short: 1 needed, 0 free; that item is not started");
}

#[test]
fn r43_what_is_lost_with_deleted_items_is_said() {
    assert_eq!(lost_with(0), None);
    let one = "1 license that was consumed is deleted too: it does not become free again.";
    assert_eq!(lost_with(1).as_deref(), Some(one));
    let many = "3 licenses that were consumed are deleted too: they do not become free again.";
    assert_eq!(lost_with(3).as_deref(), Some(many));
}

#[test]
fn pools_that_cannot_be_are_refused() {
    let named = |name: &str| PoolTerms { name: name.into(), ..PoolTerms::default() }.checked();
    assert_eq!(named("  Contoso ").map(|terms| terms.name), Ok("Contoso".into()));
    for name in ["", "   ", "a\nb", "a\u{1b}[31m", &"x".repeat(NAME_LIMIT + 1)] {
        assert_eq!(named(name), Err(BadPool::Name), "{name:?}");
    }
    let long = PoolTerms { name: "a".into(), client: "x".repeat(TEXT_LIMIT + 1), ..PoolTerms::default() };
    assert_eq!(long.checked(), Err(BadPool::Text("its client")));
    for number in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(checked_number(number), Err(BadPool::Number(number)));
    }
    assert_eq!(checked_number(60), Ok(60));
}
