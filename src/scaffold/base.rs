//! The newest base of a repository: the pristine render, as it was when the tool made it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::Failure;
use crate::git::read;
use crate::model::receipt::{self, Receipt};
use crate::model::tree::Tree;

/// How many files a message names.
const NAMED: usize = 5;

/// The files of the base of the repository in `folder`; none when it has none.
///
/// # Errors
/// The repository cannot be read.
pub(crate) fn files(folder: &Path) -> Result<Option<Tree>, Failure> {
    let Some(base) = read::base(folder)? else { return Ok(None) };
    Ok(Some(read::tree_at(folder, Some(&base), None)?.0))
}

/// The receipt among the files of a base.
pub(crate) fn receipt(base: &Tree) -> Option<Receipt> {
    toml::from_str(base.get(receipt::FILE_NAME)?.text()?).ok()
}

/// What is different between a base and what the tool would make now: answers, template and version first, else files.
pub(crate) fn differences(base: &Tree, now: &Tree) -> Vec<String> {
    let mut different = Vec::new();
    if let (Some(old), Some(new)) = (receipt(base), receipt(now)) {
        let keys: BTreeSet<&String> = old.answers.keys().chain(new.answers.keys()).collect();
        let changed = keys.into_iter().filter(|key| old.answers.get(*key) != new.answers.get(*key));
        different.extend(changed.map(|key| format!("the answer to `{key}`")));
        if old.template != new.template {
            different.push(format!("the template, `{}` at {}", old.template.source, old.template.revision));
        }
        if old.tool != new.tool {
            different.push(format!("the version of apiscaffold, {}", old.tool));
        }
    }
    if different.is_empty() {
        let paths: BTreeSet<&str> = base.iter().chain(now.iter()).map(|(path, _)| path.as_str()).collect();
        let mut changed = paths.into_iter().filter(|path| base.get(path) != now.get(path));
        different.extend(changed.by_ref().take(NAMED).map(|path| format!("`{path}`")));
        let more = changed.count();
        different.extend((more > 0).then(|| format!("{more} other files")));
    }
    different
}
