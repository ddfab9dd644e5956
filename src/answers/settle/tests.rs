use std::collections::BTreeMap;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use super::{Expression, settle};
use crate::answers::{Answers, AnswersFile, Layers, Origin};
use crate::error::{Blame, Failure, Fault, render};
use crate::model::name::ApiName;
use crate::model::question::{AnswerType, DefaultValue, MAX_LENGTH, Pattern, Question};
use crate::template::engine::Engine;
use crate::template::values::Values;

fn question(name: &str, kind: AnswerType) -> Question {
    Question {
        name: name.to_owned(),
        kind,
        prompt: name.to_owned(),
        help: None,
        default: None,
        pattern: None,
        max_length: MAX_LENGTH,
        otherwise: None,
        because: None,
        withheld: Vec::new(),
        when: None,
    }
}

fn text(name: &str) -> Question {
    question(name, AnswerType::String)
}

fn integer(name: &str) -> Question {
    question(name, AnswerType::Integer { min: None, max: None })
}

fn style() -> Question {
    question("style", AnswerType::Choice { choices: vec!["apigee".to_owned(), "proxygen".to_owned()] })
}

impl Question {
    fn built(self, template: &str) -> Self {
        Self { default: Some(DefaultValue::Text(template.to_owned())), ..self }
    }

    fn fixed(self, value: Value) -> Self {
        Self { default: Some(DefaultValue::Value(value)), ..self }
    }

    fn when(self, condition: &str) -> Self {
        Self { when: Some(condition.to_owned()), ..self }
    }

    fn like(self, pattern: &str) -> Self {
        Self { pattern: Some(Pattern::new(pattern, None).expect("good")), ..self }
    }
}

/// The engine that templates are rendered with, over the answers and the name.
fn evaluate(expression: Expression<'_>, answers: &Map<String, Value>) -> Result<Value, Failure> {
    let mut values = answers.clone();
    values.insert("name".to_owned(), json!("my-api"));
    let (engine, values) = (Engine::new(), Values::new(&values));
    Ok(match expression {
        Expression::Text(text) => Value::String(engine.text("default", text, &values)?),
        Expression::Condition(condition) => Value::Bool(engine.condition("when", condition, &values)?),
    })
}

fn try_settled(questions: &[Question], layers: &Layers) -> Result<Answers, Failure> {
    settle(&ApiName::new("my-api").expect("good"), questions, layers, &mut evaluate, None)
}

fn settled(questions: &[Question], layers: &Layers) -> Answers {
    try_settled(questions, layers).unwrap_or_else(|failure| panic!("{}", render(&*failure)))
}

/// Who must act, and the lines of the error without the first one when there are several.
fn refusal(questions: &[Question], layers: &Layers) -> (Fault, Vec<String>) {
    let failure = try_settled(questions, layers).expect_err("refused");
    let text = failure.to_string();
    let lines: Vec<&str> = text.lines().collect();
    let lines = if lines.len() > 1 { &lines[1..] } else { &lines[..] };
    (failure.fault(), lines.iter().map(|line| line.trim().to_owned()).collect())
}

fn set(pairs: &[(&str, &str)]) -> Layers {
    let set = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Layers { set, ..Layers::default() }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn answers_file(path: &str, value: Value) -> Option<AnswersFile> {
    Some(AnswersFile { path: path.into(), values: object(value) })
}

#[test]
fn the_strongest_layer_answers() {
    let questions: Vec<Question> = ["a", "b", "c", "d", "e", "f"].map(|name| text(name).fixed(json!("0"))).into();
    let variable = |key: &str| (key.to_owned(), format!("APISCAFFOLD_{}", key.to_uppercase()), "3".to_owned());
    let layers = Layers {
        file: answers_file("a.toml", json!({"a": "2", "b": "2"})),
        environment: ["a", "b", "c", "owner"].map(variable).into(),
        config: answers_file("c.toml", json!({"a": "4", "b": "4", "c": "4", "d": "4", "colour": 1})),
        spec: object(json!({"a": "5", "b": "5", "c": "5", "d": "5", "e": "5", "f": null})),
        ..set(&[("a", "0"), ("a", "1")])
    };
    let answers = settled(&questions, &layers);
    assert_eq!(
        Value::Object(answers.values().clone()),
        json!({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "0"})
    );
    let origins = [
        Origin::Set,
        Origin::File("a.toml".into()),
        Origin::Environment("APISCAFFOLD_C".to_owned()),
        Origin::Config("c.toml".into()),
        Origin::Spec,
        Origin::Default,
    ];
    for (question, origin) in questions.iter().zip(&origins) {
        assert_eq!(answers.origin(&question.name), Some(origin));
    }
    assert!(
        answers.is_explicit("d") && answers.is_explicit("e") && !answers.is_explicit("f") && !answers.is_explicit("g")
    );
    assert_eq!((answers.origin("owner"), answers.notes.len()), (None, 0));
}

#[test]
fn what_was_derived_stands_in_the_place_of_the_default_only() {
    let questions = [text("a").fixed(json!("0")), text("b").fixed(json!("0"))];
    let derived = object(json!({"a": "9", "b": "9", "c": "9"}));
    let answers = settled(&questions, &Layers { derived, spec: object(json!({"b": "5"})), ..Layers::default() });
    assert_eq!(Value::Object(answers.values().clone()), json!({"a": "9", "b": "5"}));
    assert!(!answers.is_explicit("a") && answers.is_explicit("b") && answers.notes.is_empty());
}

#[test]
fn answers_are_in_order_of_the_questions_and_typed() {
    let list = question("tags", AnswerType::List { choices: vec![], min: 0 });
    let questions = [integer("z"), question("y", AnswerType::Bool), list, text("a")];
    let answers = settled(&questions, &set(&[("a", "x\r\ny"), ("tags", "p,q"), ("y", "no"), ("z", "7")]));
    let keys: Vec<&String> = answers.values().keys().collect();
    assert_eq!(keys, ["z", "y", "tags", "a"]);
    assert_eq!(Value::Object(answers.values().clone()), json!({"z": 7, "y": false, "tags": ["p", "q"], "a": "x\ny"}));
}

#[test]
fn a_default_is_built_from_the_answers_before_it() {
    let list = question("words", AnswerType::List { choices: vec![], min: 0 });
    let questions = [
        text("title").built("The {{ name }}"),
        text("slug").built("{{ title | downcase }}"),
        integer("port").built("{% if slug contains 'api' %}443{% endif %}"),
        list.built("{{ title | split: ' ' | join: ',' }}"),
        question("none", AnswerType::List { choices: vec![], min: 0 }).built("{% if false %}x{% endif %}"),
        text("empty").built("{% if false %}x{% endif %}"),
    ];
    let want = json!({"title": "The my-api", "slug": "the my-api", "port": 443, "words": ["The", "my-api"], "none": [], "empty": ""});
    assert_eq!(Value::Object(settled(&questions, &Layers::default()).values().clone()), want);
    let answers = settled(&questions, &set(&[("title", "API")]));
    assert_eq!((&answers.values()["slug"], &answers.values()["port"]), (&json!("api"), &json!(443)));
}

#[test]
fn everything_missing_or_wrong_is_told_at_once() {
    let questions = [
        Question { prompt: "Title of the API".to_owned(), ..text("title") },
        integer("port"),
        style(),
        question("public", AnswerType::Bool),
        text("owner").built("{{ title }}"),
        text("team").like("[a-z]+"),
    ];
    let layers = Layers {
        file: answers_file("a.toml", json!({"port": "8", "name": "other", "tilte": 1})),
        environment: vec![("style".to_owned(), "APISCAFFOLD_STYLE".to_owned(), "apige".to_owned())],
        config: answers_file("c.toml", json!({"public": 1})),
        spec: object(json!({"team": "A".repeat(50)})),
        ..set(&[("colour", "x"), ("name", "my-api")])
    };
    let (fault, lines) = refusal(&questions, &layers);
    assert_eq!(fault, Fault::Input);
    let want = [
        "`--set colour=…`: there is no such question".to_owned(),
        "`a.toml`: `name`: must be `my-api`, the name of the API".to_owned(),
        "`a.toml`: `tilte`: there is no such question; did you mean `title`?".to_owned(),
        "`title` is missing (Title of the API): give `--set title=…`".to_owned(),
        "`a.toml`: `port`: must be a whole number, not text".to_owned(),
        "variable `APISCAFFOLD_STYLE=apige`: must be one of `apigee`, `proxygen`; did you mean `apigee`?".to_owned(),
        "`c.toml`: `public`: must be `true` or `false`, not a number".to_owned(),
        format!("the spec: `team` is `{}…`: must match `[a-z]+`; give `--set team=…`", "A".repeat(40)),
    ];
    assert_eq!(lines, want);
}

#[test]
fn a_wrong_answer_that_a_stronger_one_hides_is_no_matter() {
    let layers = Layers { file: answers_file("a.toml", json!({"port": "x"})), ..set(&[("port", "8")]) };
    assert_eq!(settled(&[integer("port")], &layers).values()["port"], json!(8));
}

#[test]
fn an_empty_default_is_no_answer_to_a_choice_an_integer_a_bool_or_a_pattern() {
    let empty = "{% if false %}x{% endif %} ";
    let questions = [
        style().built(empty),
        integer("port").built(empty),
        question("public", AnswerType::Bool).built(empty),
        text("title").like("..").built(empty.trim()),
    ];
    let (fault, lines) = refusal(&questions, &Layers::default());
    assert_eq!(fault, Fault::Input);
    let missing = |name: &str| format!("`{name}` is missing: give `--set {name}=…`");
    assert_eq!(lines, ["style", "port", "public", "title"].map(missing));
}

#[test]
fn a_default_that_breaks_its_rule_is_the_templates_fault_unless_it_was_built() {
    let (fault, lines) = refusal(&[text("a").like("[a-z]+").fixed(json!("A"))], &Layers::default());
    assert_eq!((fault, &*lines[0]), (Fault::Template, "the template's default for `a` is `A`: must match `[a-z]+`"));
    let (fault, _) = refusal(&[text("a").like("[a-z]+").built("A")], &Layers::default());
    assert_eq!(fault, Fault::Template);
    let (fault, lines) = refusal(&[text("a").like("[a-z]+").built("{{ name }}")], &Layers::default());
    let line = "the default of `a` would be `my-api`: must match `[a-z]+`; give `--set a=…`";
    assert_eq!((fault, &*lines[0]), (Fault::Input, line));
}

#[test]
fn where_a_built_default_breaks_its_rule_or_is_nothing_the_other_is_taken() {
    let or_b = |question: Question| Question { otherwise: Some(DefaultValue::Value(json!("b"))), ..question };
    for (template, want) in [("{{ name }}", "b"), ("{% if false %}x{% endif %}", "b"), ("{{ name | slice: 0 }}", "m")] {
        let questions = [or_b(text("a").like("^[a-z]$").built(template))];
        assert_eq!(settled(&questions, &Layers::default()).values()["a"], json!(want), "{template}");
    }
    let empty = [or_b(text("a").built("{% if false %}x{% endif %}"))];
    assert_eq!(settled(&empty, &Layers::default()).values()["a"], json!("b"), "although nothing breaks no rule");
    let failure = try_settled(&[or_b(text("a").built("{{ nobody }}"))], &Layers::default()).expect_err("refused");
    assert_eq!(failure.fault(), Fault::Template);
    let (_, lines) = refusal(&[or_b(text("a").like("^[a-z]$").built("{{ name }}"))], &set(&[("a", "A")]));
    assert_eq!(lines, ["`--set a=A`: must match `^[a-z]$`"]);
}

#[test]
fn a_default_sees_what_speaks_for_it_and_what_is_taken_otherwise_may_be_built() {
    let because = |question: Question, text: &str| Question { because: Some(text.to_owned()), ..question };
    let built = "{% if because == 'the name' %}apigee{% else %}proxygen{% endif %}";
    let path = Question {
        otherwise: Some(DefaultValue::Text("{{ name }}-{{ style }}".to_owned())),
        ..text("path").like("[a-z-]+").built("{% if style == 'apigee' %}A!{% else %}fine{% endif %}")
    };
    for (says, style_is, path_is, reason) in [
        ("{% if name == 'my-api' %} the\n name {% endif %}", "apigee", "my-api-apigee", "the name"),
        ("{% if false %}x{% endif %}", "proxygen", "fine", ""),
    ] {
        let questions = [because(style().built(built), says), path.clone()];
        let answers = settled(&questions, &Layers::default());
        assert_eq!(answers.values()["style"], json!(style_is));
        assert_eq!(answers.values()["path"], json!(path_is));
        assert_eq!((answers.reason("style"), answers.reason("path")), (Some(reason), None));
        let given = settled(&questions, &set(&[("style", "apigee")]));
        assert_eq!(given.reason("style"), None, "it was not needed");
    }
    let unfit = Question { otherwise: Some(DefaultValue::Text("{{ name }}!".to_owned())), ..path };
    let (_, lines) = refusal(&[style().fixed(json!("apigee")), unfit], &Layers::default());
    assert!(lines[0].starts_with("the default of `path` would be `my-api!`"), "{lines:?}");
    let failure = try_settled(&[because(text("a").built("x{{ name }}"), "{{ nobody }}")], &Layers::default());
    assert_eq!(failure.expect_err("refused").fault(), Fault::Template);
}

#[test]
fn a_template_that_cannot_be_rendered_is_told_as_such() {
    let failure = try_settled(&[text("a").built("{{ nobody }}")], &Layers::default()).expect_err("refused");
    assert_eq!(failure.fault(), Fault::Template);
    assert!(failure.to_string().contains("nobody"), "{failure}");
    let failure = try_settled(&[text("a").when("nobody")], &Layers::default()).expect_err("refused");
    assert_eq!(failure.fault(), Fault::Template);
}

#[test]
fn a_question_whose_condition_does_not_hold_keeps_its_default() {
    let when = "style == 'apigee'";
    let questions = [
        style(),
        integer("port").fixed(json!(443)).when(when),
        text("team").built("{{ style }}s").when(when),
        text("a").when(when),
        integer("b").when(when),
        question("c", AnswerType::Bool).when(when),
        question("d", AnswerType::List { choices: vec![], min: 0 }).when(when),
        integer("e").built("{{ style }}").when(when),
    ];
    let layers =
        Layers { config: answers_file("c.toml", json!({"a": "x"})), ..set(&[("style", "proxygen"), ("port", "8")]) };
    let answers = settled(&questions, &layers);
    let want = json!({"style": "proxygen", "port": 443, "team": "proxygens", "a": "", "b": null, "c": false, "d": [], "e": null});
    assert_eq!(Value::Object(answers.values().clone()), want);
    assert_eq!(answers.notes, ["`--set`: `port` has no effect, because `style == 'apigee'` does not hold"]);
    assert_eq!(answers.origin("port"), Some(&Origin::Default));
    let (_, lines) = refusal(&questions, &set(&[("style", "proxygen"), ("port", "x")]));
    assert_eq!(lines, ["`--set port=x`: must be a whole number"]);
    let (_, lines) = refusal(&questions, &set(&[("style", "apigee"), ("port", "8")]));
    assert_eq!(lines.len(), 5, "{lines:?}");
}

#[test]
fn what_nobody_answered_is_asked_with_a_proposal() {
    let questions = [
        text("title"),
        style().fixed(json!("apigee")),
        text("team").like("[a-z]+").built("{{ title }}"),
        integer("port").when("style == 'proxygen'"),
        integer("limit"),
        text("given"),
    ];
    let mut proposals = BTreeMap::new();
    let mut ask = |question: &Question, proposed: Option<&Value>| {
        proposals.insert(question.name.clone(), proposed.cloned());
        Ok(match question.name.as_str() {
            "limit" => json!(3),
            "style" => proposed.cloned().expect("proposed"),
            _ => json!("abc"),
        })
    };
    let layers = Layers { spec: object(json!({"title": "The API", "limit": "x y"})), ..set(&[("given", "g")]) };
    let name = ApiName::new("my-api").expect("good");
    let answers = settle(&name, &questions, &layers, &mut evaluate, Some(&mut ask));
    let answers = answers.unwrap_or_else(|failure| panic!("{failure}"));
    let asked = json!({"title": "The API", "style": "apigee", "team": "abc", "limit": "x y"});
    let proposals: Map<String, Value> = proposals.into_iter().map(|(k, v)| (k, v.unwrap_or_default())).collect();
    assert_eq!(Value::Object(proposals), asked);
    let want = json!({"title": "abc", "style": "apigee", "team": "abc", "port": null, "limit": 3, "given": "g"});
    assert_eq!(Value::Object(answers.values().clone()), want);
    assert_eq!(answers.origin("style"), Some(&Origin::Asked));
}

#[test]
fn what_a_person_has_answered_is_not_asked_again() {
    let questions = [text("title"), style(), text("key").built("{{ title }}").when("style == 'proxygen'")];
    let name = ApiName::new("my-api").expect("good");
    let mut typed = |question: &Question, _: Option<&Value>| -> Result<Value, Failure> {
        Ok(if question.name == "style" { json!("apigee") } else { json!("typed") })
    };
    let mut layers = Layers::default();
    let first = settle(&name, &questions, &layers, &mut evaluate, Some(&mut typed)).expect("settled");
    layers.asked = first.asked();
    layers.derived.insert("key".to_owned(), json!("another"));
    let mut nobody =
        |question: &Question, _: Option<&Value>| -> Result<Value, Failure> { panic!("{} asked again", question.name) };
    let second = settle(&name, &questions, &layers, &mut evaluate, Some(&mut nobody)).expect("settled");
    assert_eq!(second.origin("title"), Some(&Origin::Asked));
    assert_eq!((&second.values()["title"], &second.values()["style"]), (&json!("typed"), &json!("apigee")));
}

#[test]
fn nothing_is_asked_when_an_answer_is_wrong_already() {
    let mut ask =
        |question: &Question, _: Option<&Value>| -> Result<Value, Failure> { panic!("{} asked", question.name) };
    let name = ApiName::new("my-api").expect("good");
    let questions = [text("a"), integer("b")];
    for layers in [set(&[("b", "x")]), set(&[("c", "x")])] {
        let failure = settle(&name, &questions, &layers, &mut evaluate, Some(&mut ask)).expect_err("refused");
        assert_eq!((failure.fault(), failure.to_string().lines().count()), (Fault::Input, 1), "{failure}");
    }
}

#[test]
fn a_refusal_to_answer_ends_it() {
    #[derive(Debug, thiserror::Error)]
    #[error("stopped")]
    struct Stopped;
    impl Blame for Stopped {
        fn fault(&self) -> Fault {
            Fault::Interrupted
        }
    }
    let mut ask = |_: &Question, _: Option<&Value>| Err(Stopped.into());
    let name = ApiName::new("my-api").expect("good");
    let failure = settle(&name, &[text("a")], &Layers::default(), &mut evaluate, Some(&mut ask)).expect_err("refused");
    assert_eq!(failure.fault(), Fault::Interrupted);
}

/// Layers of every kind over three questions, right and wrong.
fn layers() -> impl Strategy<Value = Layers> {
    let key = || prop_oneof![Just("a"), Just("b"), Just("style"), Just("name"), Just("zz")].prop_map(str::to_owned);
    let word = || prop_oneof!["[a-z0-9]{0,3}".boxed(), Just("apigee".to_owned()).boxed(), any::<String>().boxed()];
    let value = || prop_oneof![word().prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null)];
    let map = move || proptest::collection::vec((key(), value()), 0..4).prop_map(|pairs| pairs.into_iter().collect());
    let file = move || {
        proptest::option::of(map().prop_map(|values: Map<String, Value>| AnswersFile { path: "f".into(), values }))
    };
    let set = proptest::collection::vec((key(), word()), 0..4);
    let environment = proptest::collection::vec((key(), Just("V".to_owned()), word()), 0..3);
    (set, file(), environment, file(), map()).prop_map(|(set, file, environment, config, spec)| Layers {
        set,
        file,
        environment,
        config,
        spec,
        derived: Map::new(),
        asked: Map::new(),
    })
}

proptest! {
    #[test]
    fn any_layers_give_answers_that_keep_the_rules_or_an_error_of_the_user(layers in layers()) {
        let questions = [style(), integer("a").fixed(json!(1)), text("b").like("[a-z]*").built("{{ style }}").when("a == 1")];
        match try_settled(&questions, &layers) {
            Ok(answers) => for question in &questions {
                let value = &answers.values()[&question.name];
                let kept = question.check(value);
                prop_assert_eq!(kept.as_ref(), Ok(value));
            },
            Err(failure) => {
                prop_assert_eq!(failure.fault(), Fault::Input);
                let text = failure.to_string();
                prop_assert!(text.lines().all(|line| !line.chars().any(char::is_control)), "{text:?}");
            }
        }
    }
}
