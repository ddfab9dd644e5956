//! Conditions of a `cargo-generate.toml`. There they are expressions of Rhai, a whole language without limits; those
//! that only compare are taken, as Liquid.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::question::{AnswerType, Question};

static TERM: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"^\s*(!?)\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:(==|!=)\s*("[^"\\]*"|true|false))?\s*$"#;
    Regex::new(pattern).expect("the pattern is good")
});

/// What such a variable is, and its value where no question gives it.
enum Operand<'q> {
    Bool(&'q str),
    Text(&'q str),
}

/// `rhai` as a Liquid condition over `questions`. The error is half a sentence that says why not.
///
/// Where a question is asked only if another condition holds, that one must hold as well: to Rhai the variable of a
/// question that was not asked does not exist.
pub(super) fn to_liquid(rhai: &str, questions: &[Question]) -> Result<String, String> {
    let either = rhai.contains("||");
    if either && rhai.contains("&&") {
        return Err("`&&` and `||` together are not supported".to_owned());
    }
    let mut needs: Vec<&str> = Vec::new();
    let mut terms = Vec::new();
    for text in rhai.split(if either { "||" } else { "&&" }) {
        let (term, name) = term(text, questions)?;
        let when =
            questions.iter().find(|question| question.name == name).and_then(|question| question.when.as_deref());
        needs.extend(when.filter(|when| !needs.contains(when)));
        terms.push(term);
    }
    if !needs.is_empty() && (either || needs.iter().any(|need| need.contains(" or "))) {
        return Err("`||` on the placeholder of another condition is not supported".to_owned());
    }
    let terms: Vec<String> = needs.into_iter().map(str::to_owned).chain(terms).collect();
    Ok(terms.join(if either { " or " } else { " and " }))
}

/// One comparison, and the variable in it.
fn term<'t>(text: &'t str, questions: &[Question]) -> Result<(String, &'t str), String> {
    let parts = TERM.captures(text).ok_or_else(|| {
        format!(
            "`{}` is more than a comparison of a variable with a text, `true` or `false`",
            text.trim().escape_debug()
        )
    })?;
    let name = parts.get(2).map_or("", |name| name.as_str());
    let negated = !parts[1].is_empty();
    let compared = parts.get(3).zip(parts.get(4)).map(|(operator, value)| (operator.as_str(), value.as_str()));
    let variable = variable(name, questions)?;
    let term = match (variable, compared) {
        (Operand::Bool(value), None) => format!("{value} == {}", !negated),
        (Operand::Bool(value), Some((operator, other))) if !negated && !other.starts_with('"') => {
            format!("{value} {operator} {other}")
        }
        (Operand::Text(value), Some((operator, other))) if !negated && other.starts_with('"') => {
            format!("{value} {operator} {other}")
        }
        _ => return Err(format!("`{}` does not fit the type of `{name}`", text.trim().escape_debug())),
    };
    Ok((term, name))
}

fn variable<'q>(name: &'q str, questions: &'q [Question]) -> Result<Operand<'q>, String> {
    match questions.iter().find(|question| question.name == name).map(|question| &question.kind) {
        Some(AnswerType::Bool) => Ok(Operand::Bool(name)),
        Some(AnswerType::String | AnswerType::Choice { .. }) => Ok(Operand::Text(name)),
        Some(_) => Err(format!("`{name}` is a list, which cannot be compared")),
        None => match name {
            "crate_type" => Ok(Operand::Text("\"lib\"")),
            "is_init" | "within_cargo_project" => Ok(Operand::Bool("false")),
            _ => Err(format!("there is no placeholder `{name}` before it")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: AnswerType, when: Option<&str>) -> Question {
        Question { when: when.map(str::to_owned), ..Question::new(name, kind, "") }
    }

    fn liquid(rhai: &str) -> Result<String, String> {
        let questions = [
            question("db", AnswerType::Bool, None),
            question("kind", AnswerType::String, Some("db == true")),
            question("color", AnswerType::String, None),
        ];
        to_liquid(rhai, &questions)
    }

    #[test]
    fn comparisons_become_liquid() {
        for (rhai, expected) in [
            ("db", "db == true"),
            ("!db", "db == false"),
            (r#" color != "a b" && db==true"#, r#"color != "a b" and db == true"#),
            (r#"color == "a" || crate_type == "lib""#, r#"color == "a" or "lib" == "lib""#),
            (r#"kind == "pg""#, r#"db == true and kind == "pg""#),
        ] {
            assert_eq!(liquid(rhai).as_deref(), Ok(expected), "{rhai}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        for rhai in [
            "",
            "loop {}",
            r#"eval("loop {}")"#,
            "(|| loop {}).call()",
            "color",
            "db == \"true\"",
            "!color == \"a\"",
            "colour == \"a\"",
            "db && (db || db)",
            r#"kind == "pg" || db"#,
            "color == 'a'",
            "db == true; loop {}",
            r#"color == "\"" "#,
        ] {
            assert!(liquid(rhai).is_err(), "{rhai}");
        }
    }
}
