use super::*;

#[test]
fn a_record_is_changed_only_if_it_is_still_the_one_that_was_read() {
    let place = tempfile::tempdir().expect("a folder");
    let registry = Registry::open_or_create(&here(place.path())).expect("made");
    let record = record("my-api");
    registry.add(&record, &by()).expect("added");
    let mut alpha = Record { phase: Phase::Alpha, ..record.clone() };
    alpha.history.push(PhaseChange { phase: Phase::Alpha, ..record.history[0].clone() });
    alpha.evidence.push(Evidence {
        gate: "kick-off".to_owned(),
        link: "https://example.org/1".to_owned(),
        by: "A <a@b.c>".to_owned(),
        date: "2026-01-02T03:04:05Z".to_owned(),
    });
    assert_eq!(registry.update(&record, &alpha, "Move", &by()).expect("moved"), RecordChange::Done);
    assert_eq!(registry.get("my-api").expect("read"), Some(alpha.clone()));
    assert_eq!(registry.update(&record, &alpha, "Move", &by()).expect("the same again"), RecordChange::AlreadySo);
    let beta = Record { phase: Phase::Beta, ..record.clone() };
    let late = registry.update(&record, &beta, "Move", &by()).expect_err("it is another by now");
    assert!(matches!(late, RegistryError::Changed { .. }), "{late:?}");
    let thief = Record { base_path: "else".to_owned(), ..alpha.clone() };
    let refused = registry.update(&alpha, &thief, "Move", &by()).expect_err("a key");
    assert!(matches!(refused, RegistryError::KeyChanged { .. }), "{refused:?}");
}
