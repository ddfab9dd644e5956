//! Many at once.

use std::sync::Barrier;
use std::thread;

use super::*;

#[test]
fn eight_threads_with_ten_apis_each_lose_none() {
    let fresh = Fresh::new();
    let folder = fresh.folder();
    thread::scope(|scope| {
        for worker in 0..8 {
            let folder = &folder;
            scope.spawn(move || {
                let registry = Registry::open(&here(folder)).expect("opened").expect("there");
                for number in 0..10 {
                    let record = record(&format!("api-{worker}-{number}"));
                    assert_eq!(registry.add(&record, &by()).expect("added"), RecordChange::Done);
                    assert_eq!(registry.activate(&record, &by()).expect("activated"), RecordChange::Done);
                }
            });
        }
    });
    let listing = fresh.registry.list().expect("listed");
    assert_eq!((listing.records.len(), listing.problems), (80, Vec::new()));
    assert!(listing.records.iter().all(|record| record.state == RecordState::Active));
    assert!(listing.records.is_sorted_by(|one, other| one.name < other.name));
    assert_sound(&folder);
}

#[test]
fn of_sixteen_that_race_for_a_name_one_wins_and_the_others_are_told_who() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("new/registry.git");
    let start = Barrier::new(16);
    let race = |racer: usize| {
        let mut record = record("my-api");
        record.repository.url = format!("file:///racer/{racer}");
        start.wait();
        // The registry itself is created in the race.
        let registry = Registry::open_or_create(&here(&folder)).expect("created");
        registry.add(&record, &by())
    };
    let results: Vec<_> = thread::scope(|scope| {
        let race = &race;
        let racers: Vec<_> = (0..16).map(|racer| scope.spawn(move || race(racer))).collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
    });
    let winners: Vec<_> =
        results.iter().enumerate().filter(|(_, result)| result.is_ok()).map(|(racer, _)| racer).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    let url = format!("file:///racer/{}", winners[0]);
    for loser in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(
            matches!(loser, RegistryError::Taken { kind: KeyKind::Name, claim: Some(claim), .. }
            if claim.repository == url),
            "{loser}"
        );
    }
    let registry = Registry::open(&here(&folder)).expect("opened").expect("there");
    let listing = registry.list().expect("listed");
    assert_eq!((listing.records.len(), listing.problems), (1, Vec::new()));
    assert_eq!(std::fs::read_dir(folder.parent().expect("it has one")).expect("listed").count(), 1, "no rests");
    assert_sound(&folder);
}
