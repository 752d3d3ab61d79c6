//! J.5c: what follows a refused batch in its folder waits for it.

use super::Odds;

#[test]
fn p5c_the_order_of_the_source_is_kept_when_a_batch_is_refused() {
    for capabilities in ["UIDPLUS LITERAL+ MULTIAPPEND", "LITERAL+ MULTIAPPEND"] {
        let odds = Odds::new(capabilities);
        odds.source.fill("INBOX", 100..400);
        odds.destination.state().refuse = Some(std::sync::Arc::new(|messages: &[String]| {
            let bad = messages.len() > 1 && messages.iter().any(|message| message.contains("Subject: number 150"));
            bad.then(|| ("NO not together".to_owned(), Vec::new()))
        }));
        let (_, item) = odds.start(0);
        assert_eq!(item.messages("copied"), 308);
        odds.is_copied("INBOX", capabilities);
    }
}
