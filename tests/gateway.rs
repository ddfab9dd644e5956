//! Which flow of a proxy takes a request, as Apigee decides it: the first one whose condition holds.

use std::sync::LazyLock;

use fancy_regex::Regex;
use roxmltree::Node;

use crate::small_http::Request;

/// The first flow of the endpoint that takes the request, whose path goes on with `suffix` behind the base path.
pub(crate) fn flow<'a>(endpoint: &'a roxmltree::Document<'_>, request: &Request, suffix: &str) -> Option<Node<'a, 'a>> {
    let variable = |name: &str| match name {
        "proxy.pathsuffix" => Some(suffix.to_owned()),
        "request.verb" => Some(request.method.clone()),
        name => request.headers.get(name.strip_prefix("request.header.")?).cloned(),
    };
    endpoint
        .descendants()
        .filter(|node| node.has_tag_name("Flow"))
        .find(|flow| child(*flow, "Condition").is_none_or(|condition| holds(condition, &variable)))
}

/// Whether the flow answers 404.
pub(crate) fn refuses(flow: Node<'_, '_>) -> bool {
    let steps = flow.descendants().filter(|node| node.has_tag_name("Step"));
    steps.filter_map(|step| child(step, "Name")).any(|name| name == "RaiseFault.404NotFound")
}

fn child<'a>(node: Node<'a, 'a>, tag: &str) -> Option<&'a str> {
    node.children().find(|child| child.has_tag_name(tag)).and_then(|child| child.text())
}

static TOKEN: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r#""[^"]*"|[()]|[A-Za-z][\w.-]*|[=!~/<>:&|]+"#).expect("it is a pattern"));

/// Gives the value of a variable, if it has one.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Whether a condition holds. What Apigee's conditions have and the template does not use is a panic.
pub(crate) fn holds(condition: &str, variable: Variables<'_>) -> bool {
    let tokens: Vec<&str> = TOKEN.find_iter(condition).map(|found| found.as_str()).collect();
    let written: String = condition.split_whitespace().collect();
    assert_eq!(tokens.concat().replace(' ', ""), written, "a condition that is not understood");
    let mut reader = Reader { tokens: &tokens, variable };
    let value = reader.either();
    assert!(reader.tokens.is_empty(), "{condition}: not understood from {:?}", reader.tokens);
    value
}

struct Reader<'a> {
    tokens: &'a [&'a str],
    variable: Variables<'a>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> &'a str {
        let (first, rest) = self.tokens.split_first().expect("the condition goes on");
        self.tokens = rest;
        first
    }

    fn next_is(&mut self, words: [&str; 2]) -> bool {
        let is = self.tokens.first().is_some_and(|token| words.iter().any(|word| token.eq_ignore_ascii_case(word)));
        if is {
            self.next();
        }
        is
    }

    fn either(&mut self) -> bool {
        let mut value = self.both();
        while self.next_is(["or", "||"]) {
            value |= self.both();
        }
        value
    }

    fn both(&mut self) -> bool {
        let mut value = self.one();
        while self.next_is(["and", "&&"]) {
            value &= self.one();
        }
        value
    }

    fn one(&mut self) -> bool {
        if self.next_is(["not", "!"]) {
            return !self.one();
        }
        if self.next_is(["(", "("]) {
            let value = self.either();
            assert_eq!(self.next(), ")");
            return value;
        }
        let value = (self.variable)(self.next());
        let operator = self.next().to_lowercase();
        let right = self.next();
        let other = (right != "null").then(|| right.trim_matches('"').to_owned());
        match operator.as_str() {
            "=" | "==" | "equals" | "is" => value == other,
            "!=" | "notequals" | "isnot" => value != other,
            "~/" | "matchespath" | "likepath" => matches(&path_regex(&other.expect("a pattern")), value),
            "~~" | "javaregex" => matches(&other.expect("a pattern"), value),
            operator => panic!("the operator `{operator}` is not known here"),
        }
    }
}

/// As `java.util.regex` does it: the whole text must match.
fn matches(pattern: &str, value: Option<String>) -> bool {
    let regex = Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    value.is_some_and(|value| regex.is_match(&value).expect("it comes to an end"))
}

/// `MatchesPath`: `*` is within one segment, which may be empty; `**` goes on over slashes.
fn path_regex(pattern: &str) -> String {
    regex::escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
}

#[test]
fn conditions_hold_as_in_apigee() {
    let variable = |name: &str| match name {
        "proxy.pathsuffix" => Some("/pets/1".to_owned()),
        "request.verb" => Some("GET".to_owned()),
        _ => None,
    };
    for (condition, value) in [
        ("request.verb = \"GET\"", true),
        ("(request.verb != \"GET\")", false),
        ("request.header.apikey = null", true),
        ("(request.header.apikey != null) or (request.verb equals \"GET\")", true),
        ("not (request.verb = \"GET\") and (request.verb = \"GET\")", false),
        ("request.verb = \"PUT\" or request.verb = \"GET\" and proxy.pathsuffix ~/ \"/pets\"", false),
        ("proxy.pathsuffix MatchesPath \"/pets/*\"", true),
        ("proxy.pathsuffix MatchesPath \"/pets\"", false),
        ("proxy.pathsuffix MatchesPath \"/*\"", false),
        ("proxy.pathsuffix MatchesPath \"/**\"", true),
        ("proxy.pathsuffix MatchesPath \"/pets/1*\"", true),
        ("proxy.pathsuffix JavaRegex \"/pets\"", false),
        ("proxy.pathsuffix ~~ \"/pets/[0-9]\"", true),
        ("proxy.pathsuffix ~~ \"/(?>[^/]+?s)/[^/]+\"", true),
        ("proxy.pathsuffix ~~ \"a|/pets/1|b\"", true),
    ] {
        assert_eq!(holds(condition, &variable), value, "{condition}");
    }
}
