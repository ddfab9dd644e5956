//! From the name of a revision to what to ask the remote for.

use git2::{Oid, RemoteHead, Repository};

/// The fewest digits of a commit id, as in git.
const SHORTEST_ID: usize = 4;

/// The branches and tags that a remote lists.
pub(super) struct RemoteNames {
    /// Full name and object; an annotated tag also has a line for its commit, named with `^{}` at its end.
    references: Vec<(String, Oid)>,
}

/// What a revision turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RevisionKind {
    /// A branch, a tag or HEAD: the reference to ask for and the commit it leads to.
    Named { reference: String, commit: Oid },
    /// A full commit id.
    Id(Oid),
    /// The first digits of a commit id.
    Abbreviated,
    /// Nothing the remote knows.
    Nothing,
}

impl RemoteNames {
    pub(super) fn of(heads: &[RemoteHead<'_>]) -> Self {
        Self { references: heads.iter().map(|head| (head.name().to_owned(), head.oid())).collect() }
    }

    /// Names come before ids, tags before branches, as in git.
    pub(super) fn find(&self, name: &str) -> RevisionKind {
        let mut candidates = [format!("refs/tags/{name}"), format!("refs/heads/{name}"), name.to_owned()].into_iter();
        if let Some((reference, commit)) = candidates.find_map(|full| self.commit(&full).map(|commit| (full, commit))) {
            return RevisionKind::Named { reference, commit };
        }
        match Oid::from_str(name) {
            Ok(id) if name.len() == 40 => self.tip(id).unwrap_or(RevisionKind::Id(id)),
            _ if is_id(name) => RevisionKind::Abbreviated,
            _ => RevisionKind::Nothing,
        }
    }

    /// Every server gives what a name of its leads to; other commits, many do not.
    fn tip(&self, commit: Oid) -> Option<RevisionKind> {
        let (name, _) = self.references.iter().find(|(_, id)| *id == commit)?;
        Some(RevisionKind::Named { reference: name.trim_end_matches("^{}").to_owned(), commit })
    }

    fn commit(&self, full: &str) -> Option<Oid> {
        let peeled = format!("{full}^{{}}");
        let find = |wanted: &str| self.references.iter().find(|(name, _)| name == wanted).map(|(_, id)| *id);
        find(&peeled).or_else(|| find(full))
    }

    /// Short names of the tags, newest-looking first, then of the branches.
    pub(super) fn names(&self) -> Vec<String> {
        short_names(self.references.iter().map(|(name, _)| name.as_str()))
    }
}

/// Whether `text` may be a commit id or the beginning of one.
pub(super) fn is_id(text: &str) -> bool {
    (SHORTEST_ID..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Short names of a local repository's tags and branches.
pub(super) fn names_in(repository: &Repository) -> Vec<String> {
    let names: Vec<String> = repository
        .references()
        .map(|references| references.flatten().filter_map(|r| r.name().ok().map(ToOwned::to_owned)).collect())
        .unwrap_or_default();
    short_names(names.iter().map(String::as_str))
}

fn short_names<'a>(full: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let below = |prefix: &'static str| {
        let mut names: Vec<String> = full
            .clone()
            .filter_map(|name| name.strip_prefix(prefix))
            .filter(|name| !name.ends_with("^{}"))
            .map(ToOwned::to_owned)
            .collect();
        names.sort();
        names
    };
    let mut tags = below("refs/tags/");
    tags.reverse();
    tags.into_iter().chain(below("refs/heads/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> Oid {
        Oid::from_str(&digit.to_string().repeat(40)).expect("an id")
    }

    fn advertised(references: &[(&str, char)]) -> RemoteNames {
        RemoteNames { references: references.iter().map(|(name, digit)| ((*name).to_owned(), id(*digit))).collect() }
    }

    #[test]
    fn tags_come_before_branches_and_names_before_ids() {
        let remote = advertised(&[
            ("HEAD", '1'),
            ("refs/heads/cafe", '2'),
            ("refs/heads/v1", '3'),
            ("refs/tags/v1", '4'),
            ("refs/tags/v1^{}", '5'),
        ]);
        let named = |reference: &str, digit| RevisionKind::Named { reference: reference.to_owned(), commit: id(digit) };
        assert_eq!(remote.find("v1"), named("refs/tags/v1", '5'));
        assert_eq!(remote.find("cafe"), named("refs/heads/cafe", '2'));
        assert_eq!(remote.find("HEAD"), named("HEAD", '1'));
        assert_eq!(remote.find("refs/heads/v1"), named("refs/heads/v1", '3'));
        assert_eq!(remote.find(&"2".repeat(40)), named("refs/heads/cafe", '2'));
        assert_eq!(remote.find(&"5".repeat(40)), named("refs/tags/v1", '5'));
        assert_eq!(remote.find(&"9".repeat(40)), RevisionKind::Id(id('9')));
        assert_eq!(remote.find("beef"), RevisionKind::Abbreviated);
        assert_eq!(remote.find("bee"), RevisionKind::Nothing);
        assert_eq!(remote.find(&"2".repeat(41)), RevisionKind::Nothing);
        assert_eq!(remote.find(""), RevisionKind::Nothing);
        assert_eq!(remote.names(), ["v1", "cafe", "v1"]);
    }
}
