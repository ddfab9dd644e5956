use proptest::prelude::{any, prop_assert, proptest};
use serde_json::json;

use super::{FileRule, Manifest, ManifestError, SpecPlace};
use crate::error::{Blame as _, Fault};
use crate::model::question::{AnswerType, DefaultValue};

const WHOLE: &str = r#"
[template]
name = "proxy"
description = "A proxy"
requires = ">=0.1, <2"

[[question]]
name = "title"
type = "string"
prompt = "Title"
help = "Shown in the catalogue"
default = "{{ spec.title }}"
pattern = "^.{3,60}$"
pattern_hint = "3 to 60 characters"
max_length = 60

[[question]]
name = "style"
type = "choice"
choices = ["apigee", "proxygen"]
default = "proxygen"

[[question]]
name = "port"
type = "integer"
min = 1
max = 65_535
default = 443
when = "style == 'apigee'"

[[question]]
name = "teams"
type = "list"
default = ["a"]

[[question]]
name = "public"
type = "bool"

[[file]]
path = "proxies/**"
when = "style == 'apigee'"

[[file]]
path = "docs/**/*.png"
verbatim = true

[[environment]]
name = "dev"
reviewers = 2
since = 2024-01-02

[[environment]]
name = "prod"

[spec]
path = "specification/{{ name }}"

[github]
topics = ["api", "{{ style }}"]
"#;

/// A manifest with `rest` after its `[template]`, so that the first line of `rest` is line 3.
fn refusal(rest: &str) -> ManifestError {
    Manifest::parse(&format!("[template]\nname = \"t\"\n{rest}")).expect_err("refused")
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(WHOLE).expect("good");
    assert_eq!(manifest.about.name, "proxy");
    assert_eq!(manifest.about.description.as_deref(), Some("A proxy"));
    let names: Vec<&str> = manifest.questions.iter().map(|question| question.name.as_str()).collect();
    assert_eq!(names, ["title", "style", "port", "teams", "public"]);
    let [title, style, port, teams, public] = &manifest.questions[..] else { panic!("five questions") };
    assert_eq!(title.default, Some(DefaultValue::Text("{{ spec.title }}".to_owned())));
    assert_eq!(title.parse("ab"), Err("must be 3 to 60 characters".to_owned()));
    assert_eq!(title.max_length, 60);
    assert_eq!(style.default, Some(DefaultValue::Value(json!("proxygen"))));
    assert_eq!(style.prompt, "style");
    assert_eq!(port.kind, AnswerType::Integer { min: Some(1), max: Some(65_535) });
    assert_eq!(port.default, Some(DefaultValue::Value(json!(443))));
    assert_eq!(port.when.as_deref(), Some("style == 'apigee'"));
    assert_eq!(teams.default, Some(DefaultValue::Value(json!(["a"]))));
    assert_eq!(public.default, None);
    let rule = |path: &str, when: Option<&str>, verbatim| FileRule {
        path: path.to_owned(),
        when: when.map(str::to_owned),
        verbatim,
    };
    let rules = [rule("proxies/**", Some("style == 'apigee'"), false), rule("docs/**/*.png", None, true)];
    assert_eq!(manifest.files, rules);
    let environments: Vec<_> = manifest.environments.into_iter().map(serde_json::Value::Object).collect();
    assert_eq!(environments, [json!({"name": "dev", "reviewers": 2, "since": "2024-01-02"}), json!({"name": "prod"})]);
    assert_eq!(manifest.spec, Some(SpecPlace { path: "specification/{{ name }}".to_owned() }));
    assert_eq!(manifest.github.top.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["topics"]);
}

#[test]
fn a_name_is_all_that_a_manifest_needs() {
    let manifest = Manifest::parse("template = { name = \"t\" }").expect("good");
    assert!(manifest.questions.is_empty() && manifest.files.is_empty() && manifest.environments.is_empty());
    assert!(manifest.spec.is_none() && manifest.github.top.is_empty() && manifest.github.entries.is_empty());
}

#[test]
fn the_tools_version_must_fit() {
    let manifest = Manifest::parse(WHOLE).expect("good");
    for good in ["0.1.0", "1.99.3", "0.1.0-rc.1"] {
        assert_eq!(manifest.fits(good), Ok(()), "{good}");
    }
    for bad in ["0.0.9", "2.0.0", "one"] {
        assert!(manifest.fits(bad).is_err(), "{bad}");
    }
    let error = manifest.fits("2.0.0").expect_err("refused");
    let text =
        "`apiscaffold.toml` line 5, column 12: template `proxy` requires apiscaffold `>=0.1, <2`, and this is 2.0.0";
    assert_eq!(error.to_string(), text);
    assert!(Manifest::parse("[template]\nname = \"t\"").expect("good").fits("0.0.1").is_ok());
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest() {
    let error = refusal("[[question]]\nname = \"a\"\ntype = \"bool\"\n  promt = \"A\"\n");
    assert_eq!((error.line, error.column), (6, 3));
    assert_eq!(error.to_string(), "`apiscaffold.toml` line 6, column 3: `[[question]]` has no key `promt`");
    assert_eq!(error.hint.as_deref(), Some("did you mean `prompt`?"));
    assert_eq!(error.fault(), Fault::Template);
    assert_eq!(refusal("[[questions]]\nname = \"a\"").hint.as_deref(), Some("did you mean `question`?"));
    assert_eq!(
        refusal("[[file]]\npath = \"a\"\ncopy = 1").hint.as_deref(),
        Some("its keys are `path`, `when`, `verbatim`")
    );
    assert_eq!(refusal("[spec]\npath = \"a\"\nx = 1").line, 5);
    assert_eq!(Manifest::parse("[template]\nname = \"t\"\nnme = 1").expect_err("refused").line, 3);
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let error = refusal("[[question]]\nname = oops\n");
    assert_eq!(error.line, 4);
    assert!(!error.sentence.contains('\n'), "{error}");
    assert_eq!(refusal("[github]\na = 1\na = 2").line, 5);
    assert_eq!(Manifest::parse("").expect_err("refused").sentence, "there is no `[template]`");
}

/// The rest of a question, the line that is to blame (the question begins on 3), and words of the sentence.
#[test]
fn a_question_that_breaks_a_rule_is_told_with_its_line() {
    let cases = [
        ("type = \"bool\"", 3, "`[[question]]` needs a key `name`"),
        ("name = \"a\"", 3, "`[[question]]` needs a key `type`"),
        ("name = 1", 4, "`name` must be text in quotes"),
        ("name = \"\"", 4, "`name` must not be empty"),
        ("name = \"aB\"\ntype = \"bool\"", 4, "`aB` cannot be a question's name"),
        ("name = \"1a\"\ntype = \"bool\"", 4, "`1a` cannot be a question's name"),
        ("type = \"bool\"\nname = \"forloop\"", 5, "`forloop` cannot be a question's name: it means something else"),
        ("name = \"a\"\ntype = \"boolean\"", 5, "there is no type `boolean`"),
        ("name = \"a\"\ntype = \"choice\"", 3, "needs a key `choices`"),
        ("name = \"a\"\ntype = \"choice\"\nchoices = []", 6, "`choices` must not be empty"),
        ("name = \"a\"\ntype = \"choice\"\nchoices = [\"x\", 1]", 6, "`choices` must be a list of texts"),
        ("name = \"a\"\ntype = \"choice\"\nchoices = [\"x\", \"x\"]", 6, "`choices` holds `x` twice"),
        (
            "name = \"a\"\ntype = \"string\"\nchoices = [\"x\"]",
            6,
            "`choices` means nothing for a question of type `string`",
        ),
        ("name = \"a\"\ntype = \"string\"\nmin = 1", 6, "`min` means nothing"),
        ("name = \"a\"\ntype = \"bool\"\npattern = \"x\"", 6, "`pattern` means nothing"),
        (
            "name = \"a\"\ntype = \"choice\"\nchoices = [\"x\"]\ndefault = \"y\"",
            7,
            "the default of `a` must be one of `x`",
        ),
        (
            "name = \"a\"\ntype = \"list\"\nchoices = [\"x\"]\ndefault = [\"y\"]",
            7,
            "the default of `a` must be one of `x`",
        ),
        ("name = \"a\"\ntype = \"integer\"\ndefault = \"8\"", 6, "the default of `a` must be a whole number, not text"),
        ("name = \"a\"\ntype = \"integer\"\nmin = 9\ndefault = 8", 7, "the default of `a` must be at least 9"),
        ("name = \"a\"\ntype = \"integer\"\nmin = 9\nmax = 8", 7, "`max` is less than `min`"),
        ("name = \"a\"\ntype = \"integer\"\nmin = 99999999999999999999", 6, "99999999999999999999"),
        ("name = \"a\"\ntype = \"string\"\ndefault = 8", 6, "the default of `a` must be text in quotes, not a number"),
        ("name = \"a\"\ntype = \"string\"\npattern = \"x\"\ndefault = \"y\"", 7, "the default of `a` must match `x`"),
        ("name = \"a\"\ntype = \"string\"\npattern = \"(\"", 6, "`pattern` is not a regular expression"),
        ("name = \"a\"\ntype = \"string\"\npattern_hint = \"x\"", 6, "`pattern_hint` needs a `pattern`"),
        ("name = \"a\"\ntype = \"string\"\nmax_length = 0", 6, "`max_length` must be at least 1"),
        ("name = \"a\"\ntype = \"bool\"\n[[question]]\nname = \"a\"\ntype = \"bool\"", 7, "two questions named `a`"),
    ];
    refuses_questions(&cases);
}

fn refuses_questions(cases: &[(&str, usize, &str)]) {
    for (rest, line, words) in cases {
        let error = refusal(&format!("[[question]]\n{rest}\n"));
        assert!(error.sentence.contains(words), "{rest}: {error}");
        assert_eq!(error.line, *line, "{rest}: {error}");
    }
}

#[test]
fn what_is_taken_otherwise_and_what_speaks_for_a_default_need_a_default_with_tags() {
    refuses_questions(&[
        ("name = \"a\"\ntype = \"string\"\notherwise = \"x\"", 6, "`otherwise` needs a `default` with tags"),
        (
            "name = \"a\"\ntype = \"string\"\ndefault = \"x\"\notherwise = \"x\"",
            7,
            "`otherwise` needs a `default` with tags",
        ),
        (
            "name = \"a\"\ntype = \"string\"\npattern = \"x\"\ndefault = \"{{ name }}\"\notherwise = \"y\"",
            8,
            "`otherwise` of `a` must match `x`",
        ),
        (
            "name = \"a\"\ntype = \"string\"\ndefault = \"x\"\nbecause = \"{{ name }}\"",
            7,
            "`because` needs a `default` with tags",
        ),
    ]);
}

#[test]
fn a_text_that_a_terminal_would_act_on_is_refused() {
    let error = refusal("[[question]]\nname = \"a\"\ntype = \"bool\"\nprompt = \"\\u001b[2J\"");
    assert_eq!((error.line, &*error.sentence), (6, "`prompt` must not hold the character U+001B"));
    let error = refusal("[[question]]\nname = \"a\"\ntype = \"choice\"\nchoices = [\"b\", \"\\u0007\"]");
    assert_eq!((error.line, &*error.sentence), (6, "`choices` must not hold the character U+0007"));
    let windows = "[template]\r\nname = \"t\"\r\ndescription = \"\"\"\r\na\r\nb\"\"\"\r\n";
    assert_eq!(Manifest::parse(windows).expect("good").about.description.as_deref(), Some("a\nb"));
}

#[test]
fn every_reserved_name_is_refused() {
    for name in "api spec template name phases gates forloop".split(' ') {
        let error = refusal(&format!("[[question]]\nname = \"{name}\"\ntype = \"bool\""));
        assert!(error.sentence.contains("means something else"), "{error}");
    }
    for name in "nil null true false empty blank nullable empty_body".split(' ') {
        let error = refusal(&format!("[[question]]\nname = \"{name}\"\ntype = \"bool\""));
        assert!(error.sentence.contains("Liquid reads"), "{error}");
        let better = format!("is_{name}");
        assert_eq!(error.hint, Some(format!("`{better}` would do")));
        assert!(
            Manifest::parse(&format!(
                "[template]\nname = \"t\"\n[[question]]\nname = \"{better}\"\ntype = \"bool\"\nprompt = \"x\""
            ))
            .is_ok()
        );
    }
}

#[test]
fn rules_for_the_other_tables_are_told_with_their_line() {
    let cases = [
        ("[[file]]\npath = \"a[\"", 4, "`a[` is not a glob"),
        ("[[file]]\nverbatim = true", 3, "`[[file]]` needs a key `path`"),
        ("[[file]]\npath = \"a\"\nverbatim = \"yes\"", 5, "`verbatim` must be `true` or `false`"),
        ("[file]\npath = \"a\"", 3, "`file` must be a list of tables, each written `[[file]]`"),
        ("[[environment]]\nurl = \"x\"", 3, "`[[environment]]` needs a key `name`"),
        ("[[environment]]\nname = \"x\"\n[[environment]]\nname = \"x\"", 6, "two environments named `x`"),
        ("[spec]", 3, "`[spec]` needs a key `path`"),
        ("[[github]]\na = 1", 3, "`github` must be a table, written `[github]`"),
    ];
    for (rest, line, words) in cases {
        let error = refusal(rest);
        assert!(error.sentence.contains(words), "{rest}: {error}");
        assert_eq!(error.line, line, "{rest}: {error}");
    }
    let error = Manifest::parse("[template]\nname = \"t\"\nrequires = \"new\"").expect_err("refused");
    assert_eq!((error.line, error.sentence.contains("range of versions")), (3, true), "{error}");
}

proptest! {
    #[test]
    fn any_text_gives_a_manifest_or_a_place_in_it(text in any::<String>()) {
        if let Err(error) = Manifest::parse(&text) {
            prop_assert!(error.line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn a_damaged_manifest_gives_a_manifest_or_a_place_in_it(at in 0..WHOLE.len(), cut in 0..20usize, put in ".{0,3}") {
        let end = (at + cut).min(WHOLE.len());
        let text = format!("{}{put}{}", &WHOLE[..at], &WHOLE[end..]);
        if let Err(error) = Manifest::parse(&text) {
            prop_assert!(error.line <= text.matches('\n').count() + 1);
            prop_assert!(error.column >= 1 && !error.sentence.is_empty());
        }
    }
}
