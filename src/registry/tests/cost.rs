//! What a registration costs, in objects and bytes: that it stays the same is a fact, not a matter of time.

use std::fs;

use super::*;
use crate::registry::ImportCandidate;

/// A registry of `count` records, taken in by one commit.
fn registry_of(count: usize) -> Fresh {
    let fresh = Fresh::new();
    let incoming = |number: usize| ImportCandidate {
        record: Record { state: RecordState::Active, ..record(&format!("made-{number}")) },
        derived: false,
        file: "made.csv".to_owned(),
        line: Some(number),
    };
    let incoming: Vec<ImportCandidate> = (0..count).map(incoming).collect();
    let intake = fresh.registry.import(&incoming, &by()).expect("imported");
    assert_eq!((intake.new.len(), intake.flaws), (count, Vec::new()));
    fresh
}

/// Objects and bytes of what a registration adds.
fn cost(fresh: &Fresh) -> (usize, u64) {
    let packs = || {
        let entries = fs::read_dir(fresh.folder().join("objects/pack")).expect("listed").flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some_and(|ext| ext == "idx")).collect::<Vec<_>>()
    };
    let before = packs();
    fresh.registry.add(&record("newcomer"), &by()).expect("added");
    let new: Vec<_> = packs().into_iter().filter(|path| !before.contains(path)).collect();
    assert_eq!(new.len(), 1, "one pack");
    let index = fs::read(&new[0]).expect("readable");
    let count = u32::from_be_bytes(index[1028..1032].try_into().expect("four bytes"));
    let size = fs::metadata(new[0].with_extension("pack")).expect("there").len();
    (count as usize, size)
}

#[test]
fn a_registration_into_many_records_writes_hardly_more_than_one_into_few() {
    let (few, _) = cost(&registry_of(100));
    let (many, bytes) = cost(&registry_of(6_000));
    // Commit, root, record, name; three folders and the one above for the record, and for four keys.
    assert!(few <= 3 + 1 + 4 + 13 && many <= 3 + 1 + 4 + 13, "{few} and {many} objects");
    assert!(bytes < 12_000, "{bytes} bytes");
}

#[test]
fn many_records_are_taken_in_and_listed_whole() {
    let fresh = registry_of(3_000);
    let listing = fresh.registry.list().expect("listed");
    assert_eq!((listing.records.len(), listing.problems), (3_000, Vec::new()));
    assert_eq!(fresh.commits().len(), 1);
    assert_sound(&fresh.folder());
}
