//! Liquid with our tags and filters: its parser, and its errors in our words.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use liquid_core::{Language, ParseBlock, ParseTag, Renderable};
use liquid_lib::stdlib;

use super::filters;
use super::runtime::{BOUNDED, CAPTURE, IF_CHANGED, LITERAL, WRITTEN};

/// Parsed Liquid, shared between files that hold the same tag.
pub(super) type Code = Arc<Vec<Box<dyn Renderable>>>;

/// Parses Liquid; a tag that stands in many files is parsed once.
pub(super) struct Parser {
    language: Language,
    cache: RwLock<HashMap<String, Code>>,
}

impl Parser {
    pub(super) fn new() -> Self {
        let mut language = Language::empty();
        filters::register(&mut language);
        register_tags(&mut language);
        Self { language, cache: RwLock::default() }
    }

    /// Parsed code, from the cache when the same was parsed before.
    pub(super) fn code(&self, source: &str) -> liquid_core::Result<Code> {
        let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(source).cloned();
        if let Some(code) = cached {
            return Ok(code);
        }
        let code: Code = Arc::new(liquid_core::parser::parse(source, &self.language)?);
        self.cache.write().unwrap_or_else(PoisonError::into_inner).insert(source.to_owned(), Arc::clone(&code));
        Ok(code)
    }
}

fn register_tags(language: &mut Language) {
    let tags: [Box<dyn ParseTag>; 8] = [
        stdlib::AssignTag.into(),
        stdlib::BreakTag.into(),
        stdlib::ContinueTag.into(),
        stdlib::CycleTag.into(),
        stdlib::IncrementTag.into(),
        stdlib::DecrementTag.into(),
        LITERAL.into(),
        BOUNDED.into(),
    ];
    for tag in tags {
        language.tags.register(tag.reflection().tag().to_owned(), tag);
    }
    let blocks: [Box<dyn ParseBlock>; 7] = [
        stdlib::IfBlock.into(),
        stdlib::UnlessBlock.into(),
        stdlib::ForBlock.into(),
        stdlib::CaseBlock.into(),
        CAPTURE.into(),
        WRITTEN.into(),
        IF_CHANGED.into(),
    ];
    for block in blocks {
        language.blocks.register(block.reflection().start_tag().to_owned(), block);
    }
}

/// Liquid's error, which is several lines of text, as one sentence.
pub(super) fn sentence(error: &liquid_core::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("liquid:").trim();
    let context = |key: &str| {
        let found = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    if first.is_empty() || first.starts_with("-->") {
        return format!("not valid Liquid{}", text.lines().rev().find_map(expected).unwrap_or_default());
    }
    if first == "Failed to render" {
        return "too much output".to_owned();
    }
    if let Some(filter) = context("requested filter") {
        return format!("unknown filter `{filter}`");
    }
    let subject = context("requested variable")
        .or_else(|| Some(format!("{}.{}", context("variable")?, context("requested index")?)));
    match subject {
        Some(subject) => format!("unknown variable `{subject}`"),
        None => {
            let mut sentence = first.trim_end_matches('.').to_owned();
            if let Some(letter) = sentence.get(..1).map(str::to_lowercase) {
                sentence.replace_range(..1, &letter);
            }
            let filter = context("filter").map(|name| format!(" (filter `{name}`)")).unwrap_or_default();
            format!("{sentence}{filter}")
        }
    }
}

/// `= expected …` of a parser's message.
fn expected(line: &str) -> Option<String> {
    line.trim().strip_prefix("= ").map(|expected| format!(": {}", expected.trim()))
}
