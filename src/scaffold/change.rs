//! What becomes of each file when the change from one render to another is picked onto what people have made of the first.
//! Data in, data out: no git repository, no disk.
//!
//! | base | mine | new | result |
//! | --- | --- | --- | --- |
//! | any | any | as base | kept |
//! | any | as new | any | kept |
//! | A | A | B | updated |
//! | A | B | C | merged, by lines and then by words; else a conflict |
//! | A | – | B | absent: it stays deleted |
//! | A | A | – | deleted |
//! | A | B | – | a conflict |
//! | – | – | B | added |
//! | – | B | C | a conflict |

use std::collections::BTreeMap;

use crate::git::change::FileEdit;
use crate::git::merge::merge;
use crate::model::tree::{File, Tree, TreePath};

/// What becomes of a file. Nothing of it is lost but where it is as the base has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The repository gets it.
    Added(File),
    /// Nobody has changed it: it is as the new render has it.
    Updated(File),
    /// It has both changes.
    Merged(File),
    /// Nobody has changed it, and the new render is without it.
    Deleted,
    /// It is as the repository has it, and that is right.
    Kept,
    /// People have deleted or moved it: the change is not made.
    Absent,
    /// People have changed it in another way: it is as the repository has it.
    Conflict,
}

/// Every file of three trees, with what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) files: BTreeMap<TreePath, Fate>,
}

impl Change {
    /// Picks the change from `base` to `new` onto `mine`. Of `mine` only files count that differ between the two others.
    pub(crate) fn pick(base: &Tree, new: &Tree, mine: &Tree) -> Self {
        let all = [base, new, mine].into_iter().flat_map(Tree::iter);
        let fate_of = |path: &TreePath| {
            let [base, new, mine] = [base, new, mine].map(|tree| tree.get(path.as_str()));
            fate(base, new, mine)
        };
        Self { files: all.map(|(path, _)| (path.clone(), fate_of(path))).collect() }
    }

    /// What is done to the repository.
    pub(crate) fn edits(&self) -> Vec<FileEdit> {
        let edit = |(path, fate): (&TreePath, &Fate)| {
            let file = match fate {
                Fate::Added(file) | Fate::Updated(file) | Fate::Merged(file) => Some(file.clone()),
                Fate::Deleted => None,
                Fate::Kept | Fate::Absent | Fate::Conflict => return None,
            };
            Some(FileEdit { path: path.clone(), file })
        };
        self.files.iter().filter_map(edit).collect()
    }
}

fn fate(base: Option<&File>, new: Option<&File>, mine: Option<&File>) -> Fate {
    if new == base || new == mine {
        return Fate::Kept;
    }
    match (base, new, mine) {
        (Some(_), Some(new), _) if mine == base => Fate::Updated(new.clone()),
        (Some(base), Some(new), Some(mine)) => match merged(base, new, mine) {
            Some(file) if file == *mine => Fate::Kept,
            Some(file) => Fate::Merged(file),
            None => Fate::Conflict,
        },
        (_, None, _) if mine == base => Fate::Deleted,
        (None, Some(new), None) => Fate::Added(new.clone()),
        (Some(_), Some(_), None) => Fate::Absent,
        _ => Fate::Conflict,
    }
}

/// `mine` with what is different between `base` and `new`; none when both changed the same, or when it is no text.
fn merged(base: &File, new: &File, mine: &File) -> Option<File> {
    let executable = if mine.executable == base.executable { new.executable } else { mine.executable };
    let bytes = if new.bytes == base.bytes {
        mine.bytes.clone()
    } else if mine.bytes == base.bytes {
        new.bytes.clone()
    } else {
        merge(base.text()?, mine.text()?, new.text()?)?.into_bytes().into()
    };
    Some(File { bytes, executable })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: &str) -> File {
        File::plain(text.as_bytes().to_vec())
    }

    /// Few paths and lines, so that the trees have much in common.
    fn tree() -> impl Strategy<Value = Tree> {
        let line = prop::sample::select(vec!["a\n", "b\n", "c 1 d\n", "c 2 d\n", "\0"]);
        let file = (prop::collection::vec(line, 0..5), any::<bool>())
            .prop_map(|(lines, executable)| File { bytes: lines.concat().into_bytes().into(), executable });
        let name = prop::sample::select(vec!["x", "y", "z"]);
        prop::collection::btree_map(name, file, 0..4).prop_map(|files| {
            let files = files.into_iter().map(|(name, file)| (TreePath::new(name).expect("a path"), file));
            Tree::of(files.collect()).expect("a tree")
        })
    }

    fn after(change: &Change, mine: &Tree) -> Tree {
        let mut result = mine.clone();
        for FileEdit { path, file } in change.edits() {
            result.remove(path.as_str());
            if let Some(file) = file {
                result.insert(path, file).expect("it was removed");
            }
        }
        result
    }

    proptest! {
        #[test]
        fn every_file_has_one_fate_and_nothing_of_anybody_is_lost(base in tree(), new in tree(), mine in tree()) {
            let change = Change::pick(&base, &new, &mine);
            prop_assert_eq!(&change, &Change::pick(&base, &new, &mine));
            let result = after(&change, &mine);
            for name in ["x", "y", "z"] {
                let [base, new, mine, result] = [&base, &new, &mine, &result].map(|tree| tree.get(name));
                let fate = change.files.iter().find(|(path, _)| path.as_str() == name).map(|(_, fate)| fate);
                let Some(fate) = fate else {
                    prop_assert!(base.is_none() && new.is_none() && mine.is_none());
                    continue;
                };
                match fate {
                    Fate::Added(_) => prop_assert!(base.is_none() && mine.is_none() && result == new),
                    Fate::Updated(_) => prop_assert!(mine == base && result == new && new.is_some()),
                    Fate::Deleted => prop_assert!(mine == base && result.is_none() && new.is_none()),
                    Fate::Merged(_) => prop_assert!(mine != base && new != base && mine != new && result != mine),
                    Fate::Kept => prop_assert!(result == mine),
                    Fate::Absent => prop_assert!(mine.is_none() && result.is_none() && base.is_some()),
                    Fate::Conflict => prop_assert!(mine != base && result == mine && new != mine && mine.is_some()),
                }
            }
        }

        #[test]
        fn where_one_side_changed_nothing_the_other_one_counts(base in tree(), other in tree()) {
            let updated = Change::pick(&base, &other, &base);
            prop_assert_eq!(after(&updated, &base), other.clone());
            for kept in [Change::pick(&base, &base, &other), Change::pick(&base, &other, &other)] {
                prop_assert_eq!(kept.edits(), []);
                prop_assert!(kept.files.values().all(|fate| *fate == Fate::Kept));
            }
        }

        #[test]
        fn only_files_that_differ_between_the_renders_are_looked_at(base in tree(), new in tree(), mine in tree()) {
            let mut some = mine.clone();
            for name in ["x", "y", "z"] {
                if base.get(name) == new.get(name) {
                    some.remove(name);
                }
            }
            prop_assert_eq!(Change::pick(&base, &new, &some).edits(), Change::pick(&base, &new, &mine).edits());
        }
    }

    #[test]
    fn both_changes_come_into_a_file() {
        let merged = |base: &str, new: &str, mine: &str| fate(Some(&file(base)), Some(&file(new)), Some(&file(mine)));
        assert_eq!(merged("a\nb\n", "a\nc\n", "0\na\nb\n"), Fate::Merged(file("0\na\nc\n")));
        assert_eq!(merged("x = 1 # y\n", "x = 2 # y\n", "x = 1 # z\n"), Fate::Merged(file("x = 2 # z\n")));
        assert_eq!(merged("x = 1\n", "x = 2\n", "x = 3\n"), Fate::Conflict);
        assert_eq!(merged("\0a\nb\n", "\0a\nc\n", "0\n\0a\nb\n"), Fate::Conflict, "no text is merged");
        let script = File { executable: true, ..file("a\n") };
        let (both, edited) = (File { executable: true, ..file("b\n") }, file("b\n"));
        assert_eq!(fate(Some(&file("a\n")), Some(&script), Some(&edited)), Fate::Merged(both));
    }
}
