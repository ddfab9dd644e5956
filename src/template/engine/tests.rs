use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn values(value: Value) -> Values {
    let Value::Object(map) = value else { panic!("an object") };
    Values::new(&map)
}

fn sample() -> Values {
    values(json!({
        "name": "my-api", "title": "A \"title\"", "flag": true, "off": false, "count": 3, "nothing": null,
        "items": ["a", "b"], "spec": null, "api": {"name": "my-api", "tags": ["x"]},
        "ops": [{"id": "one", "path": "/a"}, {"id": "two", "path": "/b"}],
    }))
}

fn plain(text: &str) -> String {
    Engine::new().text("t", text, &sample()).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> RenderError {
    Engine::new().text("t", text, &sample()).expect_err("it must not render")
}

#[test]
fn outputs_blocks_loops_and_filters_work_as_in_liquid() {
    assert_eq!(plain("a {{ name }} b"), "a my-api b");
    assert_eq!(plain("{% if flag %}yes{% else %}no{% endif %}{% unless off %}!{% endunless %}"), "yes!");
    assert_eq!(plain("{% for op in ops %}{{ forloop.index }}={{ op.id }} {% endfor %}"), "1=one 2=two ");
    assert_eq!(
        plain("{% assign x = name | upcase %}{{ x }}{% capture y %}[{{ x }}]{% endcapture %}{{ y }}"),
        "MY-API[MY-API]"
    );
    assert_eq!(plain("{% case count %}{% when 1 %}one{% when 3 or 4 %}three{% else %}many{% endcase %}"), "three");
    assert_eq!(plain("{% for i in (1..count) %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}"), "13");
    assert_eq!(
        plain("{{ 'ab Cd' | kebab }} {{ 'ab-cd' | pascal }} {{ 'my-own-api' | initials }} {{ items | join: '+' }}"),
        "ab-cd AbCd moa a+b"
    );
    assert_eq!(plain("{% for op in ops -%}\n  {{ op.path }}\n{%- endfor %}"), "/a/b");
}

#[test]
fn expressions_of_other_engines_are_untouched() {
    assert_eq!(plain("x: ${{ github.ref }} {{ name }} ${{ a || '' }}"), "x: ${{ github.ref }} my-api ${{ a || '' }}");
    assert_eq!(plain("{% if flag %}${{ matrix }}{% endif %}"), "${{ matrix }}");
    assert_eq!(plain("{% raw %}{{ APIGEE }}{% endraw %}"), "{{ APIGEE }}");
}

#[test]
fn an_unknown_variable_is_an_error_with_its_place() {
    let shown = |text: &str| error(text).to_string();
    assert_eq!(shown("a\nb {{ nope }}"), "`t` line 2, column 3: unknown variable `nope`");
    assert_eq!(shown("{% if nope %}{% endif %}"), "`t` line 1, column 1: unknown variable `nope`");
    assert_eq!(shown("\n{% if off %}\n{{ nope }}{% endif %}"), "`t` line 3, column 1: unknown variable `nope`");
    assert_eq!(shown("x\n {{ api.nope }}"), "`t` line 2, column 2: unknown variable `api.nope`");
    assert_eq!(
        shown("{% for op in ops %}\n\n {{ op.nope }}{% endfor %}"),
        "`t` line 3, column 2: unknown variable `op.nope`"
    );
    assert_eq!(
        shown("{% for op in ops %}\n{% if op.nope %}{% endif %}{% endfor %}"),
        "`t` line 2, column 1: unknown variable `op.nope`"
    );
    assert_eq!(
        shown("{% if off %}{% elsif api.nope %}{% endif %}"),
        "`t` line 1, column 13: unknown variable `api.nope`"
    );
    assert_eq!(error("{{ titel }}").advice.as_deref(), Some("did you mean `title`?"));
}

#[test]
fn a_condition_may_go_through_nil() {
    assert_eq!(plain("{% if spec.title %}a{% else %}b{% endif %}"), "b");
    assert!(Engine::new().text("t", "{{ spec.title }}", &sample()).is_err());
}

#[test]
fn broken_tags_say_what_and_where() {
    assert_eq!(error("a {% if flag %} b").to_string(), "`t` line 1, column 3: `{% if %}` is never closed");
    assert_eq!(error("{% endif %}").to_string(), "`t` line 1, column 1: `{% endif %}` does not belong to an open tag");
    assert!(error("{% if flag %}{% endfor %}").to_string().contains("does not belong"));
    assert!(error("{{ name | nope }}").to_string().contains("nope"), "{}", error("{{ name | nope }}"));
    assert!(error("{{ name | }}").to_string().starts_with("`t` line 1, column 1:"));
    assert!(error("{% literal 3 %}").to_string().contains("unknown tag"));
}

#[test]
fn a_value_of_the_texts_own_hides_another_and_a_break_ends_the_text() {
    for (text, expect) in [
        ("{% assign name = 'x' %}{{ name }}", "x"),
        ("{% capture name %}x{% endcapture %}{{ name }}", "x"),
        ("{% for name in items %}{{ name }}{% endfor %}-{{ name }}", "ab-my-api"),
        ("{{ name }}{% break %}{{ name }}", "my-api"),
        ("{{ items.first }}{{ api.tags.first }}{{ api.size }}", "ax2"),
    ] {
        assert_eq!(plain(text), expect, "{text}");
    }
}

#[test]
fn growth_is_bounded() {
    assert!(error("{% for i in (1..1000000000) %}x{% endfor %}").to_string().contains("range"));
    let nested = "{% for i in (1..99999) %}{% for j in (1..99999) %}{% endfor %}{% endfor %}";
    assert!(error(nested).to_string().contains("steps"));
    let doubling =
        "{% assign x = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}";
    assert!(error(doubling).to_string().contains("1048576 bytes"));
    let captured = "{% assign x = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..60) %}{% capture x %}{{ x }}{{ x }}{% endcapture %}{% endfor %}";
    assert!(error(captured).to_string().contains("too much output"), "{}", error(captured));
    let replaced =
        "{% assign x = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..60) %}{% assign x = x | replace: 'x', x %}{% endfor %}";
    assert!(Engine::new().text("t", replaced, &sample()).is_err());
}

/// Renders `text` as a file of `format` with a title.
fn formatted(format: Format, text: &str, title: &str) -> String {
    let values = values(json!({"title": title, "flag": true}));
    Engine::new().render("t", text, Some(format), &values).unwrap_or_else(|error| panic!("{error}"))
}

const YAML: &str = "plain: {{ title }}\n\"double\": \"{{ title }}\"\nsingle: '{{ title }}'\nmixed: see {{ title }} there\n\
quoted: \"see {{ title }}.\" # {{ title }}\nsingles: 'it''s {{ title }}'\nflow: [{{ title }}, {a: {{ title }}}]\n\
list:\n  - {{ title }}\n  - key: {{ title }}\n    next: 1\nurl: https://h/{{ title }}\n{% if flag %}inside: x {{ title }}\n{% endif %}\
{% for i in (1..2) %}key{{ i }}: {{ title }}\n{% endfor %}last: {{ title }}";

fn yaml(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn check_yaml(title: &str) {
    let text = formatted(Format::Yaml, YAML, title);
    let value = yaml(&text);
    let expect = json!({
        "plain": title, "double": title, "single": title, "mixed": format!("see {title} there"),
        "quoted": format!("see {title}."), "singles": format!("it's {title}"), "flow": [title, {"a": title}],
        "list": [title, {"key": title, "next": 1}], "url": format!("https://h/{title}"),
        "inside": format!("x {title}"), "key1": title, "key2": title, "last": title,
    });
    assert_eq!(value, expect, "{text}");
}

#[test]
fn two_quotes_at_a_lines_beginning_do_not_hide_where_the_yaml_scalar_began() {
    for (text, expect) in [
        ("a:      'one\n ''{{ title }}'\n", "one 'it's: #1"),
        ("a: 'one\n\n  ''two'' {{ title }}'\n", "one\n'two' it's: #1"),
    ] {
        let text = formatted(Format::Yaml, text, "it's: #1");
        assert_eq!(yaml(&text)["a"], json!(expect), "{text}");
    }
}

const JSON: &str =
    r#"{"a": {{ title }}, "b": "{{ title }}", "c": "x {{ title }} \" y", "d": { {{ title }}: [{{ flag }}] }}"#;

fn check_json(title: &str) {
    let text = formatted(Format::Json, JSON, title);
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!((&value["a"], &value["b"]), (&json!(title), &json!(title)));
    assert_eq!(value["c"], json!(format!("x {title} \" y")));
    assert_eq!(value["d"][title], json!([true]));
}

const TOML: &str = "a = {{ title }}\nb = \"{{ title }}\" # {{ title }}\nc = '{{ title }}'\nd = \"\"\"{{ title }}\"\"\"\n\
e = [{{ title }}, \"x {{ title }}\"]\nf = 'x {{ title }} y'\n[t]\n{{ title }} = {{ flag }}\n";

fn check_toml(title: &str) {
    let text = formatted(Format::Toml, TOML, title);
    let value: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    for key in ["a", "b", "c"] {
        assert_eq!(value[key].as_str(), Some(title), "{text}");
    }
    assert_eq!(value["f"].as_str(), Some(format!("x {title} y").as_str()));
    assert_eq!(value["e"][1].as_str(), Some(format!("x {title}").as_str()));
    assert!(value["t"].get(title).is_some());
}

const XML: &str = "<?xml version=\"1.0\"?>\n<a b=\"{{ title }}\" c='x {{ title }}'><!-- {{ title }} -->{{ title }}<d><![CDATA[{{ title }}]]></d></a>";

fn check_xml(title: &str) {
    let text = formatted(Format::Xml, XML, title);
    let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let root = document.root_element();
    assert_eq!(root.attribute("b"), Some(title));
    assert_eq!(root.attribute("c"), Some(format!("x {title}").as_str()));
    let inside: String = root.children().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect();
    assert_eq!(inside, title);
    // A CDATA section cannot hold a carriage return: a parser reads it as a line feed.
    let cdata = title.replace("\r\n", "\n").replace('\r', "\n");
    assert_eq!(
        root.children().find(|node| node.has_tag_name("d")).and_then(|node| node.text()).unwrap_or_default(),
        cdata
    );
}

fn check_shell(title: &str) {
    let template = "a={{ title }}\nb=\"x {{ title }}\"\nc='{{ title }}'\nd=\"$(printf '%s' {{ title }}; echo .)\"\n# {{ title }}\nprintf '%s\\0' \"$a\" \"$b\" \"$c\" \"$d\"\ncat <<EOF\n{{ title }}\nEOF\n";
    let script = formatted(Format::Shell, template, title);
    let output = std::process::Command::new("sh").arg("-c").arg(&script).output().expect("sh runs");
    let expect = format!("{title}\0x {title}\0{title}\0{title}.\0{title}\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expect, "{script}");
}

const HOSTILE: [&str; 24] = [
    "plain",
    "\"",
    "'",
    "''",
    "a: b",
    "a #b",
    "- a",
    "{{ title }}",
    "${{ secrets.X }}",
    "]]>",
    "--",
    "<&>",
    "a\nb",
    "\n",
    " x ",
    "true",
    "12",
    "null",
    "~",
    "\\",
    "$(x) `y` $z",
    "🦀 \u{202E}rtl",
    "\u{2028}\u{85}\u{FEFF}x",
    "EOF\"'",
];

#[test]
fn known_hostile_titles_are_given_back_by_every_format() {
    for title in HOSTILE {
        check_yaml(title);
        check_json(title);
        check_toml(title);
        check_xml(title);
        check_shell(title);
    }
}

#[test]
fn block_scalars_keep_their_indentation() {
    let text = formatted(
        Format::Yaml,
        "a: |\n  one {{ title }}\n  two\nb: {{ title }}\n- c: |-\n    {{ title }}\n",
        "x\ny: z",
    );
    assert_eq!(text, "a: |\n  one x\n  y: z\n  two\nb: \"x\\ny: z\"\n- c: |-\n    x\n    y: z\n");
}

#[test]
fn objects_are_written_in_the_order_of_their_keys_and_not_looped_over() {
    let values = values(json!({"o": {"c": 1, "a": {"z": 1, "b": 2}, "b": "x: y"}, "title": "t"}));
    let render = |text: &str, format| Engine::new().render("t", text, format, &values);
    for _ in 0..8 {
        assert_eq!(render("{{ o }}", Some(Format::Json)).expect("rendered"), r#"{"a":{"b":2,"z":1},"b":"x: y","c":1}"#);
        assert_eq!(render("{{ o }}", None).expect("rendered"), r#"{"a":{"b":2,"z":1},"b":"x: y","c":1}"#);
        assert_eq!(
            render("a = {{ o }}", Some(Format::Toml)).expect("rendered"),
            "a = { a = { b = 2, z = 1 }, b = \"x: y\", c = 1 }"
        );
    }
    assert!(render("{% for x in o %}{% endfor %}", None).expect_err("refused").message.contains("no order"));
}

#[test]
fn flow_collections_are_cut_at_every_comma() {
    for template in ["a: [{{ title }},b]", "a: [\n  {{ title }},\n  b\n]", "a: [ {{ title }} , b ]"] {
        assert_eq!(yaml(&formatted(Format::Yaml, template, "x, y")), json!({"a": ["x, y", "b"]}), "{template}");
    }
    let pre = formatted(Format::Yaml, "a: {k: pre {{ title }},\n  l: 1}", "x: y");
    assert_eq!(yaml(&pre), json!({"a": {"k": "pre x: y", "l": 1}}));
    let looped = formatted(Format::Yaml, "[{% for i in (1..2) %}{{ title }},{% endfor %}]", "a: b");
    assert_eq!(yaml(&looped), json!(["a: b", "a: b"]));
}

#[test]
fn what_cannot_be_given_back_is_refused_and_the_rest_is_written_plainly() {
    let cases = [
        (Format::Yaml, "a: '{% if flag %}{{ title }}{% endif %}'", "it's", Some("a: 'it''s'")),
        (Format::Yaml, "a: '{% if flag %}{{ title }}{% endif %}'", "a\nb", Some("a: \"a\\nb\"")),
        (Format::Yaml, "a: {{ title }}{% if flag %}-{{ title }}{% endif %}", "ok", Some("a: ok-ok")),
        (Format::Yaml, "a: {{ title }}{% if flag %}-{{ title }}{% endif %}", "a: b", Some("a: \"a: b-a: b\"")),
        (Format::Yaml, "{% if flag %}a: {{ title }}{% endif %}\n", "a: b", Some("a: \"a: b\"\n")),
        (Format::Toml, "a = '{% if flag %}{{ title }}{% endif %}'", "ok", Some("a = 'ok'")),
        (Format::Toml, "a = '{% if flag %}{{ title }}{% endif %}'", "it's", Some("a = \"it's\"")),
        (Format::Toml, "a = '''{{ title }}'''", "it's", Some("a = '''it's'''")),
        (Format::Toml, "a = '''{{ title }}'''", "'''", None),
        (Format::Shell, "cat <<EOF\n{{ title }}\nEOF\n", "a\nEOF\ntouch x", None),
        (Format::Shell, "cat <<-'END'\n\t{{ title }}\n\tEND\n", "a\n\tEND", None),
        (Format::Shell, "cat <<'END'\n{{ title }}\nEND\n", "$x\ny", Some("cat <<'END'\n$x\ny\nEND\n")),
        (Format::Shell, "x=1&# it's\necho {{ title }}", "a b", Some("x=1&# it's\necho 'a b'")),
        (Format::Shell, "x=$((1<<Y)); printf %s \"{{ title }}\"", "\"", Some("x=$((1<<Y)); printf %s \"\\\"\"")),
        (Format::Shell, "x=`echo {{ title }}`", "a b", None),
        (Format::Shell, "x=$'{{ title }}'", "it's", None),
        (Format::Xml, "<!---{{ title }}-->", "- a-", Some("<!--- - a- -->")),
    ];
    for (format, template, title, expected) in cases {
        let values = values(json!({"title": title, "flag": true}));
        let rendered = Engine::new().render("t", template, Some(format), &values);
        match expected {
            Some(text) => {
                assert_eq!(rendered.unwrap_or_else(|error| panic!("{template}: {error}")), text, "{template}")
            }
            None => assert!(rendered.expect_err(template).message.contains("cannot"), "{template}"),
        }
    }
}

#[test]
fn deep_and_long_templates_are_refused() {
    let deep = ["{% if flag %}".repeat(5000), "{% endif %}".repeat(5000)].concat();
    assert!(error(&deep).message.contains("tags are open"));
    let long = format!("{{% if flag{} %}}{{% endif %}}", " and flag".repeat(20_000));
    assert!(error(&long).message.contains("longer than"));
    assert!(error("{{ 'now' | date: '%99999999999Y' }}").message.contains("unknown filter `date`"));
}

#[test]
fn an_unknown_entry_is_found_in_a_branch_that_is_not_taken() {
    assert_eq!(
        error("{% if off %}\n{{ api.nope }}{% endif %}").to_string(),
        "`t` line 2, column 1: unknown variable `api.nope`"
    );
    assert_eq!(plain("{% for\tx\tin\titems %}{{ x | append: '\t' }}{% endfor %}"), "a\tb\t");
    assert!(error("{{ }}").message.starts_with("not valid Liquid"), "{}", error("{{ }}"));
}

#[test]
fn typed_values_stay_typed() {
    let values = values(json!({"list": ["a: b", 1], "flag": true, "count": 3, "nothing": null, "text": "3"}));
    let yaml = Engine::new().render(
        "t",
        "[{{ list }}, {{ flag }}, {{ count }}, {{ nothing }}, {{ text }}]",
        Some(Format::Yaml),
        &values,
    );
    assert_eq!(yaml.expect("it renders"), "[[\"a: b\", 1], true, 3, null, \"3\"]");
    let json = Engine::new().render("t", "{{ list }}", Some(Format::Json), &values);
    assert_eq!(json.expect("it renders"), "[\"a: b\",1]");
}

/// Titles of the characters that break formats, up to 500 of them.
fn hostile() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\"", "'", "<", "&", ">", ":", ": ", " #", "#", "{{", "}}", "${{", "{%", "]]>", "--", "\n", "\t", "\\", "%",
        "@", "`", "$", "🦀", "م", "\u{202E}", " ", "-", "|", "*", "é", "!", "?", ",", "[", "]", "{", "}", "=",
        "\u{2028}", "\u{FEFF}", "'''", "\"\"\"", "EO",
    ]);
    prop::collection::vec(prop_oneof![odd.prop_map(str::to_owned), "[a-zA-Z0-9 ]{1,12}"], 1..60)
        .prop_map(|parts| parts.concat().chars().take(500).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_hostile_title_is_given_back(title in hostile()) {
        check_yaml(&title);
        check_json(&title);
        check_toml(&title);
        check_xml(&title);
    }

    #[test]
    fn a_variable_alone_gives_what_liquid_gives(title in hostile()) {
        for (format, text) in [(Format::Yaml, YAML), (Format::Json, JSON), (Format::Toml, TOML), (Format::Xml, XML)] {
            let by_liquid = text.replace("{{ title }}", "{{ title | append: '' }}");
            prop_assert_eq!(formatted(format, text, &title), formatted(format, &by_liquid, &title));
        }
    }

    #[test]
    fn variables_among_any_text_give_what_liquid_gives(
        text in r#"(\{\{ title \}\}|\{\{ name \}\}|[a-c :,#'"]|: |- | #|\n|\[|\]|<a b=|>|<!--|-->|\{% if flag %\}|\{% endif %\}){0,30}"#
    ) {
        let by_liquid = text.replace(" }}", " | append: '' }}");
        for format in [None, Some(Format::Xml), Some(Format::Json), Some(Format::Yaml), Some(Format::Toml), Some(Format::Shell)] {
            let rendered = |text: &str| Engine::new().render("t", text, format, &sample()).ok();
            prop_assert_eq!(rendered(&text), rendered(&by_liquid));
        }
    }

    #[test]
    fn any_text_is_rendered_or_refused_without_a_panic(text in "(\\{\\{|\\}\\}|\\{%|%\\}|-|if|endif|for|name|title|raw|endraw|comment|endcomment| |\\n|'|\"|\\||x|\\$|:|\\.|\\[|\\]){0,40}") {
        for format in [None, Some(Format::Xml), Some(Format::Json), Some(Format::Yaml), Some(Format::Toml), Some(Format::Shell)] {
            let _ = Engine::new().render("t", &text, format, &sample());
        }
    }

    #[test]
    fn expressions_of_github_actions_survive(text in "(\\$\\{\\{|\\}\\}| \\{\\{ name \\}\\} | a |\\n|\\$|\\{|x|secrets\\.X| \\{% raw %\\}|\\{% endraw %\\}){0,30}") {
        if let Ok(rendered) = Engine::new().text("t", &text, &sample()) {
            let find = |text: &str| {
                let mut found: Vec<String> = regex::Regex::new(r"\$\{\{.*?\}\}").expect("a pattern").find_iter(text).map(|m| m.as_str().to_owned()).collect();
                found.sort();
                found
            };
            prop_assert_eq!(find(&text), find(&rendered));
        }
    }

    #[test]
    fn our_own_cutting_renders_what_liquid_renders(text in "(\\{\\{-? name -?\\}\\}|\\{%-? if flag -?%\\}|\\{%-? else -?%\\}|\\{%-? endif -?%\\}|\\{%-? for i in items -?%\\}|\\{\\{ i \\}\\}|\\{%-? endfor -?%\\}|\\{%-? raw -?%\\}|\\{%-? endraw -?%\\}|\\{%-? comment -?%\\}|\\{%-? endcomment -?%\\}| |\\n|\\r\\n|a|\\{|\\}|%){0,16}") {
        let globals = liquid::object!({"name": "my-api", "flag": true, "items": ["a", "b"]});
        // In raw text Liquid's own parser gives the space after `-%}` to that tag, where `{%- endraw` cannot trim it.
        let swallowed = regex::Regex::new(r"-[%}]\}\s+\{%- endraw").expect("a pattern");
        prop_assume!(!swallowed.is_match(&text));
        // Liquid's own parser panics on some texts with an open comment.
        let parse = || liquid::ParserBuilder::with_stdlib().build().expect("a parser").parse(&text);
        let (Ok(Ok(template)), Ok(ours)) = (catch_unwind(parse), Engine::new().text("t", &text, &sample())) else { return Ok(()) };
        if let Ok(theirs) = template.render(&globals) {
            prop_assert_eq!(ours, theirs, "{:?}", text);
        }
    }
}

#[test]
fn the_time_that_a_person_takes_to_answer_is_not_the_template_s() {
    let late = Engine { deadline: Instant::now(), ..Engine::new() };
    let long = "{% for i in (1..90000) %}{% if false %}{% endif %}{% endfor %}done";
    assert_eq!(late.text("t", long, &sample()).expect("its own time"), "done");
    assert!(late.condition("t", "flag", &sample()).expect("its own time"));
    let error = late.render("t", long, None, &sample()).expect_err("no time is left");
    assert_eq!(error.message, "rendering takes too long");
    let mut tree = crate::model::tree::Tree::new();
    let path = crate::model::tree::TreePath::new("a.md").expect("a path");
    tree.insert(path, crate::model::tree::File::plain(long.as_bytes().to_vec())).expect("new");
    // As often as anybody likes: a render does not use up the bounds of the next.
    for _ in 0..2 {
        let rendered = crate::template::render::render(tree.clone(), &[], &late, &sample()).expect("its own time");
        assert_eq!(rendered.get("a.md").and_then(|file| file.text()), Some("done"));
    }
}
